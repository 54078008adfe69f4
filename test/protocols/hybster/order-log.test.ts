// The ordering window: whether anything is proposed beyond an order, as a look at every slot says.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OrderLog } from "../../../src/protocols/hybster/order-log.js";

const position = { view: 0, order: 0 };
const attestation = {
  type: 0,
  instance: 0,
  counter: 0,
  next: position,
  previous: position,
  mac: new Uint8Array(32),
};
const batch = new Uint8Array(32);

const step = fc.oneof(
  fc.record({ propose: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ vote: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ forget: fc.integer({ min: 0, max: 20 }) }),
  fc.constant("clear" as const),
);

test("a log knows whether there is a proposal beyond an order", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30, size: "max" }), fc.nat(22), (steps, order) => {
      const log = new OrderLog(3, 2);
      for (const one of steps) {
        if (one === "clear") log.clear();
        else if ("propose" in one) {
          log.propose({ view: 0, order: one.propose, batch, attestation, requests: [] }, []);
        } else if ("vote" in one) log.vote(one.vote, 1, batch);
        else log.forget(one.forget);
      }
      assert.equal(
        log.hasBeyond(order),
        log.proposed().some((slot) => slot.order > order),
      );
    }),
  );
});
