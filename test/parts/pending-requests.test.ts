// Pending requests against a plain list: order within sessions, bounds, proposing, forwarding.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bundleOf, type Bundle, type Request } from "../../src/codec/index.js";
import { batchBytes, PendingRequests } from "../../src/parts/index.js";
import { sizeOf } from "../../src/simulator/index.js";
import { bundleFor, limitsWith, nameOf, requestFor } from "./samples.js";

const bytesOf = (bundle: Bundle): number => batchBytes([requestFor(bundle)]);
const smallest = bytesOf(bundleFor(0, 0, 1));
const limits = limitsWith({
  sessionWindow: 5,
  pendingRequestsMax: 9,
  pendingBytesMax: 8 * smallest + 60,
  batchRequestsMax: 3,
  batchBytesMax: 2 * smallest + 40,
});
const namesOf = (batch: readonly Request[]): string[] =>
  batch.map((request) => nameOf(bundleOf(request)!));

interface Entry {
  readonly bundle: Bundle;
  since: number;
  isProposed: boolean;
  isForwarded: boolean;
}

/** What waits, in order of arrival, and how far each session was settled. */
class Model {
  waiting: Entry[] = [];
  readonly lasts = new Map<string, number>();

  last({ client, session }: Pick<Bundle, "client" | "session">): number {
    return this.lasts.get(`${client}/${session}`) ?? 0;
  }

  of({ client, session }: Pick<Bundle, "client" | "session">): Entry[] {
    return this.waiting.filter(
      ({ bundle }) => bundle.client === client && bundle.session === session,
    );
  }

  /** The first number that neither took effect nor waits. */
  next(bundle: Pick<Bundle, "client" | "session">): number {
    const numbers = new Set(this.of(bundle).map(({ bundle: { number } }) => number));
    let next = this.last(bundle) + 1;
    while (numbers.has(next)) next += 1;
    return next;
  }

  /** Adds one; those of its session that come after it wait behind it, as if they were new. */
  add(entry: Entry): void {
    const later = this.of(entry.bundle).filter(({ bundle }) => bundle.number > entry.bundle.number);
    for (const one of later) {
      one.isProposed = one.isForwarded = false;
      one.since = entry.since;
    }
    this.waiting = [...this.waiting.filter((one) => !later.includes(one)), entry, ...later];
  }

  /** What took effect beyond a bundle was undone. */
  undo({ client, session, number }: Bundle): void {
    const last = Math.min(this.last({ client, session }), number);
    this.lasts.set(`${client}/${session}`, last);
  }

  hasRoom(bundle: Bundle): boolean {
    const bytes = this.waiting.reduce((sum, entry) => sum + bytesOf(entry.bundle), 0);
    const ofClient = this.waiting.filter((entry) => entry.bundle.client === bundle.client).length;
    const { sessionWindow, pendingRequestsMax, pendingBytesMax } = limits;
    return (
      ofClient < 2 * sessionWindow &&
      this.waiting.length < pendingRequestsMax &&
      bytes + bytesOf(bundle) <= pendingBytesMax
    );
  }

  settle(client: number, session: number, last: number): void {
    this.lasts.set(`${client}/${session}`, Math.max(this.last({ client, session }), last));
    this.waiting = this.waiting.filter(({ bundle }) => bundle.number > this.last(bundle));
  }

  /** What a batch takes of these: the first ones, at least one, as many as its limits allow. */
  batchOf(entries: readonly Entry[]): Entry[] {
    const batch: Entry[] = [];
    let bytes = 0;
    for (const entry of entries) {
      bytes += bytesOf(entry.bundle);
      const isOver = batch.length === limits.batchRequestsMax || bytes > limits.batchBytesMax;
      if (isOver && batch.length > 0) break;
      batch.push(entry);
    }
    return batch;
  }
}

type Step =
  | { readonly kind: "add"; readonly bundle: Bundle; readonly inTurn: boolean }
  | { readonly kind: "settle" | "undo"; readonly bundle: Bundle }
  | { readonly kind: "propose" | "restart" }
  | { readonly kind: "forward"; readonly agoMs: number };

const bundles = fc
  .record({ client: fc.nat(2), session: fc.nat(1), number: fc.nat(7), length: fc.nat(60) })
  .map(({ client, session, number, length }) =>
    bundleFor(client, session, number, { operations: [new Uint8Array(length)] }),
  );
const adding: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("add" as const),
  bundle: bundles,
  inTurn: fc.boolean(),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { arbitrary: adding, weight: 6 },
    { arbitrary: fc.record({ kind: fc.constant("settle" as const), bundle: bundles }), weight: 2 },
    { arbitrary: fc.record({ kind: fc.constant("undo" as const), bundle: bundles }), weight: 1 },
    { arbitrary: fc.constant({ kind: "propose" as const }), weight: 2 },
    { arbitrary: fc.constant({ kind: "restart" as const }), weight: 1 },
    {
      arbitrary: fc.record({ kind: fc.constant("forward" as const), agoMs: fc.nat(12) }),
      weight: 1,
    },
  ),
  { maxLength: 80, size: "max" },
);

/** Takes one step on both sides. Gives the outcome of an addition, for counting. */
function take(pending: PendingRequests, model: Model, step: Step, now: number): string {
  switch (step.kind) {
    case "add": {
      const next = model.next(step.bundle);
      const bundle = step.inTurn ? { ...step.bundle, number: next } : step.bundle;
      const hasRoom = model.hasRoom(bundle);
      const waits = model.of(bundle).some((one) => one.bundle.number === bundle.number);
      const isKnown = bundle.number < next || waits;
      const isInTurn = bundle.number === next;
      const expected = isKnown ? "known" : !isInTurn ? "early" : hasRoom ? "added" : "full";
      assert.equal(pending.add(requestFor(bundle), model.last(bundle), now), expected);
      if (expected === "added") {
        model.add({ bundle, since: now, isProposed: false, isForwarded: false });
      }
      return expected;
    }
    case "settle": {
      const { client, session, number } = step.bundle;
      const last = Math.max(number, model.last(step.bundle));
      model.settle(client, session, last);
      pending.settle(client, session, last);
      return step.kind;
    }
    case "undo":
      model.undo(step.bundle);
      return step.kind;
    case "propose": {
      const expected = model.batchOf(model.waiting.filter((entry) => !entry.isProposed));
      if (expected.length > 0) assert.ok(pending.hasUnproposed);
      // A shorter batch is right, too: room may go to one that took effect meanwhile.
      const batch = namesOf(pending.takeBatch());
      const names = expected.map(({ bundle }) => nameOf(bundle));
      assert.deepEqual(batch, names.slice(0, batch.length));
      assert.equal(batch.length > 0, names.length > 0);
      for (const entry of expected.slice(0, batch.length)) entry.isProposed = true;
      return step.kind;
    }
    case "restart":
      pending.restart((bundle) => model.last(bundle));
      for (const entry of model.waiting) entry.isProposed = entry.isForwarded = false;
      return step.kind;
    case "forward": {
      const until = now - step.agoMs;
      const old = model.waiting.filter((entry) => entry.since <= until && !entry.isForwarded);
      const expected = model.batchOf(old);
      assert.deepEqual(
        namesOf(pending.takeUnforwarded(until)),
        expected.map(({ bundle }) => nameOf(bundle)),
      );
      for (const entry of expected) entry.isForwarded = true;
      return step.kind;
    }
  }
}

test("pending requests do what a plain list does", () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(steps, (todo) => {
      const pending = new PendingRequests(limits);
      const model = new Model();
      todo.forEach((step, now) => {
        reached.add(take(pending, model, step, now));
        assert.equal(pending.oldest, model.waiting[0]?.since ?? null);
      });
      pending.restart((bundle) => model.last(bundle));
      const proposed: string[] = [];
      while (pending.hasUnproposed) proposed.push(...namesOf(pending.takeBatch()));
      assert.deepEqual(
        proposed,
        model.waiting.map(({ bundle }) => nameOf(bundle)),
      );
    }),
    { numRuns: 150 },
  );
  const outcomes = [
    "added",
    "known",
    "early",
    "full",
    "settle",
    "undo",
    "propose",
    "restart",
    "forward",
  ];
  assert.deepEqual([...reached].sort(), outcomes.sort());
});

/** Adds a bundle of a client's session with so many bytes of operations. */
const add = (pending: PendingRequests, client: number, number: number, bytes = 0, now = 0) =>
  pending.add(
    requestFor(bundleFor(client, 1, number, { operations: [new Uint8Array(bytes)] })),
    0,
    now,
  );

test("a session's requests wait in their order, each once", () => {
  const pending = new PendingRequests(limitsWith({}));
  assert.equal(add(pending, 1, 2), "early");
  assert.equal(add(pending, 1, 1), "added");
  assert.equal(add(pending, 1, 1), "known");
  assert.equal(add(pending, 1, 3), "early");
  assert.equal(add(pending, 1, 2), "added");
  assert.deepEqual(namesOf(pending.takeBatch()), ["1/1/1", "1/1/2"]);
  assert.equal(add(pending, 1, 1), "known");
  assert.deepEqual(pending.takeBatch(), []);
  assert.equal(pending.add(requestFor(bundleFor(1, 1, 5)), 4, 0), "added");
});

test("no client, no number of clients and no size fills more than its bound", () => {
  const perClient = new PendingRequests(limitsWith({ sessionWindow: 2 }));
  for (const number of [1, 2, 3, 4]) assert.equal(add(perClient, 1, number), "added");
  assert.equal(add(perClient, 1, 5), "full", "twice the window: others may have answered half");
  assert.equal(perClient.add(requestFor(bundleFor(1, 2, 1)), 0, 0), "full");
  assert.equal(add(perClient, 2, 1), "added");

  const inNumber = new PendingRequests(limitsWith({ pendingRequestsMax: 2 }));
  for (const client of [1, 2]) assert.equal(add(inNumber, client, 1), "added");
  assert.equal(add(inNumber, 3, 1), "full");
  inNumber.settle(1, 1, 1);
  assert.equal(add(inNumber, 3, 1), "added");

  const inBytes = new PendingRequests(limitsWith({ pendingBytesMax: 1000 }));
  assert.equal(add(inBytes, 1, 1, 900), "added");
  assert.equal(add(inBytes, 2, 1, 100), "full");
  inBytes.settle(1, 1, 1);
  assert.equal(add(inBytes, 2, 1, 100), "added");
});

test("a batch ends at its number or its bytes; a larger request goes alone", () => {
  const pending = new PendingRequests(limitsWith({ batchRequestsMax: 2, batchBytesMax: 600 }));
  for (const [client, bytes] of [
    [1, 10],
    [2, 10],
    [3, 10],
    [4, 900],
    [5, 300],
    [6, 300],
  ] as const) {
    add(pending, client, 1, bytes);
  }
  const batches = [["1/1/1", "2/1/1"], ["3/1/1"], ["4/1/1"], ["5/1/1"], ["6/1/1"], []];
  for (const batch of batches) assert.deepEqual(namesOf(pending.takeBatch()), batch);
});

test("the oldest request counts until it is settled", () => {
  const pending = new PendingRequests(limitsWith({}));
  assert.equal(pending.oldest, null);
  add(pending, 1, 1, 0, 5);
  add(pending, 2, 1, 0, 7);
  pending.takeBatch();
  assert.equal(pending.oldest, 5);
  pending.settle(1, 1, Number.MAX_SAFE_INTEGER);
  assert.equal(pending.oldest, 7);
  pending.restart(() => 1);
  assert.equal(pending.oldest, null);
});

test("what another leader proposed and is settled leaves nothing behind", () => {
  const pending = new PendingRequests(limits);
  for (let number = 1; number <= 1000; number++) {
    const bundle = bundleFor(1, 1, number);
    assert.equal(pending.add(requestFor(bundle), number - 1, 0), "added");
    pending.settle(bundle.client, bundle.session, number);
    assert.equal(pending.hasUnproposed, false);
  }
  assert.ok(sizeOf(pending).elements < 10);
});
