// What every TrustedCounter must do when it restarts (decision 0008): one suite, run on the
// WebAssembly module and the model. The stories are those of protocols.md §7.1 B2.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Freshness,
  origin,
  type Position,
  retired,
  type TrustedCounter,
} from "../../src/core/index.js";
import { at, type CounterGroup, digestOf, issued } from "./compliance.js";

/** What a group is set up with. */
export interface GroupSettings {
  readonly freshness: Freshness;
  readonly n: number;
  readonly f: number;
}

const d = digestOf("a message");
const other = digestOf("another message");

/**
 * Runs the suite. `makeGroup` gives a new group each time; the group's first `counter` of a number
 * is a first boot with the token, and the later ones are restarts without it.
 */
export function freshnessCompliance(
  name: string,
  makeGroup: (settings: GroupSettings) => CounterGroup,
): void {
  describe(`freshness of trusted counters: ${name}`, () => {
    failStop(() => makeGroup({ freshness: "fail-stop", n: 3, f: 1 }));
    leases(makeGroup);
    statements(makeGroup);
    rollbacks(makeGroup);
  });
}

/** The question of one instance to the others, and their answers back to it. */
function round(asker: TrustedCounter, others: readonly TrustedCounter[], limit: Position): void {
  const question = asker.leases!.ask(0, limit);
  if (question === null) return;
  for (const one of others) {
    const answer = one.leases!.receive(question);
    if (answer !== null) assert.equal(asker.leases!.receive(answer), null);
  }
}

/** Both phases of coming back. */
function comeBack(asker: TrustedCounter, others: readonly TrustedCounter[]): void {
  round(asker, others, origin);
  round(asker, others, origin);
}

/** The answer of one instance to a question that must have one. */
function answerOf(one: TrustedCounter, question: Uint8Array | null): Uint8Array {
  const answer = one.leases!.receive(issued(question));
  assert.ok(answer !== null, "no answer");
  return answer;
}

function failStop(makeGroup: () => CounterGroup): void {
  test("fail-stop: who restarts never certifies again, and still verifies and gives MACs", () => {
    const group = makeGroup();
    const first = group.counter(0);
    assert.equal(first.leases, null);
    assert.deepEqual(first.limit(0), retired);
    const certificate = issued(first.independent(0, at(0, 5), d));
    assert.ok(!first.resume(certificate, d));
    const again = group.counter(0);
    assert.deepEqual(again.current(0), retired);
    assert.ok(!again.resume(certificate, d));
    assert.equal(again.independent(0, at(0, 6), d), null);
    assert.equal(again.continuing(1, at(1, 0), d), null);
    assert.equal(again.multi("multi-independent", [{ counter: 2, next: at(0, 1) }], d), null);
    assert.ok(again.verify(certificate, d));
    const mac = issued(again.trustedMac(1, d));
    assert.ok(group.counter(1).verify(mac, d));
    assert.ok(first.independent(0, at(0, 6), other), "its earlier life goes on");
  });
}

function leases(makeGroup: (settings: GroupSettings) => CounterGroup): void {
  test("leases: f others must record a limit before anything is certified below it", () => {
    for (const [n, f] of [
      [3, 1],
      [5, 2],
    ] as const) {
      const group = makeGroup({ freshness: "leases", n, f });
      const [asker, ...others] = Array.from({ length: n }, (_, id) => group.counter(id));
      assert.ok(asker!.leases!.isActive);
      assert.deepEqual(asker!.limit(0), origin);
      assert.equal(asker!.independent(0, at(0, 1), d), null);
      round(asker!, others.slice(0, f - 1), at(0, 9));
      round(asker!, others.slice(0, f - 1), at(0, 9));
      assert.deepEqual(asker!.limit(0), origin, `${f - 1} are not enough`);
      round(asker!, others.slice(f - 1, f), at(0, 9));
      assert.deepEqual(asker!.limit(0), at(0, 9));
      assert.deepEqual([asker!.limit(1), asker!.current(0)], [origin, origin]);
      assert.equal(asker!.leases!.ask(0, at(0, 9)), null, "it has that already");
      issued(asker!.independent(0, at(0, 9), d));
      assert.equal(asker!.independent(0, at(0, 10), d), null);
      assert.equal(asker!.continuing(0, at(1, 0), d), null);
      assert.deepEqual(asker!.current(0), at(0, 9), "a refusal moves nothing");
    }
  });

  test("leases: every counter of a multi-counter certificate stays within its limit", () => {
    const group = makeGroup({ freshness: "leases", n: 3, f: 1 });
    const [one, two] = [group.counter(0), group.counter(1)];
    round(one, [two], at(0, 5));
    const parts = [
      { counter: 0, next: at(0, 1) },
      { counter: 1, next: at(0, 1) },
    ];
    assert.equal(one.multi("multi-independent", parts, d), null);
    assert.deepEqual(one.current(0), origin);
    assert.ok(one.multi("multi-independent", parts.slice(0, 1), d));
  });

  test("leases: who restarts is mute until f+1 others answered, and goes on above that", () => {
    const group = makeGroup({ freshness: "leases", n: 3, f: 1 });
    const [one, two, three] = [group.counter(0), group.counter(1), group.counter(2)];
    round(one, [two], at(0, 7));
    const certificate = issued(one.independent(0, at(0, 3), d));
    const again = group.counter(0);
    assert.ok(!again.leases!.isActive);
    assert.ok(!again.resume(certificate, d));
    assert.ok(again.verify(certificate, d), "its own past is no alarm while it reads");
    round(again, [two], origin);
    round(again, [two], origin);
    assert.ok(!again.leases!.isActive);
    comeBack(again, [two, three]);
    assert.ok(again.leases!.isActive);
    assert.deepEqual([again.current(0), again.limit(0)], [at(0, 7), at(0, 7)]);
    assert.equal(again.independent(0, at(0, 7), d), null);
    assert.equal(again.independent(0, at(0, 8), d), null);
    round(again, [three], at(0, 20));
    assert.deepEqual(issued(again.continuing(0, at(0, 8), d)).previous, at(0, 7));
    assert.ok(two.verify(certificate, d));
  });

  test("leases: who came back holds what others had it record", () => {
    const group = makeGroup({ freshness: "leases", n: 3, f: 1 });
    const [one, two, three] = [group.counter(0), group.counter(1), group.counter(2)];
    round(one, [two], at(4, 7));
    const holder = group.counter(1);
    comeBack(holder, [one, three]);
    const again = group.counter(0);
    comeBack(again, [holder, three]);
    assert.deepEqual(again.limit(0), at(4, 7));
  });
}

function statements(makeGroup: (settings: GroupSettings) => CounterGroup): void {
  test("leases: statements have the bytes that decision 0008 gives", () => {
    for (const n of [3, 5]) {
      const group = makeGroup({ freshness: "leases", n, f: (n - 1) / 2 });
      const all = Array.from({ length: n }, (_, id) => group.counter(id));
      const ask = issued(all[1]!.leases!.ask(2, at(3, 260)));
      const grant = answerOf(all[0]!, ask);
      assert.deepEqual([ask.length, grant.length], [76, 102 + 24 * n]);
      assert.deepEqual([ask[0], ask[1], ask[27], ask[28], ask[36], ask[37]], [4, 1, 2, 3, 4, 1]);
      assert.deepEqual([grant[0], grant[1], grant[27]], [5, 0, 1]);
      assert.deepEqual(grant.subarray(29, 53), ask.subarray(3, 27), "the boot that is answered");
      assert.deepEqual(grant.subarray(53, 70), ask.subarray(27, 44));
      const again = group.counter(1);
      const probe = issued(again.leases!.ask(0, origin));
      const report = answerOf(all[0]!, probe);
      assert.deepEqual([probe.length, probe[0], report.length, report[0]], [59, 0, 93, 1]);
      all.forEach((one) => again.leases!.receive(one.leases!.receive(probe) ?? probe));
      const claim = issued(again.leases!.ask(0, origin));
      const accept = answerOf(all[0]!, claim);
      assert.deepEqual([claim.length, claim[0], claim[3]], [59, 2, 1]);
      assert.deepEqual([accept.length, accept[0]], [85 + 152 * n, 3]);
      const row = accept.subarray(53 + 152, 53 + 2 * 152);
      assert.deepEqual(row.subarray(0, 24), claim.subarray(3, 27));
      assert.deepEqual([row[24 + 32], row[24 + 40], row[24 + 41]], [3, 4, 1]);
    }
  });

  test("leases: no byte of a statement can be changed, and none is taken by the wrong one", () => {
    const group = makeGroup({ freshness: "leases", n: 3, f: 1 });
    const [one, two, three] = [group.counter(0), group.counter(1), group.counter(2)];
    const ask = issued(one.leases!.ask(0, at(0, 4)));
    const grant = answerOf(two, ask);
    for (let index = 0; index < ask.length; index++) {
      const forged = ask.map((byte, place) => (place === index ? byte ^ 1 : byte));
      assert.equal(two.leases!.receive(forged), null, `byte ${index}`);
    }
    for (let index = 0; index < grant.length; index++) {
      one.leases!.receive(grant.map((byte, place) => (place === index ? byte ^ 1 : byte)));
    }
    assert.deepEqual(one.limit(0), origin);
    for (const bad of [new Uint8Array(0), ask.subarray(1), Uint8Array.of(...ask, 0)]) {
      assert.equal(two.leases!.receive(bad), null);
    }
    assert.equal(one.leases!.receive(ask), null, "its own question");
    issued(three.leases!.ask(0, at(0, 4)));
    three.leases!.receive(grant);
    assert.deepEqual(three.limit(0), origin, "an answer to another");
    const elsewhere = makeGroup({ freshness: "leases", n: 3, f: 1 });
    assert.equal(elsewhere.counter(1).leases!.receive(ask), null);
    one.leases!.receive(grant);
    one.leases!.receive(grant);
    assert.deepEqual(one.limit(0), at(0, 4));
  });

  test("leases: no counter or position that there is not is asked for", () => {
    const group = makeGroup({ freshness: "leases", n: 3, f: 1 });
    const { leases: keeper } = group.counter(0);
    for (const [counter, limit] of [
      [8, at(0, 1)],
      [-1, at(0, 1)],
      [0.5, at(0, 1)],
      [0, at(0.5, 1)],
      [0, at(0, 2 ** 53)],
      [0, at(-1, 0)],
    ] as const) {
      assert.equal(keeper!.ask(counter, limit), null, `${counter} ${JSON.stringify(limit)}`);
    }
  });
}

function rollbacks(makeGroup: (settings: GroupSettings) => CounterGroup): void {
  test("B2 (i): a certificate that nobody saw is not made a second time", () => {
    const group = makeGroup({ freshness: "leases", n: 3, f: 1 });
    const [one, two, three] = [group.counter(0), group.counter(1), group.counter(2)];
    round(one, [two], at(0, 5));
    const hidden = issued(one.independent(0, at(0, 5), d));
    const again = group.counter(0);
    comeBack(again, [two, three]);
    round(again, [two, three], at(0, 50));
    assert.equal(again.independent(0, at(0, 5), other), null);
    round(one, [two, three], at(0, 60));
    assert.deepEqual(one.limit(0), at(0, 5), "who was followed by another gets no lease");
    assert.equal(one.independent(0, at(0, 6), other), null);
    assert.ok(two.verify(hidden, d));
  });

  test("B2 (ii): it does not count itself, not an earlier life of it either", () => {
    const group = makeGroup({ freshness: "leases", n: 3, f: 1 });
    const [one, two, three] = [group.counter(0), group.counter(1), group.counter(2)];
    round(one, [three], at(0, 5));
    const again = group.counter(0);
    comeBack(again, [one, two, again]);
    assert.ok(!again.leases!.isActive, "only the one that knows nothing answered");
    round(one, [one, group.counter(0)], at(0, 9));
    assert.deepEqual(one.limit(0), at(0, 5));
    comeBack(again, [two, three]);
    assert.deepEqual(again.limit(0), at(0, 5));
  });

  test("B2 (iii): a peer's earlier life neither answers for it nor grants for it", () => {
    const group = makeGroup({ freshness: "leases", n: 5, f: 2 });
    const [one, old, two, three, four] = [0, 1, 2, 3, 4].map((id) => group.counter(id));
    const peer = group.counter(1);
    comeBack(peer, [two!, three!, four!]);
    assert.ok(peer.leases!.isActive);
    round(one!, [old!, two!], at(0, 5));
    assert.deepEqual(one!.limit(0), origin, "the old life's grant does not count");
    round(one!, [three!], at(0, 5));
    assert.deepEqual(one!.limit(0), at(0, 5));
    const again = group.counter(0);
    comeBack(again, [old!, four!, two!]);
    assert.ok(!again.leases!.isActive, "the old life's answer does not count");
    comeBack(again, [peer]);
    assert.deepEqual(again.limit(0), at(0, 5));
  });

  test("leases: answers to an earlier life say nothing to a later one", () => {
    const group = makeGroup({ freshness: "leases", n: 3, f: 1 });
    const [one, two, three] = [group.counter(0), group.counter(1), group.counter(2)];
    const second = group.counter(0);
    const question = second.leases!.ask(0, origin);
    const reports = [two, three].map((peer) => answerOf(peer, question));
    reports.forEach((report) => second.leases!.receive(report));
    const claim = second.leases!.ask(0, origin);
    const accepts = [two, three].map((peer) => answerOf(peer, claim));
    accepts.forEach((accept) => second.leases!.receive(accept));
    assert.ok(second.leases!.isActive);
    round(second, [two], at(0, 5));
    const third = group.counter(0);
    for (const old of [...reports, ...accepts]) third.leases!.receive(old);
    assert.ok(!third.leases!.isActive);
    assert.equal(issued(third.leases!.ask(0, origin))[0], 0, "it still asks where it was");
    comeBack(third, [two, three]);
    assert.deepEqual(third.limit(0), at(0, 5));
    assert.ok(one.leases!.isActive && one.independent(0, at(0, 1), d) === null);
  });

  test("leases: who has restarted itself answers nobody until it is told", () => {
    const group = makeGroup({ freshness: "leases", n: 3, f: 1 });
    const [one, two] = [group.counter(0), group.counter(1), group.counter(2)];
    const [again, also] = [group.counter(1), group.counter(2)];
    const probe = issued(also.leases!.ask(0, origin));
    assert.equal(again.leases!.receive(probe), null);
    assert.equal(again.leases!.receive(issued(one!.leases!.ask(0, at(0, 3)))), null);
    assert.notEqual(two!.leases!.receive(probe), null);
    comeBack(also, [one!, again]);
    assert.ok(!also.leases!.isActive, "with two of three down nobody can come back");
  });
}
