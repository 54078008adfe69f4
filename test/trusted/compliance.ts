// What every TrustedCounter must do: one suite, run on the WebAssembly module and the model.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import {
  type Attestation,
  type ClientId,
  type Digest,
  type MultiAttestation,
  origin,
  type Position,
  retired,
  type TrustedCounter,
} from "../../src/core/index.js";

/** Trusted instances that share a key, and the clients of that key. */
export interface CounterGroup {
  /** A fresh instance, its counters at the origin: also what an old host can start again. */
  counter(instance: number): TrustedCounter;
  /** A client's authenticator over a digest. */
  seal(client: ClientId, digest: Digest): Uint8Array;
}

export const digestOf = (text: string): Digest => createHash("sha256").update(text).digest();
export const at = (view: number, order: number): Position => ({ view, order });

/** A certificate that must exist. */
export function issued<T>(certificate: T | null): T {
  assert.ok(certificate !== null, "the counter refused");
  return certificate;
}

const flipped = (bytes: Uint8Array, index: number): Uint8Array =>
  bytes.map((byte, place) => (place === index ? byte ^ 1 : byte));

const notPositions = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53];
const d = digestOf("a message");
const other = digestOf("another message");

/** Runs the suite; `makeGroup` gives a new group each time. */
export function trustedCounterCompliance(name: string, makeGroup: () => CounterGroup): void {
  describe(`trusted counter: ${name}`, () => {
    issuing(makeGroup);
    verifying(makeGroup);
    kindConfusion(makeGroup);
    multiCounter(makeGroup);
    clients(makeGroup);
    restarts(makeGroup);
  });
}

function issuing(makeGroup: () => CounterGroup): void {
  test("counters start at the origin and move only upwards, one by one", () => {
    const counter = makeGroup().counter(3);
    assert.equal(counter.instance, 3);
    assert.deepEqual(counter.current(0), origin);
    const first = issued(counter.independent(0, at(0, 5), d));
    assert.deepEqual(
      { ...first, mac: first.mac.length },
      {
        kind: "independent",
        instance: 3,
        counter: 0,
        next: at(0, 5),
        previous: origin,
        mac: 32,
      },
    );
    assert.deepEqual(counter.current(0), at(0, 5));
    assert.deepEqual(counter.current(1), origin);
    assert.equal(counter.independent(0, at(0, 5), other), null);
    assert.equal(counter.independent(0, at(0, 4), other), null);
    assert.ok(counter.independent(0, at(1, 0), other));
    assert.equal(counter.independent(0, at(0, 1000), other), null);
    assert.deepEqual(counter.current(0), at(1, 0));
  });

  test("a continuing certificate is strict and discloses the value before (H2)", () => {
    const counter = makeGroup().counter(0);
    issued(counter.independent(0, at(0, 51), d));
    const left = issued(counter.continuing(0, at(1, 0), d));
    assert.deepEqual(left.previous, at(0, 51));
    // The printed rule would allow next = current: a second view change over an empty log.
    assert.equal(counter.continuing(0, at(1, 0), other), null);
    assert.equal(counter.continuing(0, at(0, 60), other), null);
    assert.deepEqual(counter.current(0), at(1, 0));
  });

  test("no field flows over into the other, up to 2^53 - 1", () => {
    const counter = makeGroup().counter(0);
    const most = Number.MAX_SAFE_INTEGER;
    issued(counter.independent(0, at(0, most), d));
    const next = issued(counter.continuing(0, at(1, 0), d));
    assert.deepEqual(next.previous, at(0, most));
    assert.ok(counter.verify(next, d));
    issued(counter.independent(0, retired, d));
    assert.equal(counter.independent(0, retired, d), null);
  });

  test("what is not a position or not a digest is refused and moves nothing", () => {
    const counter = makeGroup().counter(0);
    for (const bad of notPositions) {
      assert.equal(counter.independent(0, at(bad, 0), d), null, `view ${bad}`);
      assert.equal(counter.continuing(0, at(1, bad), d), null, `order ${bad}`);
    }
    for (const length of [0, 31, 33]) {
      assert.equal(counter.independent(0, at(1, 1), new Uint8Array(length)), null);
      assert.equal(counter.trustedMac(0, new Uint8Array(length)), null);
    }
    assert.deepEqual(counter.current(0), origin);
  });

  test("a trusted MAC does not move the counter", () => {
    const counter = makeGroup().counter(2);
    issued(counter.independent(1, at(4, 2), d));
    const one = issued(counter.trustedMac(1, d));
    const two = issued(counter.trustedMac(1, other));
    assert.deepEqual([one.kind, one.next, one.previous], ["trusted-mac", at(4, 2), at(4, 2)]);
    assert.deepEqual(counter.current(1), at(4, 2));
    assert.ok(counter.verify(one, d) && counter.verify(two, other));
    assert.ok(!counter.verify(one, other));
  });
}

function verifying(makeGroup: () => CounterGroup): void {
  const kinds = (counter: TrustedCounter): Attestation[] => [
    issued(counter.independent(0, at(1, 2), d)),
    issued(counter.continuing(0, at(1, 3), d)),
    issued(counter.trustedMac(0, d)),
  ];

  test("every instance of the group verifies, for this digest only", () => {
    const group = makeGroup();
    const [issuer, verifier] = [group.counter(0), group.counter(1)];
    for (const attestation of kinds(issuer)) {
      assert.ok(verifier.verify(attestation, d), attestation.kind);
      assert.ok(issuer.verify(attestation, d), attestation.kind);
      assert.ok(!verifier.verify(attestation, other), attestation.kind);
      assert.ok(!verifier.verify(attestation, d.subarray(1)), attestation.kind);
    }
    assert.deepEqual(verifier.current(0), origin);
  });

  test("a change of any field is noticed", () => {
    const group = makeGroup();
    const [issuer, verifier] = [group.counter(1), group.counter(2)];
    for (const genuine of kinds(issuer)) {
      const { next, previous, mac } = genuine;
      const changes: Partial<Attestation>[] = [
        { instance: 0 },
        { instance: 2 },
        { instance: 1 + 2 ** 32 },
        { counter: 1 },
        { counter: 2 ** 32 },
        { counter: -1 },
        { next: at(next.view + 1, next.order) },
        { next: at(next.view, next.order + 1) },
        { previous: at(previous.view + 1, previous.order) },
        { previous: at(previous.view, previous.order + 1) },
        { mac: new Uint8Array(32) },
        { mac: mac.subarray(0, 31) },
        { mac: Uint8Array.of(...mac, 0) },
        ...notPositions.map((bad) => ({ next: at(bad, next.order) })),
        ...notPositions.map((bad) => ({ previous: at(previous.view, bad) })),
        ...Array.from({ length: 32 }, (_, index) => ({ mac: flipped(mac, index) })),
      ];
      for (const change of changes) {
        const forged = { ...genuine, ...change };
        assert.ok(!verifier.verify(forged, d), `${genuine.kind} ${JSON.stringify(change)}`);
      }
    }
  });

  test("another group's certificates are refused", () => {
    const [mine, theirs] = [makeGroup(), makeGroup()];
    const attestation = issued(theirs.counter(0).independent(0, at(0, 1), d));
    assert.ok(!mine.counter(1).verify(attestation, d));
  });
}

function kindConfusion(makeGroup: () => CounterGroup): void {
  test("tee-kind-confusion: no certificate passes for another kind (H1)", () => {
    const group = makeGroup();
    const [liar, verifier] = [group.counter(1), group.counter(0)];
    issued(liar.independent(0, at(2, 5), d));
    const independent = issued(liar.independent(0, at(3, 0), d));
    const mac = issued(liar.trustedMac(0, d));
    const continuing = issued(liar.continuing(0, at(4, 0), d));
    // The attack of H1: conceal [2|5] by presenting an invented value before.
    for (const previous of [origin, at(2, 0), at(2, 5), at(3, 0)]) {
      for (const kind of ["continuing", "trusted-mac"] as const) {
        assert.ok(!verifier.verify({ ...independent, kind, previous }, d));
      }
      assert.ok(!verifier.verify({ ...mac, kind: "continuing", previous }, d));
      assert.ok(!verifier.verify({ ...mac, kind: "independent", previous }, d));
      assert.ok(!verifier.verify({ ...continuing, kind: "independent", previous }, d));
    }
    assert.ok(!verifier.verify({ ...continuing, kind: "trusted-mac" }, d));
    const unknown = "toString" as Attestation["kind"];
    assert.ok(!verifier.verify({ ...independent, kind: unknown }, d));
  });

  test("tee-kind-confusion: another instance's certificate cannot be claimed (H1)", () => {
    const group = makeGroup();
    const [one, verifier] = [group.counter(1), group.counter(0)];
    const attestation = issued(one.continuing(0, at(1, 0), d));
    for (const instance of [0, 2, 65_535]) {
      assert.ok(!verifier.verify({ ...attestation, instance }, d));
    }
  });

  test("tee-kind-confusion: multi-counter and single certificates are apart (H1)", () => {
    const group = makeGroup();
    const [issuer, verifier] = [group.counter(1), group.counter(0)];
    for (const single of ["independent", "continuing"] as const) {
      const kind = `multi-${single}` as const;
      const view = single === "independent" ? 1 : 2;
      const multi = issued(issuer.multi(kind, [{ counter: 0, next: at(view, 0) }], d));
      const [part] = multi.parts;
      const asSingle = { kind: single, instance: 1, ...part!, mac: multi.mac };
      assert.ok(verifier.verifyMulti(multi, d));
      assert.ok(!verifier.verify(asSingle, d));
      const one = issued(issuer[single](1, at(view, 0), d));
      const { counter, next, previous, mac } = one;
      const asMulti = { kind, instance: 1, parts: [{ counter, next, previous }], mac };
      assert.ok(verifier.verify(one, d));
      assert.ok(!verifier.verifyMulti(asMulti, d));
    }
  });
}

function multiCounter(makeGroup: () => CounterGroup): void {
  const kinds = ["multi-independent", "multi-continuing"] as const;

  test("a multi-counter certificate moves all its counters or none", () => {
    const counter = makeGroup().counter(0);
    issued(counter.independent(1, at(5, 0), d));
    for (const kind of kinds) {
      const parts = [
        { counter: 0, next: at(1, 0) },
        { counter: 1, next: at(5, 0) },
      ];
      assert.equal(counter.multi(kind, parts, d), null);
      const twice = [
        { counter: 0, next: at(1, 0) },
        { counter: 0, next: at(2, 0) },
      ];
      assert.equal(counter.multi(kind, twice, d), null);
      assert.equal(counter.multi(kind, [], d), null);
      assert.equal(counter.multi(kind, [{ counter: 2, next: at(-1, 0) }], d), null);
    }
    assert.deepEqual(counter.current(0), origin);
    const moved = issued(
      counter.multi(
        "multi-continuing",
        [
          { counter: 1, next: at(6, 1) },
          { counter: 0, next: at(1, 2) },
        ],
        d,
      ),
    );
    assert.deepEqual(moved.parts, [
      { counter: 1, next: at(6, 1), previous: at(5, 0) },
      { counter: 0, next: at(1, 2), previous: origin },
    ]);
    assert.deepEqual([counter.current(0), counter.current(1)], [at(1, 2), at(6, 1)]);
  });

  test("a multi-counter certificate binds kind, issuer, parts, their order and the digest", () => {
    const group = makeGroup();
    const [issuer, verifier] = [group.counter(0), group.counter(1)];
    for (const [round, kind] of kinds.entries()) {
      const parts = [0, 1, 2].map((counter) => ({ counter, next: at(round + 1, counter) }));
      const genuine = issued(issuer.multi(kind, parts, d));
      const [first, second, third] = genuine.parts;
      const changes: Partial<MultiAttestation>[] = [
        { kind: kinds[1 - round]! },
        { instance: 1 },
        { parts: [second!, first!, third!] },
        { parts: [first!, second!] },
        { parts: [...genuine.parts, third!] },
        { parts: [] },
        { parts: [{ ...first!, counter: 3 }, second!, third!] },
        { parts: [{ ...first!, next: at(9, 9) }, second!, third!] },
        { parts: [{ ...first!, previous: at(9, 9) }, second!, third!] },
        { mac: flipped(genuine.mac, 0) },
      ];
      assert.ok(verifier.verifyMulti(genuine, d));
      assert.ok(!verifier.verifyMulti(genuine, other));
      for (const change of changes) {
        assert.ok(!verifier.verifyMulti({ ...genuine, ...change }, d), JSON.stringify(change));
      }
    }
  });
}

function clients(makeGroup: () => CounterGroup): void {
  test("every instance accepts what a client sealed, for that client and digest only", () => {
    const group = makeGroup();
    const counters = [group.counter(0), group.counter(1)];
    const seals = [0, 1, 512, 2 ** 32 - 1].map((client) => ({
      client,
      mac: group.seal(client, d),
    }));
    for (const counter of counters) {
      for (const { client, mac } of [...seals, ...seals]) {
        assert.ok(counter.verifyClient(client, d, mac));
        assert.ok(!counter.verifyClient(client, other, mac));
        assert.ok(!counter.verifyClient(client ^ 512, d, mac));
        assert.ok(!counter.verifyClient(client, d, flipped(mac, 31)));
        assert.ok(!counter.verifyClient(client, d, mac.subarray(0, 31)));
      }
      assert.ok(!counter.verifyClient(2 ** 32, d, group.seal(0, d)));
    }
  });
}

function restarts(makeGroup: () => CounterGroup): void {
  const history = (group: CounterGroup) => {
    const life = group.counter(0);
    const low = issued(life.independent(0, at(0, 7), d));
    const high = issued(life.continuing(0, at(2, 0), d));
    return { low, high, mac: issued(life.trustedMac(0, d)) };
  };

  test("resume raises a fresh counter to its own genuine certificates, never lowers it", () => {
    const group = makeGroup();
    const { low, high } = history(group);
    const again = group.counter(0);
    assert.ok(again.resume(low, d));
    assert.deepEqual(again.current(0), at(0, 7));
    assert.ok(again.resume(high, d));
    assert.ok(again.resume(low, d));
    assert.deepEqual(again.current(0), at(2, 0));
    assert.equal(again.independent(0, at(2, 0), other), null);
    assert.deepEqual(issued(again.continuing(0, at(3, 0), d)).previous, at(2, 0));
  });

  test("resume takes nothing forged, foreign, of another kind, or late", () => {
    const group = makeGroup();
    const { low, high, mac } = history(group);
    const again = group.counter(0);
    const foreign = issued(group.counter(1).independent(0, at(9, 0), d));
    assert.ok(!again.resume(foreign, d));
    assert.ok(!again.resume({ ...foreign, instance: 0 }, d));
    assert.ok(!again.resume({ ...high, next: at(5, 0) }, d));
    assert.ok(!again.resume(high, other));
    assert.ok(!again.resume(mac, d));
    assert.deepEqual(again.current(0), origin);
    issued(again.independent(3, at(0, 1), d));
    assert.ok(!again.resume(low, d));
    assert.deepEqual(again.current(0), origin);
  });

  test("a counter that sees its own future retires; the others go on", () => {
    const group = makeGroup();
    const { low, high } = history(group);
    const rolledBack = group.counter(0);
    assert.ok(rolledBack.resume(low, d));
    assert.ok(rolledBack.verify(low, d), "its present is no alarm");
    assert.deepEqual(rolledBack.current(0), at(0, 7));
    assert.ok(rolledBack.verify(high, d));
    assert.deepEqual(rolledBack.current(0), retired);
    assert.equal(rolledBack.independent(0, at(5, 0), d), null);
    assert.equal(rolledBack.continuing(0, at(5, 0), d), null);
    assert.equal(rolledBack.multi("multi-continuing", [{ counter: 0, next: at(5, 0) }], d), null);
    assert.ok(!rolledBack.resume(high, d));
    assert.deepEqual(rolledBack.current(0), retired);
    assert.ok(rolledBack.independent(1, at(0, 1), d));
  });

  test("a multi-counter certificate from the future retires the counters that are behind", () => {
    const group = makeGroup();
    const parts = [0, 1].map((counter) => ({ counter, next: at(1, 0) }));
    const future = issued(group.counter(0).multi("multi-independent", parts, d));
    const rolledBack = group.counter(0);
    issued(rolledBack.independent(1, at(1, 0), other));
    assert.ok(rolledBack.verifyMulti(future, d));
    assert.deepEqual([rolledBack.current(0), rolledBack.current(1)], [retired, at(1, 0)]);
  });

  test("no forgery and no other instance's certificate retires a counter", () => {
    const group = makeGroup();
    const { high, mac } = history(group);
    const counter = group.counter(0);
    const foreign = issued(group.counter(1).independent(0, at(9, 0), d));
    assert.ok(!counter.verify({ ...high, next: at(8, 0) }, d));
    assert.ok(!counter.verify(high, other));
    assert.ok(counter.verify(foreign, d));
    assert.ok(counter.verify(mac, d), "a trusted MAC certifies no position");
    assert.deepEqual(counter.current(0), origin);
  });
}
