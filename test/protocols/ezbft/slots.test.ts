// What stands where in a space.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "../../../src/protocols/ezbft/slots.js";

const batch = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

const recorded = (slots: Slots, number: number, byte: number, sequence: number) =>
  Object.assign(slots.at(number, 0), { recorded: batch(byte), sequence });

test("what was recorded where something else is decided leaves no trace in numbers", () => {
  const slots = new Slots(0, 4, 8);
  const slot = recorded(slots, 1, 1, 9);
  slot.decided = { batch: batch(2), dependencies: [0, 0, 0, 0], sequence: 1 };
  assert.equal(slots.advance(), 0, "its batch is not here");
  assert.equal(slots.highestSequence(1), 1);
  slot.recorded = batch(2);
  assert.equal(slots.advance(), 1);
  assert.equal(slots.highestSequence(1), 1);
});

test("sequence numbers that were decided outlive their slots", () => {
  const slots = new Slots(0, 4, 8);
  for (const [number, sequence] of [5, 3].entries()) {
    const slot = recorded(slots, number + 1, 1, 7);
    slot.decided = { batch: batch(1), dependencies: [0, 0, 0, 0], sequence };
  }
  slots.advance();
  assert.equal(slots.highestSequence(2), 5);
  slots.forget(2, slots.highestSequence(2));
  assert.equal(slots.highestSequence(2), 5);
  assert.equal(slots.all().length, 0);
  assert.deepEqual([slots.base, slots.top, slots.decided], [2, 2, 2]);
});
