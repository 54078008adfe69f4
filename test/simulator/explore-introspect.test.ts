// Fingerprints and sizes of plain state.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Fingerprinter, sizeOf } from "../../src/simulator/index.js";

const nothing: ReadonlySet<object> = new Set();

test("equal values have equal fingerprints, others do not", () => {
  const fingerprinter = new Fingerprinter();
  const anything = fc.anything({
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withBigInt: true,
  });
  const seen = new Map<string, string>();
  fc.assert(
    fc.property(anything, (value) => {
      // a value's text, with the sharing that structuredClone keeps
      const text = fc.stringify(value);
      const fingerprint = fingerprinter.of(structuredClone(value), nothing);
      assert.equal(fingerprinter.of(value, nothing), fingerprint);
      const other = seen.get(fingerprint);
      if (other !== undefined) assert.equal(text.replaceAll("-0", "0"), other);
      seen.set(fingerprint, text.replaceAll("-0", "0"));
    }),
    { seed: 1, numRuns: 500 },
  );
});

test("what matters is told apart: order, kind, sharing, extra words", () => {
  const shared = { at: 1 };
  const values: readonly unknown[] = [
    [1, 2],
    [2, 1],
    ["1", 2],
    new Set([1, 2]),
    new Set([2, 1]),
    new Map([[1, 2]]),
    { 1: 2 },
    { a: null },
    { a: undefined },
    {},
    [shared, shared],
    [{ at: 1 }, { at: 1 }],
    new Uint8Array([1, 2]),
    new Uint8Array([1, 2, 0]),
    0.5,
    2 ** 40,
    2 ** 40 + 1,
  ];
  const fingerprinter = new Fingerprinter();
  const fingerprints = values.map((value) => fingerprinter.of(value, nothing));
  fingerprints.push(fingerprinter.of({}, nothing, [7]));
  assert.equal(new Set(fingerprints).size, fingerprints.length);
});

test("cycles end, functions and opaque objects are skipped, memos of requests too", () => {
  const fingerprinter = new Fingerprinter();
  const cycle = (secret: number) => {
    const hidden = { secret };
    const value: Record<string, unknown> = { hidden, call: () => secret };
    value["self"] = value;
    return fingerprinter.of(value, new Set([hidden]));
  };
  assert.equal(cycle(1), cycle(2));
  const request = { body: new Uint8Array([1]), authenticator: new Uint8Array([2]) };
  const remembered = { ...request, digest: new Uint8Array([3]), bundle: undefined };
  assert.equal(fingerprinter.of(remembered, nothing), fingerprinter.of(request, nothing));
});

test("a size counts every container once", () => {
  class Machine {
    private readonly log = new Map([[1, new Uint8Array(100)]]);
    private readonly names = ["ab", "cde"];
    private readonly again = this.log;
    readonly self = [this.names, this.again];
  }
  assert.deepEqual(sizeOf(new Machine()), { elements: 1 + 2 + 2, bytes: 105 });
  const machine = new Machine();
  assert.deepEqual(sizeOf({ machine }, new Set([machine])), { elements: 0, bytes: 0 });
});
