// The module's leases: the same statements, byte for byte, and the same limits as the model's,
// whatever hosts and network do.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import {
  type LeaseKeeper,
  origin,
  type Position,
  type TrustedCounter,
} from "../../src/core/index.js";
import { ModelLeases } from "../../src/simulator/index.js";
import { groupKey } from "../../src/trusted/keys.js";
import { firstBootToken, openTrustedModule, type TrustedGroup } from "../../src/trusted/index.js";
import { at, digestOf, issued } from "./compliance.js";

const groupSecret = randomBytes(32);
const d = digestOf("a message");
const domain = Buffer.from("\x0dtroth/lease/1");

function open(instance: number, group: TrustedGroup, isFirst: boolean): TrustedCounter {
  const firstBoot = isFirst ? firstBootToken(groupSecret, instance, group) : null;
  return openTrustedModule({ groupSecret, instance, group, measurement: null, firstBoot });
}

const leasesOf = (counter: TrustedCounter): LeaseKeeper => counter.leases!;

/** One life of an instance, in the module and in the model: what they say must be the same. */
class Twins {
  readonly counter: TrustedCounter;
  readonly model: ModelLeases;
  /** Where the model's counters went on. */
  readonly resumed = new Map<number, Position>();

  constructor(instance: number, group: TrustedGroup, isFirst: boolean) {
    this.counter = open(instance, group, isFirst);
    const key = groupKey(groupSecret, group);
    const first = leasesOf(this.counter).ask(0, at(0, 1))!;
    this.model = new ModelLeases({
      ...group,
      instance,
      isFirst,
      nonce: first.slice(11, 27),
      seal: (bytes) => createHmac("sha256", key).update(domain).update(bytes).digest(),
      resumeAt: (counter, position) => this.resumed.set(counter, position),
    });
    this.same(first, this.model.ask(0, at(0, 1)));
  }

  ask(counter: number, limit: Position): Uint8Array | null {
    return this.same(leasesOf(this.counter).ask(counter, limit), this.model.ask(counter, limit));
  }

  receive(statement: Uint8Array): Uint8Array | null {
    return this.same(leasesOf(this.counter).receive(statement), this.model.receive(statement));
  }

  private same(real: Uint8Array | null, model: Uint8Array | null): Uint8Array | null {
    assert.deepEqual(real && Buffer.from(real), model && Buffer.from(model));
    assert.equal(leasesOf(this.counter).isActive, this.model.isActive);
    for (let slot = 0; slot < 8; slot++) {
      assert.deepEqual(this.counter.limit(slot), this.model.limit(slot));
      assert.deepEqual(this.counter.current(slot), this.resumed.get(slot) ?? origin);
    }
    return real;
  }
}

test("the module says and grants what the model does, whatever hosts and network do", () => {
  const seen = { raised: 0, activated: 0, superseded: 0 };
  const move = fc.record({
    what: fc.constantFrom("restart", "round", "round", "round", "round", "deliver"),
    who: fc.nat(1000),
    to: fc.nat(1000),
    which: fc.nat(1000),
    counter: fc.constantFrom(0, 0, 0, 7, 8),
  });
  const isLost = fc.constantFrom(false, false, false, true);
  const losses = fc.array(isLost, { minLength: 9, maxLength: 9 });
  const moves = fc.array(fc.tuple(move, losses), { minLength: 20, maxLength: 60 });
  fc.assert(
    fc.property(fc.constantFrom(1, 2), moves, (f, schedule) => {
      const group: TrustedGroup = { n: 2 * f + 1, f, freshness: "leases" };
      const lives = Array.from({ length: group.n }, (_, id) => [new Twins(id, group, true)]);
      const said: Uint8Array[] = [];
      const receive = (twins: Twins, statement: Uint8Array) => {
        const before = [twins.model.isActive, twins.model.limit(0).order] as const;
        const answer = twins.receive(statement);
        if (answer !== null) said.push(answer);
        if (twins.model.isActive && !before[0]) seen.activated += 1;
        else if (twins.model.limit(0).order > before[1]) seen.raised += 1;
        return answer;
      };
      for (const [{ what, who, to, which, counter }, lost] of schedule) {
        const reading = lives.filter((all) => !all.at(-1)!.model.isActive);
        const own = lives[who % group.n]!;
        const hurried = to % 2 === 0 ? (reading[0] ?? own) : own;
        const twins = which % 3 === 0 ? own[who % own.length]! : hurried.at(-1)!;
        if (what === "restart") own.push(new Twins(who % group.n, group, false));
        else if (what === "deliver") {
          const others = lives[to % group.n]!;
          const statement = said[which % said.length];
          if (statement !== undefined) receive(others[who % others.length]!, statement);
        } else {
          const { view, order } = twins.model.limit(counter);
          const question = twins.ask(counter, at(view, order + 1 + (which % 3)));
          if (question === null) continue;
          said.push(question);
          for (const [id, others] of lives.entries()) {
            const answer = lost[id]! ? null : receive(others.at(-1)!, question);
            if (answer !== null && !lost[8 - id]!) receive(twins, answer);
          }
          if (lives.every((all) => all.at(-1) !== twins)) seen.superseded += 1;
        }
      }
    }),
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, `never ${what}`);
});

const group: TrustedGroup = { n: 3, f: 1, freshness: "leases" };

/** Asks until enough of the others have answered. */
function ask(counter: TrustedCounter, others: readonly TrustedCounter[], limit: Position): void {
  for (let rounds = 0; rounds < 3; rounds++) {
    const question = leasesOf(counter).ask(0, limit);
    if (question === null) return;
    for (const other of others) {
      const answer = leasesOf(other).receive(question);
      if (answer !== null) leasesOf(counter).receive(answer);
    }
  }
}

test("an instance certifies within its lease, and after a restart above it", () => {
  const [zero, one, two] = [0, 1, 2].map((id) => open(id, group, true)) as [
    TrustedCounter,
    TrustedCounter,
    TrustedCounter,
  ];
  assert.equal(zero.independent(0, at(0, 1), d), null, "nobody has recorded anything");
  ask(zero, [one], at(0, 10));
  assert.deepEqual(zero.limit(0), at(0, 10));
  const low = issued(zero.independent(0, at(0, 4), d));
  assert.equal(zero.independent(0, at(0, 11), d), null);
  assert.equal(zero.multi("multi-independent", [{ counter: 0, next: at(1, 0) }], d), null);
  issued(zero.independent(0, at(0, 10), d));

  const again = open(0, group, false);
  assert.ok(!again.resume(low, d), "what its host shows it is not believed");
  assert.ok(again.verify(low, d), "its past is no alarm while it does not know where it stood");
  ask(again, [one], at(0, 20));
  assert.ok(!leasesOf(again).isActive, "one of two others does not suffice");
  ask(again, [one, two], at(0, 20));
  assert.ok(leasesOf(again).isActive);
  assert.deepEqual([again.current(0), again.limit(0)], [at(0, 10), at(0, 20)]);
  assert.equal(again.independent(0, at(0, 10), d), null, "no position twice");
  assert.ok(again.independent(0, at(0, 11), d));
  ask(zero, [one, two], at(0, 30));
  assert.deepEqual(zero.limit(0), at(0, 10), "the life before gets no more");
});

test("a group of another freshness, size or number of liars is not believed", () => {
  const asker = open(0, group, true);
  const question = leasesOf(asker).ask(0, at(0, 1))!;
  assert.notEqual(leasesOf(open(1, group, true)).receive(question), null);
  for (const other of [
    { ...group, n: 4 },
    { ...group, f: 2 },
  ]) {
    assert.equal(leasesOf(open(1, other, true)).receive(question), null);
  }
  const certificate = issued(asker.trustedMac(0, d));
  assert.ok(open(1, group, false).verify(certificate, d));
  for (const freshness of ["storage", "fail-stop"] as const) {
    assert.ok(!open(1, { ...group, freshness }, true).verify(certificate, d));
    const token = firstBootToken(groupSecret, 1, { ...group, freshness });
    const options = { groupSecret, instance: 1, group, measurement: null, firstBoot: token };
    assert.ok(!leasesOf(openTrustedModule(options)).isActive, "nor is its token");
  }
});

test("fail-stop: with the token once, and never after", () => {
  const failStop: TrustedGroup = { ...group, freshness: "fail-stop" };
  const first = open(0, failStop, true);
  const certificate = issued(first.independent(0, at(0, 1), d));
  const again = open(0, failStop, false);
  assert.equal(again.leases, null);
  assert.ok(!again.resume(certificate, d));
  assert.equal(again.independent(0, at(5, 0), d), null);
  assert.ok(again.verify(certificate, d));
  assert.ok(first.verify(issued(again.trustedMac(0, d)), d));
});

test("bytes that are no statement are ignored, and change nothing", () => {
  const [asker, other] = [open(0, group, true), open(1, group, true)];
  const question = leasesOf(asker).ask(0, at(0, 1))!;
  const grant = leasesOf(other).receive(question)!;
  const junk = [
    new Uint8Array(0),
    new Uint8Array(59),
    randomBytes(9_900),
    grant.subarray(1),
    Uint8Array.of(...grant, 0),
    ...Array.from(grant, (_, i) => grant.map((byte, place) => (place === i ? byte ^ 1 : byte))),
  ];
  for (const statement of junk) {
    assert.equal(leasesOf(asker).receive(statement), null);
    assert.deepEqual(asker.limit(0), origin);
  }
  leasesOf(asker).receive(grant);
  assert.deepEqual(asker.limit(0), at(0, 1));
});
