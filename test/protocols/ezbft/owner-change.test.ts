// What a new owner must settle, and what 2f+1 opinions come to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, combined, type Entry, type Value } from "../../../src/protocols/ezbft/index.js";

const batch = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const noop = batch(0);

const valueOf = (byte: number, dependencies: number[], sequence: number): Value => ({
  batch: batch(byte),
  dependencies,
  sequence,
});

const answered = (value: Value, view = 0): Entry => ({
  slot: 1,
  acked: [{ view, ...value }],
  prepared: [],
});

const certified = (value: Value, view: number): Entry => ({
  slot: 1,
  acked: [],
  prepared: [{ space: 0, slot: 1, view, ...value, signatures: [] }],
});

const chosen = (...entries: Entry[]) => choose(entries, 1, 4, noop);

test("ezbft-byz-client-two-certs: no f replicas can raise a sequence number (E2, rule b)", () => {
  const honest = { dependencies: [0, 0, 0, 0], sequence: 1 };
  const liar = { dependencies: [0, 0, 0, 9], sequence: 5 };
  const value = combined(batch(1), [honest, liar, honest], 1);
  assert.deepEqual(value.dependencies, [0, 0, 0, 9], "what anybody names comes before");
  assert.equal(value.sequence, 1);
});

test("a prepared value stands, the latest if there are several", () => {
  const [old, late] = [valueOf(1, [0, 0, 0, 0], 1), valueOf(2, [0, 1, 0, 0], 2)];
  const { value, isPrepared } = chosen(certified(old, 0), certified(late, 1), answered(old));
  assert.deepEqual(value, late);
  assert.ok(isPrepared);
});

test("what f+1 answered alike stands, and is asked about again (E4, rule d)", () => {
  const value = valueOf(1, [0, 0, 0, 0], 1);
  const other = valueOf(1, [0, 0, 0, 3], 2);
  assert.deepEqual(chosen(answered(value), answered(other), answered(value)), {
    value,
    isPrepared: false,
  });
});

test("a certificate from before a space was given back counts for less than answers since", () => {
  const [old, now] = [valueOf(1, [0, 0, 0, 0], 1), valueOf(2, [0, 1, 0, 0], 2)];
  const { value } = chosen(certified(old, 1), answered(now, 4), answered(now, 4));
  assert.deepEqual(value, now);
  assert.deepEqual(chosen(certified(old, 4), answered(now, 4), answered(now, 4)).value, old);
});

test("answers to orders of different views are not alike", () => {
  const value = valueOf(1, [0, 0, 0, 0], 1);
  assert.deepEqual(chosen(answered(value, 0), answered(value, 4)).value.batch, noop);
});

test("of what nothing is certain, nothing stands (E5)", () => {
  const entries = [1, 2, 3].map((byte) => answered(valueOf(byte, [0, 0, 0, 0], 1)));
  assert.deepEqual(chosen(...entries), {
    value: { batch: noop, dependencies: [0, 0, 0, 0], sequence: 0 },
    isPrepared: false,
  });
});
