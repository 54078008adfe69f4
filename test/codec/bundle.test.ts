// Bundles and requests: their bytes, their memos, the inputs of their MACs; and attestations.

import assert from "node:assert/strict";
import { test } from "node:test";
import { digest as sha256 } from "@chainsafe/as-sha256";
import fc from "fast-check";
import {
  type Bundle,
  bundleOf,
  clientKeyInput,
  clientMacInput,
  digestOf,
  encodeBundle,
  forgetBundle,
  fromWire,
  type Request,
  toWire,
  wireLimits,
} from "../../src/codec/index.js";
import { type Attestation, toHex } from "../../src/core/index.js";

const uint32 = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const bundles: fc.Arbitrary<Bundle> = fc.record(
  {
    client: uint32,
    session: fc.maxSafeNat(),
    number: fc.maxSafeNat(),
    acknowledged: fc.maxSafeNat(),
    operations: fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 }),
  },
  { noNullPrototype: true },
);
const digests = fc.uint8Array({ minLength: 32, maxLength: 32 });
const requestOf = (body: Uint8Array): Request => ({ body, authenticator: new Uint8Array(0) });

test("a bundle survives its encoding; other bytes are the encoding of what they give", () => {
  fc.assert(
    fc.property(bundles, fc.nat(), (bundle, bit) => {
      const body = encodeBundle(bundle);
      assert.deepEqual(bundleOf(requestOf(body)), bundle);
      const changed = body.slice();
      changed[(bit >> 3) % body.length]! ^= 1 << (bit & 7);
      for (const bytes of [changed, body.slice(0, -1), Uint8Array.of(...body, 0)]) {
        const read = bundleOf(requestOf(bytes));
        if (read !== null) assert.deepEqual(encodeBundle(read), bytes);
      }
    }),
  );
});

test("a bundle holds so many operations and no more, each so long and no longer", () => {
  const holds = (operations: Uint8Array[]): boolean =>
    bundleOf(
      requestOf(encodeBundle({ client: 1, session: 1, number: 1, acknowledged: 0, operations })),
    ) !== null;
  const empty = (length: number) => Array.from({ length }, () => new Uint8Array(0));
  assert.ok(holds(empty(wireLimits.bundleOperations)));
  assert.ok(!holds(empty(wireLimits.bundleOperations + 1)));
  assert.ok(holds([new Uint8Array(wireLimits.operationBytes)]));
  assert.ok(!holds([new Uint8Array(wireLimits.operationBytes + 1)]));
});

test("a request is decoded once until its bundle is forgotten, and hashed once", () => {
  const bundle = { client: 1, session: 2, number: 3, acknowledged: 2, operations: [] };
  const request = requestOf(encodeBundle(bundle));
  const first = bundleOf(request);
  assert.equal(bundleOf(request), first);
  forgetBundle(request);
  const second = bundleOf(request);
  assert.notEqual(second, first);
  assert.deepEqual(second, first);

  let hashed = 0;
  const hash = (bytes: Uint8Array) => {
    hashed += 1;
    return sha256(bytes);
  };
  const digest = digestOf(request, hash);
  assert.deepEqual(toHex(digest), toHex(sha256(request.body)));
  forgetBundle(request);
  assert.equal(digestOf(request, hash), digest);
  assert.equal(hashed, 1);
});

test("that bytes are no bundle is remembered, too", () => {
  const request = requestOf(Uint8Array.of(1, 2, 3));
  assert.equal(bundleOf(request), null);
  assert.equal(request.bundle, null);
  assert.equal(bundleOf(request), null);
});

test("different inputs of MACs have different bytes, and none begins another", () => {
  const domains = fc.constantFrom("bundle", "key");
  const inputs = fc.tuple(domains, uint32, digests).map(([domain, client, digest]) => ({
    name: domain === "key" ? `key ${client}` : `bundle ${client} ${toHex(digest)}`,
    bytes: toHex(domain === "key" ? clientKeyInput(client) : clientMacInput(client, digest)),
  }));
  const twins = fc.oneof(
    fc.tuple(inputs, inputs),
    fc.tuple(uint32, digests, uint32).map(([client, digest, other]) => [
      { name: `bundle ${client}`, bytes: toHex(clientMacInput(client, digest)) },
      { name: `bundle ${other}`, bytes: toHex(clientMacInput(other, digest)) },
    ]),
    fc.tuple(uint32, digests, fc.nat(255)).map(([client, digest, bit]) => {
      const other = digest.slice();
      other[bit >> 3]! ^= 1 << (bit & 7);
      return [
        { name: "a digest", bytes: toHex(clientMacInput(client, digest)) },
        { name: "another", bytes: toHex(clientMacInput(client, other)) },
      ];
    }),
    fc.tuple(uint32, digests).map(([client, digest]) => [
      { name: "key", bytes: toHex(clientKeyInput(client)) },
      { name: "bundle", bytes: toHex(clientMacInput(client, digest)) },
    ]),
  );
  fc.assert(
    fc.property(twins, ([a, b]) => {
      assert.ok(a !== undefined && b !== undefined);
      assert.equal(a.bytes === b.bytes, a.name === b.name);
      assert.ok(a.name === b.name || !a.bytes.startsWith(b.bytes));
      assert.ok(a.name === b.name || !b.bytes.startsWith(a.bytes));
    }),
    { numRuns: 500 },
  );
});

test("the inputs of MACs are length-prefixed fields: domain, client, digest", () => {
  const ascii = (text: string) => Buffer.from(text, "latin1").toString("hex");
  const digest = new Uint8Array(32).fill(0xdd);
  const client = 0x01020304;
  assert.equal(
    toHex(clientMacInput(client, digest)),
    `0e${ascii("troth/client/1")}040403020120${"dd".repeat(32)}`,
  );
  assert.equal(toHex(clientKeyInput(client)), `12${ascii("troth/client-key/1")}0404030201`);
});

test("an attestation survives the wire; an unknown kind is refused", () => {
  const position = fc.record(
    { view: fc.maxSafeNat(), order: fc.maxSafeNat() },
    { noNullPrototype: true },
  );
  const attestations: fc.Arbitrary<Attestation> = fc.record({
    kind: fc.constantFrom("independent", "continuing", "trusted-mac"),
    instance: fc.nat(65535),
    counter: fc.nat(255),
    next: position,
    previous: position,
    mac: digests,
  });
  fc.assert(
    fc.property(attestations, fc.integer({ min: 3, max: 255 }), (attestation, type) => {
      const wire = toWire(attestation);
      const back = fromWire(wire);
      assert.ok(back !== null);
      assert.deepEqual({ ...toWire(back) }, wire);
      assert.equal(back.kind, attestation.kind);
      const { instance, counter, next, previous, mac } = back;
      const fields = { kind: back.kind, instance, counter, next, previous, mac };
      assert.deepEqual(fields, { ...attestation });
      assert.equal(fromWire({ ...wire, type }), null);
    }),
  );
});
