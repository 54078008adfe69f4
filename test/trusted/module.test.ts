// The WebAssembly module: its port's suite, its MACs against node:crypto, what hosts cannot do.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { clientMacInput } from "../../src/codec/index.js";
import { origin, retired, UsageError } from "../../src/core/index.js";
import { instantiate, type TrustedExports } from "../../src/trusted/binary.js";
import {
  attestationInput,
  kindNumbers,
  multiAttestationInput,
} from "../../src/trusted/encoding.js";
import {
  clientKey,
  firstBootToken,
  measurement,
  openTrustedModule,
  type TrustedGroup,
} from "../../src/trusted/index.js";
import { at, type CounterGroup, digestOf, issued, trustedCounterCompliance } from "./compliance.js";
import { freshnessCompliance } from "./freshness-compliance.js";

const hmac = (key: Uint8Array, input: Uint8Array) =>
  createHmac("sha256", key).update(input).digest();
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const isUsageError = (code: string) => (error: unknown) =>
  error instanceof UsageError && error.code === code;

const groupSecret = randomBytes(32);
const group: TrustedGroup = { n: 3, f: 1, freshness: "storage" };
const tokenOf = (instance: number) => firstBootToken(groupSecret, instance, group);
const d = digestOf("a message");

function open(instance: number, firstBoot: Uint8Array | null = tokenOf(instance)) {
  return openTrustedModule({ groupSecret, instance, group, measurement: null, firstBoot });
}

/** As in life: with freshness `storage` the token may be shown again, else it is for one start. */
function makeGroup(terms: TrustedGroup = group): CounterGroup {
  const secret = randomBytes(32);
  const booted = new Set<number>();
  return {
    counter(instance) {
      const hasToken = terms.freshness === "storage" || !booted.has(instance);
      booted.add(instance);
      return openTrustedModule({
        groupSecret: secret,
        instance,
        group: terms,
        measurement: measurement(),
        firstBoot: hasToken ? firstBootToken(secret, instance, terms) : null,
      });
    },
    seal: (client, digest) =>
      hmac(clientKey(secret, client, terms), clientMacInput(client, digest)),
  };
}

trustedCounterCompliance("WebAssembly module", makeGroup);
freshnessCompliance("WebAssembly module", makeGroup);

describe("MACs are what node:crypto makes of the documented bytes", () => {
  const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const part = fc.maxSafeNat();
  const position = fc.record({ view: part, order: part });
  const above = fc
    .tuple(position, position)
    .filter(([a, b]) => a.view < b.view || (a.view === b.view && a.order < b.order));
  const instance = fc.integer({ min: 0, max: 65_535 });
  const counter = fc.nat(7);

  function openWith(secret: Uint8Array, id: number) {
    const firstBoot = firstBootToken(secret, id, group);
    const options = { groupSecret: secret, instance: id, group, measurement: null, firstBoot };
    return openTrustedModule(options);
  }

  test("single-counter certificates of every kind", () => {
    fc.assert(
      fc.property(
        bytes32,
        instance,
        counter,
        above,
        bytes32,
        (secret, id, slot, [a, b], digest) => {
          const module = openWith(secret, id);
          const attestations = [
            a.view + a.order > 0 ? issued(module.independent(slot, a, digest)) : null,
            issued(module.continuing(slot, b, digest)),
            issued(module.trustedMac(slot, digest)),
          ].filter((attestation) => attestation !== null);
          for (const attestation of attestations) {
            const expected = hmac(secret, attestationInput(attestation, digest));
            assert.equal(hex(attestation.mac), hex(expected));
          }
        },
      ),
    );
  });

  test("multi-counter certificates of both kinds", () => {
    const kind = fc.constantFrom("multi-independent" as const, "multi-continuing" as const);
    const slots = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 1 });
    fc.assert(
      fc.property(bytes32, instance, kind, slots, above, bytes32, (...input) => {
        const [secret, id, multi, chosen, [a, b], digest] = input;
        const module = openWith(secret, id);
        if (a.view + a.order > 0) issued(module.independent(chosen[0]!, a, digest));
        const parts = chosen.map((slot) => ({ counter: slot, next: b }));
        const attestation = issued(module.multi(multi, parts, digest));
        const expected = hmac(secret, multiAttestationInput(attestation, digest));
        assert.equal(hex(attestation.mac), hex(expected));
        assert.ok(module.verifyMulti(attestation, digest));
      }),
    );
  });

  test("different certificates have different inputs (H1)", () => {
    const fields = fc.record({
      kind: fc.constantFrom("independent" as const, "continuing" as const, "trusted-mac" as const),
      instance,
      counter,
      next: position,
      previous: fc.constantFrom(origin, at(0, 1), at(1, 0)),
    });
    const canonical = (x: typeof fields extends fc.Arbitrary<infer T> ? T : never) =>
      x.kind === "independent" ? { ...x, previous: origin } : x;
    fc.assert(
      fc.property(fields, fields, bytes32, (one, two, digest) => {
        const isSame = JSON.stringify(canonical(one)) === JSON.stringify(canonical(two));
        const inputs = [one, two].map((x) => hex(attestationInput(x, digest)));
        assert.equal(inputs[0] === inputs[1], isSame);
      }),
    );
  });
});

describe("start", () => {
  test("without its first-boot token counters are retired; trusted MACs still work", () => {
    const genuine = issued(open(0).independent(0, at(1, 0), d));
    const tokens = [null, tokenOf(1), randomBytes(32)];
    for (const token of tokens) {
      const counter = open(0, token);
      for (let slot = 0; slot < 8; slot++) assert.deepEqual(counter.current(slot), retired);
      assert.equal(counter.resume(genuine, d), false);
      assert.equal(counter.independent(0, at(2, 0), d), null);
      assert.equal(counter.continuing(0, retired, d), null);
      assert.ok(open(1).verify(issued(counter.trustedMac(0, d)), d));
    }
  });

  test("another binary than the pinned one is refused", () => {
    const firstBoot = tokenOf(0);
    const pinned = "00".repeat(32);
    assert.throws(
      () => openTrustedModule({ groupSecret, instance: 0, group, measurement: pinned, firstBoot }),
      isUsageError("TRUSTED_MEASUREMENT"),
    );
  });

  test("a key or an instance of the wrong size is refused", () => {
    const options = { groupSecret, instance: 0, group, measurement: null, firstBoot: null };
    for (const change of [{ groupSecret: randomBytes(31) }, { firstBoot: randomBytes(33) }]) {
      assert.throws(
        () => openTrustedModule({ ...options, ...change }),
        isUsageError("TRUSTED_KEY"),
      );
    }
    for (const instance of [-1, 0.5, 65_536, Number.NaN]) {
      const open = () => openTrustedModule({ ...options, instance });
      assert.throws(open, isUsageError("TRUSTED_INSTANCE"));
    }
  });
});

describe("what a host can do with the module's exports", () => {
  const put = (module: TrustedExports, slot: number, bytes: Uint8Array) => {
    const words = [0, 4, 8, 12, 16, 20, 24, 28].map((i) => Buffer.from(bytes).readInt32LE(i));
    module.put(
      slot,
      ...(words as [number, number, number, number, number, number, number, number]),
    );
  };
  const start = () => {
    const module = instantiate();
    put(module, 2, groupSecret);
    put(module, 1, tokenOf(0));
    assert.equal(module.setup(0, 0, 3, 1), 1);
    return module;
  };
  const readIssued = (module: TrustedExports) => {
    const mac = Buffer.alloc(32);
    for (let i = 0; i < 8; i++) mac.writeInt32LE(module.issued(i) | 0, 4 * i);
    return mac;
  };

  test("functions over numbers are all it exports: no memory, table or global to write", () => {
    const exports = Object.entries(instantiate());
    assert.deepEqual(exports.map(([name]) => name).sort(), [
      "accept",
      "ack",
      "ask",
      "certifies",
      "checkpoint",
      "current",
      "decide",
      "finalize",
      "gather",
      "hear",
      "isActive",
      "isGenuine",
      "issue",
      "issued",
      "leave",
      "limit",
      "newView",
      "openSpaces",
      "part",
      "propose",
      "put",
      "receive",
      "record",
      "recover",
      "resume",
      "say",
      "setup",
      "show",
      "standing",
      "tell",
      "touch",
      "truncate",
      "verify",
      "verifyClient",
      "vouch",
    ]);
    for (const [name, value] of exports) assert.equal(typeof value, "function", name);
  });

  test("it imports one function, which takes nothing and gives a word", () => {
    const binary = readFileSync(new URL("../../src/trusted/trusted.wasm", import.meta.url));
    const [typeSection, importSection] = [1, 2].map((id) => sectionOf(binary, id));
    const name = (text: string) => `${String.fromCharCode(text.length)}${text}`;
    const type = importSection!.at(-1)!;
    const one = Buffer.from(`\x01${name("host")}${name("entropy")}\x00`);
    assert.deepEqual(importSection, Buffer.concat([one, Buffer.of(type)]));
    const types = typeSection!.toString("latin1").slice(1).split("\x60").slice(1);
    assert.equal(types[type], "\x00\x01\x7f");
  });

  test("nothing is certified or verified before the setup, and there is one setup", () => {
    const fresh = instantiate();
    assert.ok(fresh.part(0, 0, 1, 0, 0, 0));
    for (const kind of Object.values(kindNumbers)) {
      assert.equal(fresh.issue(kind, 1) + fresh.verify(kind, 0, 1) + fresh.resume(kind), 0);
    }
    assert.equal(fresh.verifyClient(0), 0);
    const module = start();
    module.part(0, 0, 7, 0, 0, 0);
    assert.equal(module.issue(kindNumbers.independent, 1), 1);
    put(module, 2, randomBytes(32));
    put(module, 1, tokenOf(0));
    assert.equal(module.setup(0, 0, 3, 1), 0);
    assert.equal(module.current(0), 7);
  });

  test("a counter stays within its instance and its kinds", () => {
    const module = start();
    assert.equal(module.part(0, 8, 1, 0, 0, 0), 0);
    assert.equal(module.part(8, 0, 1, 0, 0, 0), 0);
    module.part(0, 0, 1, 0, 0, 0);
    for (const kind of [0, 6, -1, 256, 2 ** 31]) assert.equal(module.issue(kind, 1), 0);
    for (const count of [0, 2, 9, -1]) {
      assert.equal(module.issue(kindNumbers.independent, count), 0);
      assert.equal(module.verify(kindNumbers.independent, 0, count), 0);
    }
    for (const count of [0, 9, -1])
      assert.equal(module.issue(kindNumbers["multi-continuing"], count), 0);
    assert.equal(module.current(0), 0);
  });

  test("no call of any export yields a client's MAC, its key or the group secret", () => {
    const module = start();
    const client = 5;
    const key = clientKey(groupSecret, client, group);
    const mac = hmac(key, clientMacInput(client, d));
    const secrets = [groupSecret, key, mac, tokenOf(0)].map((s) => Buffer.from(s));
    const words = new Set(
      secrets.flatMap((s) => [0, 4, 8, 12, 16, 20, 24, 28].map((i) => s.readInt32LE(i))),
    );
    const scalars = [0, 1, 2, 3, 4, 5, 8, 64, 512, -1, -8, 2 ** 31, client];
    const outputs = new Set<string>();
    const probe = (call: () => number | undefined) => {
      // What is left inside by a verification must not come out by another call.
      put(module, 0, d);
      put(module, 1, mac);
      assert.equal(module.verifyClient(client), 1);
      const result = call();
      assert.ok(result === undefined || !words.has(result | 0), `a secret word: ${result}`);
      outputs.add(hex(readIssued(module)));
      for (const index of scalars) {
        assert.ok(!words.has(module.issued(index) | 0));
        assert.ok(!words.has(module.current(index) | 0));
      }
    };
    const functions = Object.values(module) as ((...values: number[]) => number | undefined)[];
    for (const one of functions) {
      for (const a of scalars) for (const b of scalars) probe(() => one(a, b, 2, 3, 0, 0, 0, 0, 0));
    }
    for (const kind of Object.values(kindNumbers)) {
      for (let order = 1; order < 4; order++) {
        probe(() => module.part(0, 7, 2 ** 40 + kind, order, 0, 0));
        probe(() => module.issue(kind, 1));
      }
    }
    assert.ok(outputs.size > 10, "certificates were issued on the way");
    for (const output of outputs) assert.ok(!secrets.some((secret) => hex(secret) === output));
  });

  test("a client's key and MAC are no MAC of the group key over an attestation's input", () => {
    const key = clientKey(groupSecret, 1, group);
    const counter = open(0);
    const made = [counter.independent(0, at(1, 1), d), counter.trustedMac(0, d)].map(issued);
    for (const { mac } of made) assert.ok(!counter.verifyClient(1, d, mac));
    const sealed = hmac(key, clientMacInput(1, d));
    for (const attestation of made) assert.ok(!counter.verify({ ...attestation, mac: sealed }, d));
    assert.ok(counter.verifyClient(1, d, sealed));
  });
});

/** One section of a WebAssembly binary. */
function sectionOf(binary: Buffer, wanted: number): Buffer | null {
  let offset = 8;
  while (offset < binary.length) {
    const id = binary[offset++]!;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = binary[offset++]!;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (id === wanted) return binary.subarray(offset, offset + length);
    offset += length;
  }
  return null;
}
