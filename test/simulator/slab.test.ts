// What the simulator does with bytes to be fast: memory cut from slabs, hashes by the word, and a
// journal that looks only at what is new.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { container, uint53, union } from "../../src/codec/index.js";
import { Journal } from "../../src/simulator/journal.js";
import { symbolicHash } from "../../src/simulator/mix.js";
import { copied, encoded } from "../../src/simulator/slab.js";

const codec = union({ pair: container({ first: uint53, second: uint53 }) });

test("what was cut from a slab keeps its bytes, whatever is cut after it", () => {
  const pieces: { readonly bytes: Uint8Array; readonly expected: Uint8Array }[] = [];
  for (let i = 0; i < 3000; i++) {
    const value = { kind: "pair", first: i, second: 2 * i } as const;
    pieces.push({ bytes: encoded(codec, value), expected: codec.encode(value) });
    const some = new Uint8Array((i * 37) % 3000).fill(i);
    pieces.push({ bytes: copied(some), expected: some });
  }
  for (const { bytes, expected } of pieces) assert.deepEqual(bytes, expected);
});

test("every byte of what is hashed counts, however long it is and wherever it lies", () => {
  for (const length of [1, 15, 16, 40, 4095, 4096, 4097, 4112, 9000]) {
    const bytes = Uint8Array.from({ length }, (_, index) => index * 31);
    const hash = symbolicHash(bytes).join();
    const elsewhere = new Uint8Array(length + 3);
    elsewhere.set(bytes, 3);
    assert.equal(symbolicHash(elsewhere.subarray(3)).join(), hash, `${length} bytes, elsewhere`);
    for (let index = 0; index < length; index += length < 100 ? 1 : 13) {
      bytes[index]! ^= 1;
      assert.notEqual(symbolicHash(bytes).join(), hash, `byte ${index} of ${length}`);
      bytes[index]! ^= 1;
    }
  }
});

const step = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom("write", "write", "replace", "start", "finish") },
  { weight: 1, arbitrary: fc.record({ survivors: fc.nat(5) }) },
);

test("a journal keeps what was written since its last durable checkpoint", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const journal = new Journal();
      // All that was ever written, by its number; a checkpoint by the negative.
      let written: number[] = [];
      for (const one of steps) {
        if (one === "write") written.push(journal.write(Uint8Array.of(written.length + 1)));
        else if (one === "replace") {
          const order = written.length + 1;
          written.push(-journal.replace({ order, pages: [] }, []));
        } else if (one === "start") journal.startSync();
        else if (one === "finish") journal.finishSync();
        else {
          const survivors = Math.min(one.survivors, journal.atRisk);
          written = written.slice(0, journal.durable + survivors);
          journal.crash(survivors);
          const last = written.findLastIndex((number) => number < 0);
          assert.deepEqual(journal.recover(), {
            snapshot: last < 0 ? null : { order: -written[last]!, pages: [] },
            records: written.slice(last + 1).map((number) => Uint8Array.of(number)),
          });
        }
      }
      assert.equal(journal.written, written.length);
    }),
  );
});
