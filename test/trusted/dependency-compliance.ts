// What every TrustedDependencies must do: one suite, run on the WebAssembly module and the model.
// The stories named dester-… and trudep-… are those of protocols.md §6.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Proposal,
  type RecordCertificate,
  type ReplicaId,
  replicaIds,
  type Touches,
  type TrustedDependencies,
  touchesMax,
  type VoteCertificate,
} from "../../src/core/index.js";
import { digestOf, issued } from "./compliance.js";
import { certificates } from "./dependency-certificates.js";
import {
  ack,
  asked,
  d,
  everyone,
  type Instances,
  type MakeGroup,
  propose,
  touch,
  x,
} from "./dependency-support.js";

/** Runs the suite; `makeGroup` gives a new group each time. */
export function trustedDependencyCompliance(name: string, makeGroup: MakeGroup): void {
  describe(`trusted dependencies: ${name}`, () => {
    proposing(makeGroup);
    interference(makeGroup);
    choosing(makeGroup);
    choosingWithMore(makeGroup);
    leaving(makeGroup);
    recovering(makeGroup);
    recoveringWithMore(makeGroup);
    truncating(makeGroup);
    certificates(makeGroup);
    restarting(makeGroup);
  });
}

function proposing(makeGroup: MakeGroup): void {
  test("a leader proposes its slots one after the other, each once", () => {
    const [zero, one] = everyone(makeGroup, 1);
    const first = propose(zero!);
    assert.deepEqual(
      { ...first, mac: first.mac.length, names: first.names.length },
      {
        kind: "propose",
        issuer: 0,
        space: 0,
        view: 0,
        slot: 1,
        digest: first.digest,
        dependencies: [0, 0, 0],
        sequence: 1,
        partner: 1,
        mac: 32,
        names: 32,
      },
    );
    assert.deepEqual(Uint8Array.from(first.digest), Uint8Array.from(d));
    assert.equal(zero!.propose(asked(zero!, { slot: 1 })), null, "once per slot");
    assert.equal(zero!.propose(asked(zero!, { slot: 3 })), null, "no hole");
    assert.equal(zero!.propose(asked(zero!, { space: 1, slot: 1 })), null, "another's space");
    assert.deepEqual(zero!.standing(1), { view: 0, base: 0, next: 0 });
    assert.deepEqual(propose(zero!).dependencies, [1, 0, 0]);
    assert.deepEqual(zero!.standing(0), { view: 0, base: 0, next: 3 });
    assert.ok(one!.verify(first));
  });

  test("what is no proposal is refused, and changes nothing", () => {
    const [zero] = everyone(makeGroup, 1);
    for (const change of [
      { slot: 0 },
      { slot: -1 },
      { slot: 0.5 },
      { slot: 2 ** 53 },
      { space: -1 },
      { space: 3 },
      { space: 2 ** 32 },
      { digest: d.subarray(1) },
      { partner: null },
      { partner: 0 },
      { partner: -1 },
      { partner: 3 },
    ] satisfies Partial<Proposal>[]) {
      assert.equal(zero!.propose(asked(zero!, change)), null, JSON.stringify(change));
    }
    const after = propose(zero!);
    assert.deepEqual([after.slot, after.sequence, after.dependencies], [1, 1, [0, 0, 0]]);
    const [five] = everyone(makeGroup, 2);
    assert.equal(five!.propose(asked(five!, { partner: 1 })), null, "f = 2 has no partner");
  });

  test("a window of slots above the base, and no more", () => {
    const [zero, one] = everyone(makeGroup, 1, 2);
    propose(zero!);
    const second = propose(zero!);
    assert.equal(zero!.propose(asked(zero!)), null);
    assert.ok(one!.ack(second, x), "in any order");
  });
}

function interference(makeGroup: MakeGroup): void {
  test("trudep-ack-without-verify: whoever commits records, and names it ever after", () => {
    const [zero, one, two] = everyone(makeGroup, 1);
    const first = propose(zero!);
    const second = propose(two!, { digest: digestOf("another command") });
    // R1's host would have its instance forget what the first command touches.
    for (const touches of [[], [touch("y")], [touch("x", "read")], "everything"] as Touches[]) {
      assert.equal(one!.ack(first, touches), null);
    }
    assert.deepEqual(ack(one!, first).dependencies, [0, 0, 0]);
    assert.equal(one!.ack(first, x), null, "once per view and slot");
    const late = ack(one!, second);
    assert.deepEqual([late.dependencies, late.sequence], [[1, 0, 0], 1]);
    assert.deepEqual(Uint8Array.from(late.digest), Uint8Array.from(digestOf("another command")));
    assert.deepEqual(propose(one!).sequence, 2, "after all that it has heard of");
  });

  test("two commands interfere on a name unless both read or both add", () => {
    const accesses = ["read", "write", "add"] as const;
    for (const before of accesses) {
      for (const after of accesses) {
        const [zero, one] = everyone(makeGroup, 1);
        ack(one!, propose(zero!, { touches: [touch("x", before)] }), [touch("x", before)]);
        const touches = [touch("y"), touch("x", after)];
        const isFree = before === after && before !== "write";
        const { dependencies } = propose(one!, { touches });
        assert.deepEqual(dependencies, [isFree ? 0 : 1, 0, 0], `${before}, ${after}`);
      }
    }
  });

  test("what touches everything interferes with everything, too many names too", () => {
    const many = Array.from({ length: touchesMax + 1 }, (_, i) => touch(`name ${i}`, "read"));
    for (const touches of ["everything", many] as Touches[]) {
      const [zero, one] = everyone(makeGroup, 1);
      ack(one!, propose(zero!));
      const barrier = propose(zero!, { touches });
      assert.deepEqual(barrier.dependencies, [1, 0, 0]);
      assert.deepEqual(ack(one!, barrier, touches).dependencies, [1, 0, 0]);
      assert.deepEqual(propose(one!, { touches: [touch("z")] }).dependencies, [2, 0, 0]);
      assert.deepEqual(propose(one!, { touches }).dependencies, [2, 1, 0]);
    }
    const [zero] = everyone(makeGroup, 1);
    propose(zero!, { touches: many.slice(1) });
    assert.deepEqual(propose(zero!, { touches: [touch("z")] }).dependencies, [0, 0, 0]);
  });
}

function choosing(makeGroup: MakeGroup): void {
  /** R2 proposes x; R1 has heard of R0's command on it before. */
  const contended = () => {
    const [zero, one, two] = everyone(makeGroup, 1) as [
      TrustedDependencies,
      TrustedDependencies,
      TrustedDependencies,
    ];
    const other = propose(zero);
    ack(one, other);
    const proposal = propose(two, { partner: 1 });
    return { zero, one, two, proposal };
  };

  test("f = 1: the partner's commit decides, whatever it adds, and nobody else's", () => {
    const { zero, one, two, proposal } = contended();
    const [partner, other] = [ack(one, proposal), ack(zero, proposal)];
    assert.equal(two.decide([]), null);
    assert.equal(two.decide([other]), null, "it is not the partner's");
    assert.equal(two.decide([partner, other]), null, "another value");
    assert.equal(zero.decide([partner]), null, "another leader");
    const decision = issued(two.decide([partner]));
    assert.deepEqual([decision.dependencies, decision.sequence], [[1, 0, 0], 1]);
    assert.ok(zero.verify(decision));
    assert.equal(two.decide([partner]), null, "once");
  });

  test("dester-decide-and-accept: one of the two, and once", () => {
    const { zero, one, two, proposal } = contended();
    const [partner, other] = [ack(one, proposal), ack(zero, proposal)];
    issued(two.decide([partner]));
    assert.equal(two.accept([other]), null);
    assert.equal(two.accept([partner]), null);
  });

  test("dester-partner-silent: after the slow path a late partner decides nothing", () => {
    const { zero, one, two, proposal } = contended();
    const accepted = issued(two.accept([ack(zero, proposal)]));
    assert.deepEqual(accepted.dependencies, [1, 0, 0]);
    const partner = ack(one, proposal);
    assert.equal(two.decide([partner]), null);
    assert.equal(two.accept([partner]), null);
    const finalized = issued(zero.finalize(accepted));
    const { kind, issuer, dependencies } = finalized;
    assert.deepEqual([kind, issuer, dependencies], ["finalize", 0, [1, 0, 0]]);
    assert.equal(zero.finalize(accepted), null, "once");
    assert.equal(two.finalize(accepted), null, "the leader's was the acceptance");
  });

  test("what is no acceptance or no leader's proposal is not finalized or committed", () => {
    const { zero, one, two, proposal } = contended();
    const decision = issued(two.decide([ack(one, proposal)]));
    const relabelled = { ...decision, kind: "accept" as const };
    assert.equal(zero.finalize(relabelled), null);
    assert.equal(zero.finalize(decision as unknown as VoteCertificate<"accept">), null);
    assert.equal(zero.ack({ ...proposal, partner: 0 }, x), null);
    assert.equal(zero.ack({ ...proposal, dependencies: [9, 9, 9] }, x), null);
  });
}

function choosingWithMore(makeGroup: MakeGroup): void {
  test("f = 2: 2f-1 that add nothing decide; else f others are accepted, united", () => {
    const all = everyone(makeGroup, 2);
    const [zero, one, two, three, four] = all;
    const early = propose(one!);
    ack(four!, early);
    const proposal = propose(zero!);
    const [same, equal, alike] = [one!, two!, three!].map((by) => ack(by, proposal));
    const more = ack(four!, proposal);
    assert.deepEqual([same!.dependencies[1], more.dependencies[1]], [1, 1]);
    assert.equal(zero!.decide([equal!, alike!]), null, "two are too few");
    assert.equal(zero!.decide([equal!, alike!, more]), null, "one adds");
    assert.equal(zero!.decide([equal!, alike!, alike!]), null, "one twice");
    assert.equal(zero!.accept([more]), null, "one other is too few");
    assert.equal(zero!.decide([same!, equal!, alike!]), null, "its own early command, R1 adds");
    const accepted = issued(zero!.accept([equal!, more]));
    assert.deepEqual(accepted.dependencies, [0, 1, 0, 0, 0]);
    const next = propose(zero!, { touches: [touch("y")] });
    const commits = [one!, two!, three!].map((by) => ack(by, next, [touch("y")]));
    assert.equal(zero!.decide([equal!, alike!, commits[0]!]), null, "of two slots");
    const decision = issued(zero!.decide(commits));
    assert.deepEqual(decision.dependencies, next.dependencies);
  });
}

function leaving(makeGroup: MakeGroup): void {
  test("nothing is signed in a view that was left", () => {
    const [zero, one, two] = everyone(makeGroup, 1);
    const proposal = propose(zero!);
    const second = propose(zero!);
    const commit = ack(one!, proposal);
    const third = propose(zero!);
    const accepted = issued(zero!.accept([ack(two!, third)]));
    assert.deepEqual(one!.standing(0), { view: 0, base: 0, next: 0 });
    const left = issued(one!.leave(0, 1));
    assert.deepEqual([left.kind, left.space, left.view, left.top], ["leave", 0, 1, 1]);
    assert.equal(one!.ack(second, x), null);
    assert.equal(one!.finalize(accepted), null);
    issued(zero!.leave(0, 3));
    assert.equal(zero!.decide([commit]), null);
    assert.equal(zero!.accept([commit]), null);
    assert.equal(zero!.propose(asked(zero!, { slot: 4 })), null, "its view, and not established");
    assert.ok(one!.ack(propose(two!), x), "other spaces go on");
    for (const view of [0, 2, -1, 3.5, Number.NaN, 2 ** 53]) {
      assert.equal(zero!.leave(0, view), null, `view ${view}`);
    }
    assert.ok(zero!.leave(0, 3), "what was told may be told again");
    assert.equal(zero!.leave(3, 4), null);
  });

  test("a new view takes f+1 that left for it, once", () => {
    const [zero, one, two] = everyone(makeGroup, 1);
    const proposal = propose(zero!);
    propose(zero!);
    ack(two!, proposal);
    const left = [zero, one, two].map((by) => issued(by!.leave(0, 1)));
    const foreign = issued(two!.leave(1, 1));
    assert.equal(one!.newView([left[0]!]), null);
    assert.equal(one!.newView([left[0]!, left[0]!]), null);
    assert.equal(one!.newView([left[0]!, foreign]), null);
    assert.equal(one!.newView([left[0]!, { ...left[1]!, issuer: 2 }]), null);
    assert.equal(zero!.newView(left), null, "not the leader");
    const established = issued(one!.newView([left[1]!, left[2]!]));
    assert.deepEqual([established.kind, established.boundary], ["new-view", 1]);
    assert.equal(one!.newView(left), null);
    assert.equal(one!.propose(asked(one!, { space: 0, slot: 1 })), null, "not freed");
    assert.deepEqual(propose(one!, { space: 0 }).slot, 2, "fresh");
    issued(two!.leave(0, 2));
    assert.equal(two!.newView(left), null, "they left for another view");
  });
}

/** Everybody leaves R0's space for the view; the quorum's records of slot 1 go to its leader. */
function recoverIn(all: Instances, view: number, quorum: readonly ReplicaId[]) {
  for (const instance of all) issued(instance.leave(0, view));
  const leader = all[view % all.length]!;
  const left = quorum.map((id) => issued(all[id]!.leave(0, view)));
  issued(leader.newView(left));
  const records = quorum.map((id) => issued(all[id]!.record(0, 1)));
  return { leader, records, outcome: leader.recover(records) };
}
const valueOf = (outcome: VoteCertificate<"accept"> | "free" | null) =>
  outcome === null || outcome === "free" ? outcome : outcome.dependencies;

function recovering(makeGroup: MakeGroup): void {
  /** R1, the partner, adds what it knows of R2's command. */
  const committed = () => {
    const all = everyone(makeGroup, 1);
    const [zero, one, two] = all as [TrustedDependencies, TrustedDependencies, TrustedDependencies];
    ack(one, propose(two));
    const proposal = propose(zero);
    return { all, zero, one, two, proposal };
  };

  test("dester-withheld-decide: what the leader decided is found with it and without it", () => {
    for (const [view, quorum] of [
      [1, [1, 2]],
      [1, [0, 2]],
      [2, [2, 0]],
    ] as const) {
      const { all, zero, one, proposal } = committed();
      const decision = issued(zero.decide([ack(one, proposal)]));
      const { records, outcome, leader } = recoverIn(all, view, quorum);
      assert.deepEqual(
        valueOf(outcome),
        decision.dependencies,
        `view ${view}, from ${quorum.join()}`,
      );
      assert.equal(leader.recover(records), null, "once");
      assert.equal(leader.propose(asked(leader, { space: 0, slot: 1 })), null, "it is ordered");
      assert.ok(all.some((by) => by.finalize(outcome as VoteCertificate<"accept">) !== null));
    }
  });

  test("a leader that tells and did not decide never will: the slot is free", () => {
    const { all, zero, one, proposal } = committed();
    const commit = ack(one, proposal);
    const { leader, records, outcome } = recoverIn(all, 1, [0, 1]);
    assert.deepEqual(
      records.map(({ state }) => state),
      ["committed", "supported"],
    );
    assert.equal(outcome, "free");
    assert.equal(zero.decide([commit]), null);
    const again = propose(leader, { space: 0, slot: 1, partner: 2 });
    assert.deepEqual([again.view, again.slot], [1, 1]);
    assert.equal(leader.propose(asked(leader, { space: 0, slot: 1, partner: 2 })), null, "once");
    assert.ok(leader.decide([ack(all[2]!, again)]), "by the fast path of the new view");
  });

  test("f = 1 without the leader: only the partner's commit may have been decided", () => {
    const { all, one, two, proposal } = committed();
    assert.deepEqual(ack(two, proposal).dependencies, [0, 0, 1]);
    const silent = recoverIn(all, 1, [1, 2]);
    assert.equal(silent.outcome, "free");
    issued(one.leave(0, 2));
    const again = committed();
    ack(again.one, again.proposal);
    const { outcome, records } = recoverIn(again.all, 1, [1, 2]);
    assert.deepEqual(valueOf(outcome), [0, 0, 1]);
    assert.deepEqual(
      records.map(({ state, since }) => [state, since]),
      [
        ["supported", 0],
        ["unknown", 0],
      ],
    );
  });

  test("dester-stale-finalize: of what was finalized, the latest view counts", () => {
    const { all, zero, one, two, proposal } = committed();
    // R0 accepts with R2, which alone knows; view 1 does not hear of it, and decides otherwise.
    const stale = issued(zero.accept([ack(two, proposal)]));
    assert.equal(recoverIn(all, 1, [1, 2]).outcome, "free");
    const later = propose(one, { space: 0, slot: 1, touches: [touch("z")], partner: 0 });
    const accepted = issued(one.accept([ack(two, later, [touch("z")])]));
    assert.notDeepEqual(accepted.dependencies, stale.dependencies);
    const { outcome, records } = recoverIn(all, 2, [0, 1]);
    assert.deepEqual(
      records.map(({ state, since }) => [state, since]),
      [
        ["finalized", 0],
        ["finalized", 1],
      ],
    );
    assert.deepEqual(valueOf(outcome), accepted.dependencies);
  });

  test("records are of the view, complete, and by f+1", () => {
    const { all, one, zero, proposal } = committed();
    ack(one, proposal);
    assert.equal(one.record(0, 1), null, "nobody has left");
    const left = all.map((by) => issued(by.leave(0, 1)));
    issued(one.newView(left));
    for (const slot of [0, 9, -1, 0.5, 2 ** 53]) assert.equal(one.record(0, slot), null);
    assert.equal(one.record(3, 1), null);
    const records = all.map((by) => issued(by.record(0, 1)));
    const [first, second, third] = records as [
      RecordCertificate,
      RecordCertificate,
      RecordCertificate,
    ];
    const beyond = issued(zero.record(0, 2));
    assert.equal(one.recover([second]), null);
    assert.equal(one.recover([second, second]), null);
    assert.equal(one.recover([second, beyond]), null);
    assert.equal(one.recover([beyond, issued(one.record(0, 2))]), null, "above the boundary");
    assert.equal(one.recover([second, { ...third, state: "decided" }]), null);
    assert.equal(zero.recover([first, second]), null, "not the leader");
    assert.deepEqual(valueOf(one.recover([second, third])), [0, 0, 1]);
    assert.equal(one.record(0, 1), null, "ordered in this view");
  });
}

function recoveringWithMore(makeGroup: MakeGroup): void {
  test("f = 2 without the leader: f that added nothing may have decided, fewer have not", () => {
    for (const supporters of [1, 2, 3]) {
      const all = everyone(makeGroup, 2);
      const proposal = propose(all[0]!);
      const knowing = propose(all[4]!);
      for (const by of [1, 2, 3].slice(supporters)) ack(all[by]!, knowing);
      for (const by of [1, 2, 3]) ack(all[by]!, proposal);
      const { outcome } = recoverIn(all, 1, [1, 2, 3]);
      const expected = supporters >= 2 ? [0, 0, 0, 0, 0] : "free";
      assert.deepEqual(valueOf(outcome), expected, `${supporters} support`);
    }
  });
}

function truncating(makeGroup: MakeGroup): void {
  const state = digestOf("a state");

  test("f+1 equal checkpoints: slots are forgotten, not what depends on them", () => {
    const [zero, one, two] = everyone(makeGroup, 1, 2);
    const first = propose(zero!);
    issued(zero!.decide([ack(one!, first)]));
    propose(zero!);
    assert.equal(zero!.propose(asked(zero!)), null, "the window is full");
    const frontier = [1, 0, 0];
    const [a, b] = [zero!, one!].map((by) => issued(by.checkpoint(state, frontier)));
    const other = issued(two!.checkpoint(state, [2, 0, 0]));
    assert.ok(!zero!.truncate([]) && !zero!.truncate([a!]) && !zero!.truncate([a!, a!]));
    assert.ok(!zero!.truncate([a!, other]));
    assert.ok(!zero!.truncate([a!, issued(two!.checkpoint(d, frontier))]));
    assert.deepEqual(zero!.standing(0).base, 0);
    assert.ok(zero!.truncate([a!, b!]));
    assert.deepEqual(zero!.standing(0), { view: 0, base: 1, next: 3 });
    const third = propose(zero!, { touches: [touch("elsewhere")] });
    assert.deepEqual(third.dependencies, [1, 0, 0], "all that the checkpoint covers");
    assert.equal(one!.ack(third, [touch("elsewhere")]), null, "beyond its own window");
    assert.ok(one!.truncate([a!, b!]));
    assert.ok(one!.ack(third, [touch("elsewhere")]));
    assert.equal(one!.ack(first, x), null, "below the base");
    assert.deepEqual(propose(one!).dependencies, [1, 0, 0], "names are not forgotten");
    issued(one!.leave(0, 1));
    assert.equal(one!.record(0, 1), null, "it does not know any more");
  });

  test("a frontier far ahead takes a leader along, and nothing goes back", () => {
    const [zero, one] = everyone(makeGroup, 1, 2);
    propose(zero!);
    const certified = (frontier: readonly number[]) =>
      [zero!, one!].map((by) => issued(by.checkpoint(state, frontier)));
    assert.ok(zero!.truncate(certified([2 ** 52, 7, 0])));
    assert.ok(zero!.truncate(certified([3, 9, 0])));
    assert.deepEqual(zero!.standing(0), { view: 0, base: 2 ** 52, next: 2 ** 52 + 1 });
    assert.deepEqual(zero!.standing(1), { view: 0, base: 9, next: 0 });
    assert.deepEqual(propose(zero!).slot, 2 ** 52 + 1);
    for (const bad of [
      [1, 2],
      [1, 2, 3, 4],
      [-1, 0, 0],
      [0.5, 0, 0],
      [2 ** 53, 0, 0],
    ]) {
      assert.equal(zero!.checkpoint(state, bad), null);
    }
    assert.equal(zero!.checkpoint(state.subarray(1), [0, 0, 0]), null);
  });
}

function restarting(makeGroup: MakeGroup): void {
  test("a restarted instance verifies, and never certifies again", () => {
    const group = makeGroup(1, 8);
    const all = replicaIds(3).map((id) => group.open(id));
    const proposal = propose(all[0]!);
    const commit = ack(all[1]!, proposal);
    const decision = issued(all[0]!.decide([commit]));
    const checkpoints = all.map((by) => issued(by.checkpoint(d, [1, 0, 0])));
    assert.ok(all.every(({ isActive }) => isActive));
    const again = group.open(1);
    assert.ok(!again.isActive);
    assert.ok(again.verify(commit) && again.verify(decision));
    assert.equal(again.ack(proposal, x), null, "it may have said something else");
    assert.equal(again.propose(asked(again, { slot: 1 })), null);
    assert.equal(again.leave(0, 1), null);
    assert.equal(again.record(0, 1), null);
    assert.equal(again.checkpoint(d, [1, 0, 0]), null);
    assert.equal(again.vouch(decision, 7), null);
    assert.ok(!again.truncate(checkpoints));
  });
}
