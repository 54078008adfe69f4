// The small parts: patience, suspicions, the batch store, the outbox, replies on the wire.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Answer,
  type Batch,
  BatchStore,
  fromReplyMessage,
  Outbox,
  Patience,
  Suspicions,
  toReplyMessage,
} from "../../src/parts/index.js";
import { defaultTiming } from "../../src/core/index.js";
import { bundleFor, requestFor } from "./samples.js";

const timing = { ...defaultTiming, patienceMs: 100, patienceMsMax: 1000 };

test("patience doubles with every failed view up to its most, and is reset by a good one", () => {
  const patience = new Patience(timing);
  const lengths: number[] = [];
  for (let failed = 0; failed < 100; failed++) {
    lengths.push(patience.lengthMs);
    patience.viewFailed();
  }
  assert.deepEqual(lengths.slice(0, 6), [100, 200, 400, 800, 1000, 1000]);
  assert.ok(lengths.slice(4).every((lengthMs) => lengthMs === 1000));
  patience.reset();
  assert.equal(patience.lengthMs, 100);
  patience.viewFailed();
  assert.equal(patience.lengthMs, 200);
});

test("waiting counts from the request's arrival or the restart, whichever is later", () => {
  const times = fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(2000));
  fc.assert(
    fc.property(times, ([oldest, restarted, now]) => {
      const patience = new Patience(timing);
      patience.restart(restarted);
      const deadline = Math.max(oldest, restarted) + 100;
      assert.equal(patience.remainingMs(oldest, now), Math.max(0, deadline - now));
    }),
  );
});

test("the agreed view is the highest that f+1 replicas want, whatever f liars say", () => {
  const clusters = fc.integer({ min: 1, max: 3 }).chain((f) =>
    fc.record({
      f: fc.constant(f),
      spare: fc.nat(f),
      notes: fc.array(fc.tuple(fc.nat(2 * f), fc.nat(9)), { maxLength: 30 }),
      lies: fc.array(fc.tuple(fc.nat(f - 1), fc.maxSafeNat()), { maxLength: 10 }),
    }),
  );
  fc.assert(
    fc.property(clusters, ({ f, spare, notes, lies }) => {
      const n = 2 * f + 1 + spare;
      const suspicions = new Suspicions(n, f);
      const wanted = new Array<number>(n).fill(0);
      for (const [replica, view] of notes) {
        const before = suspicions.agreed;
        suspicions.note(replica, view);
        wanted[replica] = Math.max(wanted[replica]!, view);
        assert.equal(suspicions.of(replica), wanted[replica]);
        assert.ok(suspicions.agreed >= before);
      }
      const { agreed } = suspicions;
      assert.ok(wanted.filter((view) => view >= agreed).length > f);
      assert.ok(wanted.filter((view) => view > agreed).length <= f);
      for (const [replica, view] of lies) suspicions.note(replica, view);
      assert.ok(suspicions.agreed <= Math.max(...wanted.slice(f)));
    }),
  );
});

const batches = [1, 2, 3].map((client): Batch => [requestFor(bundleFor(client, 1, 1))]);
const digests = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));

test("a batch store takes what is awaited, and nothing else", () => {
  const store = new BatchStore();
  const [digest, other] = digests as [Uint8Array, Uint8Array];
  assert.equal(store.take(digest, batches[0]!), false);
  assert.equal(store.get(digest), null);
  assert.equal(store.await(digest, 5, 1), true, "to be asked for");
  assert.equal(store.await(digest, 5, 1), false, "asked for already");
  assert.equal(store.await(digest, 5, 2), true, "of another");
  store.askAgain();
  assert.equal(store.await(digest, 5, 1), true, "once more");
  assert.equal(store.take(other, batches[1]!), false);
  assert.equal(store.take(digest, batches[0]!), true);
  assert.equal(store.get(digest.slice()), batches[0]);
  assert.equal(store.take(digest, batches[1]!), false);
  assert.equal(store.get(digest), batches[0]);
});

test("a batch store forgets what is stable, awaited or stored", () => {
  const store = new BatchStore();
  const [first, second, third] = digests as [Uint8Array, Uint8Array, Uint8Array];
  store.put(first, batches[0]!, 5);
  store.put(second, batches[1]!, 5);
  store.put(second, batches[1]!, 7);
  store.put(second, batches[1]!, 6);
  store.await(third, 6, 1);
  store.forget(4);
  assert.equal(store.get(first), batches[0]);
  store.forget(6);
  assert.equal(store.get(first), null);
  assert.equal(store.get(second), batches[1]);
  assert.equal(store.take(third, batches[2]!), false);
  store.await(third, 9, 1);
  store.forget(8);
  assert.equal(store.get(second), null);
  assert.equal(store.take(third, batches[2]!), true);
  store.forget(9);
  assert.equal(store.get(third), null);
});

test("a batch that is wanted for two orders stays until the later one is stable", () => {
  const store = new BatchStore();
  const [digest, other] = digests as [Uint8Array, Uint8Array];
  store.put(digest, batches[0]!, 5);
  store.put(digest, batches[0]!, 8);
  assert.equal(store.heldFor(digest), 8);
  assert.equal(store.heldFor(other), null);
  store.await(other, 9, 1);
  store.await(other, 6, 2);
  assert.equal(store.take(other, batches[1]!), true);
  store.forget(7);
  assert.equal(store.get(digest), batches[0]);
  store.forget(8);
  assert.equal(store.get(digest), null);
  assert.equal(store.get(other), batches[1]);
});

test("an outbox gives its effects once, in the order in which they were caused", () => {
  const outbox = new Outbox<string, string>();
  assert.deepEqual(outbox.take(), []);
  outbox.persist("record");
  outbox.send(2, "to one");
  outbox.broadcast("to all");
  outbox.reply(1, 7, "to a client");
  outbox.setTimer("batch", 3);
  outbox.cancelTimer("batch");
  outbox.drop("late");
  outbox.observe({ event: "mute" });
  outbox.add({ kind: "send", to: 0, message: "last" });
  const effects = outbox.take();
  assert.deepEqual(effects, [
    { kind: "persist", record: "record" },
    { kind: "send", to: 2, message: "to one" },
    { kind: "broadcast", message: "to all" },
    { kind: "reply", client: 1, session: 7, message: "to a client" },
    { kind: "set-timer", timer: "batch", afterMs: 3 },
    { kind: "cancel-timer", timer: "batch" },
    { kind: "observe", event: { event: "dropped", reason: "late" } },
    { kind: "observe", event: { event: "mute" } },
    { kind: "send", to: 0, message: "last" },
  ]);
  outbox.send(1, "later");
  assert.equal(effects.length, 9);
  assert.deepEqual(outbox.take(), [{ kind: "send", to: 1, message: "later" }]);
  assert.deepEqual(outbox.take(), []);
});

test("a reply survives the wire; an unknown outcome is refused", () => {
  for (const outcome of ["executed", "session-expired"] as const) {
    const results = outcome === "executed" ? [Uint8Array.of(1), new Uint8Array(0)] : [];
    const answer: Answer = { client: 1, session: 2, number: 3, outcome, results };
    const message = toReplyMessage(answer, 9);
    const { kind: _, ...reply } = { ...fromReplyMessage(message)!, kind: "reply" };
    assert.deepEqual(reply, { ...answer, view: 9 });
    assert.equal(fromReplyMessage({ ...message, outcome: 2 }), null);
  }
});
