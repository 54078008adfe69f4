// The message codec: round trips, one encoding per value, refused numbers and lists, and the text.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  byteList,
  bytes32,
  container,
  decodeWith,
  describe,
  encodeWith,
  list,
  type MessageOf,
  numberList,
  uint8,
  uint16,
  uint32,
  uint53,
  union,
} from "../../src/codec/index.js";
import { InvariantError } from "../../src/core/index.js";

const note = container({ at: uint16, text: byteList(8) });
const table = {
  numbers: container({ a: uint8, b: uint16, c: uint32, d: uint53 }),
  nested: container({
    head: container({ view: uint53, order: uint53 }),
    digest: bytes32,
    data: byteList(40),
  }),
  lists: container({
    numbers: numberList(uint32, 5),
    blobs: list(byteList(6), 4),
    notes: list(note, 3),
    last: uint8,
  }),
} as const;
const codec = union(table);
type Message = MessageOf<typeof table>;

const plain = { noNullPrototype: true } as const;
const blob = (maxLength: number) => fc.uint8Array({ maxLength });
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record(
    {
      kind: fc.constant("numbers" as const),
      a: fc.nat(2 ** 8 - 1),
      b: fc.nat(2 ** 16 - 1),
      c: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      d: fc.maxSafeNat(),
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant("nested" as const),
      head: fc.record({ view: fc.maxSafeNat(), order: fc.maxSafeNat() }, plain),
      digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      data: blob(40),
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant("lists" as const),
      numbers: fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 5 }),
      blobs: fc.array(blob(6), { maxLength: 4 }),
      notes: fc.array(fc.record({ at: fc.nat(65535), text: blob(8) }, plain), { maxLength: 3 }),
      last: fc.nat(255),
    },
    plain,
  ),
);

/** Changed bytes either are no message or are the encoding of the message that they give. */
function isRefusedOrCanonical(bytes: Uint8Array): void {
  const decoded = codec.decode(bytes);
  if (decoded !== null) assert.deepEqual(codec.encode(decoded), bytes);
}

test("a message survives its encoding, whose length is its size", () => {
  fc.assert(
    fc.property(message, (value) => {
      const bytes = codec.encode(value);
      assert.equal(bytes.length, codec.size(value));
      assert.deepEqual(codec.decode(bytes), value);
    }),
  );
});

test("a message is written and read in the middle of other bytes, which stay as they are", () => {
  fc.assert(
    fc.property(message, fc.nat(9), fc.nat(9), (value, before, after) => {
      const size = codec.size(value);
      const into = new Uint8Array(before + size + after).fill(0xa5);
      assert.equal(codec.encodeInto(value, into, before), before + size);
      const written = into.subarray(before, before + size);
      assert.deepEqual(codec.decode(written), value);
      assert.deepEqual(written.slice(), codec.encode(value));
      for (const rest of [into.subarray(0, before), into.subarray(before + size)]) {
        assert.ok(rest.every((byte) => byte === 0xa5));
      }
    }),
  );
});

test("truncated or extended bytes are another message's encoding, or none", () => {
  fc.assert(
    fc.property(message, fc.uint8Array({ minLength: 1, maxLength: 8 }), (value, tail) => {
      const bytes = codec.encode(value);
      for (let end = 0; end < bytes.length; end++) isRefusedOrCanonical(bytes.slice(0, end));
      isRefusedOrCanonical(Uint8Array.from([...bytes, ...tail]));
    }),
  );
});

test("a flipped bit, or a changed offset, gives another message's encoding, or none", () => {
  fc.assert(
    fc.property(message, fc.nat(), fc.nat(48), (value, place, offset) => {
      const bytes = codec.encode(value);
      for (let bit = 0; bit < 8 * bytes.length; bit++) {
        const flipped = bytes.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        assert.notDeepEqual(codec.decode(flipped), value);
        isRefusedOrCanonical(flipped);
      }
      const at = place % Math.max(1, bytes.length - 4);
      const moved = bytes.slice();
      moved.set([offset, 0, 0, 0].slice(0, bytes.length - at), at);
      isRefusedOrCanonical(moved);
    }),
    { numRuns: 50 },
  );
});

test("any bytes at all are the encoding of what they decode to, or nothing", () => {
  let decoded = 0;
  const byte = fc.oneof(fc.constantFrom(0, 1, 4, 8), fc.nat(255));
  const rest = fc.oneof(
    fc.array(byte, { maxLength: 60 }),
    fc.array(byte, { minLength: 14, maxLength: 14 }).map((bytes) => [...bytes, 0]),
  );
  fc.assert(
    fc.property(fc.nat(2), rest, (kind, bytes) => {
      const whole = Uint8Array.of(kind, ...bytes);
      if (codec.decode(whole) !== null) decoded += 1;
      isRefusedOrCanonical(whole);
    }),
    { numRuns: 300 },
  );
  assert.ok(decoded > 0);
});

test("the kind is the first byte, its place in the table; others are refused", () => {
  const sample = { a: 1, b: 2, c: 3, d: 4 };
  assert.deepEqual(
    codec.encode({ kind: "numbers", ...sample }),
    Uint8Array.of(0, 1, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0),
  );
  const bytes = codec.encode({ kind: "numbers", ...sample });
  for (let selector = Object.keys(table).length; selector < 256; selector++) {
    assert.equal(codec.decode(Uint8Array.of(selector, ...bytes.subarray(1))), null);
  }
  assert.equal(codec.decode(new Uint8Array(0)), null);
  const unknown = { kind: "unheard of" } as unknown as Message;
  assert.throws(() => codec.encode(unknown), InvariantError);
  assert.throws(() => codec.size(unknown), InvariantError);
});

test("numbers below 2^53 are exact, all others are refused", () => {
  const eight = (value: bigint): Uint8Array => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    return bytes;
  };
  const boundary = 2n ** 53n;
  const large = fc.bigInt({ min: boundary, max: 2n ** 64n - 1n });
  const edges = [boundary, boundary + 1n, boundary + 2n, 2n ** 63n, 2n ** 64n - 1n];
  for (const value of edges) assert.equal(decodeWith(uint53, eight(value)), null);
  fc.assert(fc.property(large, (value) => assert.equal(decodeWith(uint53, eight(value)), null)));
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: boundary - 1n }), (value) => {
      assert.equal(decodeWith(uint53, eight(value)), Number(value));
      assert.deepEqual(encodeWith(uint53, Number(value)), eight(value));
    }),
  );
  assert.equal(decodeWith(uint53, eight(boundary - 1n)), Number.MAX_SAFE_INTEGER);
  const nested = codec.encode({ kind: "numbers", a: 0, b: 0, c: 0, d: Number.MAX_SAFE_INTEGER });
  nested[14] = 0x20; // the seventh byte of `d`: 2^53 and more
  assert.equal(codec.decode(nested), null);
});

test("lists at their limit are taken, longer ones are refused", () => {
  const zeros = (count: number) => new Array<number>(count).fill(0);
  const wide = union({
    numbers: container({ list: numberList(uint32, 99) }),
    bytes: container({ list: byteList(99) }),
    blobs: container({ list: list(byteList(99), 99) }),
    notes: container({ list: list(note, 99) }),
  });
  const narrow = union({
    numbers: container({ list: numberList(uint32, 5) }),
    bytes: container({ list: byteList(5) }),
    blobs: container({ list: list(byteList(5), 5) }),
    notes: container({ list: list(note, 5) }),
  });
  const taken = (bytes: Uint8Array) => narrow.decode(bytes) !== null;
  for (const [count, fits] of [
    [0, true],
    [5, true],
    [6, false],
    [99, false],
  ] as const) {
    const blobs = zeros(count).map(() => new Uint8Array(1));
    const notes = zeros(count).map(() => ({ at: 1, text: new Uint8Array(1) }));
    assert.equal(taken(wide.encode({ kind: "numbers", list: zeros(count) })), fits);
    assert.equal(taken(wide.encode({ kind: "bytes", list: new Uint8Array(count) })), fits);
    assert.equal(taken(wide.encode({ kind: "blobs", list: blobs })), fits);
    assert.equal(taken(wide.encode({ kind: "blobs", list: [new Uint8Array(count)] })), fits);
    assert.equal(taken(wide.encode({ kind: "notes", list: notes })), fits);
  }
});

test("a description is one line: numbers, first bytes, lengths", () => {
  const value = {
    kind: "sample",
    view: 7,
    none: new Uint8Array(0),
    short: Uint8Array.of(1, 2, 3, 4),
    long: Uint8Array.of(0xab, 1, 2, 3, 4),
    list: [1, 2, 3],
    inner: { a: 1 },
  };
  const expected = "sample(view=7 none=∅ short=01020304 long=ab010203… list=[3] inner={…})";
  assert.equal(describe(value), expected);
  fc.assert(
    fc.property(message, (sample) => {
      assert.ok(codec.describe(sample).startsWith(`${sample.kind}(`));
      assert.ok(!codec.describe(sample).includes("\n"));
    }),
  );
});
