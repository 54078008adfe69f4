// A liar and a crash, in stories: each ends well, and does not without its rule.

import assert from "node:assert/strict";
import {
  about,
  answer,
  bytesOf,
  comeBack,
  cutOff,
  forge,
  isConsistent,
  type Liar,
  lyingLeader,
  type Message,
  type PbftProtocol,
  received,
  requestsAt,
  rule,
  stage,
  wish,
  type World,
} from "./support.js";

const [a, b, c, d] = ["a", "b", "c", "d"].map((text) => [bytesOf(text)]) as [
  Uint8Array[],
  Uint8Array[],
  Uint8Array[],
  Uint8Array[],
];

const isCheckpoint = ({ message }: Message): boolean => message.kind === "checkpoint";

/** Of a batch that R0 proposed, for the liar to vote for. */
const proposedAt = (liar: Liar, order: number) =>
  received(liar, "pre-prepare").find((proposal) => proposal.order === order)!;

rule(
  "a state that is saved as a view begins keeps proposals in the view they were made in",
  ["proposals-kept-for-the-new-view", "old-proposals-revived"],
  (protocol) => {
    const { world, liar, proposals, propose } = lyingLeader(protocol);
    // All execute a and b; R2 does not hear that the others have that checkpoint too.
    world.block((m) => m.to === 2 && isCheckpoint(m));
    propose([1, 2, 3], 0, 1);
    world.settle();
    assert.deepEqual([world.status(1).stable, world.status(2).stable], [2, 0]);
    // R0 proposes c to R2 and d to R1 and R3, who prepare it.
    world.block(about("commit", 0, 3));
    propose([2], 2);
    propose([1, 3], 3);
    world.settle();
    // View 1 begins at that checkpoint, with d. R2 prepares d, hears of no other, and comes back.
    const lost = world.block(
      (m) => about("commit", 1)(m) || (m.from === 3 && m.to === 2 && about("prepare", 1)(m)),
    );
    world.submit(2, c, { to: [1, 2, 3], number: 1 });
    world.play(620);
    assert.deepEqual([world.status(2).view, world.status(2).stable], [1, 2]);
    comeBack(world, 2);
    // R0 agrees with it on c.
    liar.send(2, { kind: "prepare", ...forge(liar).prepare({ ...proposals[2]!, view: 1 }) });
    world.settle();
    lost();
    world.play(60_000);
    const told = received(liar, "view-change").find((m) => m.replica === 2 && m.to === 2);
    const third = told?.prepared.filter(({ order }) => order === 3) ?? [];
    assert.ok(
      third.every(({ batch }) => Buffer.from(batch).equals(proposals[3]!.batch)),
      "R2 prepares d, as R1 and R3 did in view 1",
    );
    assert.notEqual(answer(world, 2, 1), null, "they find a view");
  },
);

for (const crash of [false, true]) {
  rule(
    `of two proposals for one order the first counts${crash ? ", also after a crash" : ""}`,
    crash ? "proposals-not-kept" : "second-proposal-taken",
    (protocol) => {
      const { world, propose } = lyingLeader(protocol);
      const stated = world.hold(isCheckpoint);
      propose([1, 2, 3], 0, 1);
      world.settle();
      // R1 and R2 prepare c. R3 hears of its proposal only.
      world.block(about("commit", 0, 3));
      const unheard = world.block((m) => m.to === 3 && about("prepare", 0, 3)(m));
      propose([1, 2, 3], 2);
      world.settle();
      unheard();
      stated();
      world.settle();
      if (crash) for (const replica of [2, 3]) comeBack(world, replica);
      // Did R2 vote for d now, R3 would prepare that: and of c, c and d nothing can be chosen.
      propose([2, 3], 3);
      world.settle();
      world.submit(2, c, { to: [1, 2, 3], number: 1 });
      world.play(10_000);
      assert.notEqual(answer(world, 2, 1), null, "they find a view");
    },
  );
}

/** R0 leads, R3 lies. All have executed a and b, and state that; nobody has heard it yet. */
function secondCheckpointDue(protocol: PbftProtocol, lies = 3) {
  const world = stage(protocol, { liars: [lies], limits: { checkpointOrders: 2 } });
  const liar = world.liar(lies);
  const release = world.hold((m) => isCheckpoint(m) && m.to !== lies);
  for (const [client, operations] of [a, b].entries()) {
    world.submit(client, operations);
    world.play(8);
  }
  assert.equal(world.status(0).executed, 2);
  /** With the liar's statement it becomes stable where those of two others arrive. */
  const makeStable = (...at: number[]) => {
    const { digest } = received(liar, "checkpoint")[0]!;
    liar.send(at, { kind: "checkpoint", ...forge(liar).checkpoint(2, digest) });
    release();
    world.settle();
    for (const replica of at) assert.equal(world.status(replica).stable, 2);
  };
  return { world, liar, makeStable };
}

/** The liar leaves for view 1 too, and has nothing to report. */
function leaveWithNothing(world: World, liar: Liar): void {
  const { stable } = received(liar, "view-change").find(({ replica }) => replica === 1)!;
  const report = forge(liar).report({ to: 1, stable, prepared: [], seen: [] });
  liar.send(1, { kind: "view-change", ...report });
  world.play(5);
}

for (const crash of [false, true]) {
  rule(
    `what was seen in a view that is over is ${crash ? "kept with a state" : "vouched for"}`,
    crash ? "seen-not-kept" : "one-batch-seen",
    (protocol) => {
      const { world, liar, makeStable } = secondCheckpointDue(protocol);
      // R0 proposes c to R2, who prepares it with R3, and is cut off.
      world.block((m) => m.to === 1 && about("pre-prepare", 0, 3)(m));
      world.block((m) => m.message.kind === "request" && typeof m.from === "number");
      world.block(about("commit", 0, 3));
      world.submit(2, c, { to: [0] });
      world.play(5);
      liar.send(2, { kind: "prepare", ...forge(liar).prepare(proposedAt(liar, 3)) });
      world.settle();
      const apart = cutOff(world, 2);
      // View 1 begins with nothing in the place of c. Before or after R1 proposes d there, R0
      // saves the state before it, and in the first case it comes back.
      world.block((m) => about("pre-prepare", 1)(m) && (crash || m.to === 2));
      world.submit(3, d, { to: [1] });
      world.play(620);
      leaveWithNothing(world, liar);
      assert.deepEqual([world.status(0).role, world.status(1).role], ["follower", "leader"]);
      makeStable(0);
      if (crash) comeBack(world, 0);
      // Only R0 can vouch for what R2 prepared.
      apart();
      world.submit(3, d, { to: [0, 1, 2], number: 1 });
      world.play(10_000);
      assert.notEqual(answer(world, 3, 1), null, "they find a view");
    },
  );
}

rule("what was prepared is kept with a state", "prepared-not-kept", (protocol) => {
  const { world, liar, makeStable } = secondCheckpointDue(protocol);
  // R0 decides c with R2 and R3. R1 hears nothing of it, R2 not that it is decided.
  world.block((m) => m.to === 1 && about("pre-prepare", 0, 3)(m));
  world.block((m) => m.to === 2 && about("commit", 0, 3)(m));
  world.submit(2, c, { to: [0] });
  world.play(5);
  const proposal = proposedAt(liar, 3);
  liar.send([0, 2], { kind: "prepare", ...forge(liar).prepare(proposal) });
  liar.send(0, { kind: "commit", ...forge(liar).commit(proposal) });
  world.settle();
  assert.deepEqual([world.status(0).executed, world.status(2).executed], [3, 2]);
  // R2 saves the state before it, comes back, and leaves the view with R1 and R3.
  makeStable(2);
  const apart = cutOff(world, 0);
  comeBack(world, 2);
  world.submit(3, d, { to: [1, 2] });
  world.play(620);
  apart();
  leaveWithNothing(world, liar);
  world.play(10_000);
  assert.notEqual(answer(world, 3, 1), null, "they find a view");
  assert.ok(isConsistent(world), "and c stays where it is");
});

for (const saves of [false, true]) {
  rule(
    `who reported is not back in the view that it left${saves ? ", with a saved state" : ""}`,
    saves ? "leaving-not-kept" : "leaving-not-stored",
    (protocol) => {
      const { world, liar, makeStable } = secondCheckpointDue(protocol);
      // R1 and R2 leave for view 1 and report to each other. R2 comes back.
      const withoutR0 = cutOff(world, 0);
      world.submit(3, d, { to: [1, 2] });
      world.play(620);
      assert.deepEqual([world.status(1).view, world.status(2).view], [1, 1]);
      if (saves) makeStable(2);
      const withoutR1 = cutOff(world, 1);
      comeBack(world, 2);
      // R0 orders c in view 0 with whom it finds there.
      withoutR0();
      world.submit(2, c, { to: [0] });
      world.play(5);
      const proposal = proposedAt(liar, 3);
      liar.send([0, 2], { kind: "prepare", ...forge(liar).prepare(proposal) });
      liar.send([0, 2], { kind: "commit", ...forge(liar).commit(proposal) });
      world.settle();
      // View 1 begins by what R2 reported.
      const again = cutOff(world, 0);
      withoutR1();
      leaveWithNothing(world, liar);
      again();
      world.play(10_000);
      assert.ok(isConsistent(world), "one batch for each order");
      assert.notEqual(answer(world, 3, 1), null, "they find a view");
    },
  );
}

rule(
  "what was prepared in a view that is over is no vote in the next",
  "old-commits-revived",
  (protocol) => {
    const { world, liar, makeStable } = secondCheckpointDue(protocol, 1);
    world.block((m) => m.to === 2 && isCheckpoint(m));
    makeStable(0, 3);
    // In view 0 R2 prepares c with R1; R3 does not hear of it.
    world.block((m) => m.to === 3 && about("pre-prepare", 0, 3)(m));
    world.block(about("commit", 0, 3));
    world.submit(2, c);
    world.play(5);
    liar.send(2, { kind: "prepare", ...forge(liar).prepare(proposedAt(liar, 3)) });
    world.settle();
    world.play(620);
    // In view 1 R0 and R2 are to prepare c again, R3 is to prepare d. R2 saves the state before it.
    const reports = [0, 2, 3].map(
      (from) => received(liar, "view-change").find(({ replica }) => replica === from)!,
    );
    const { stable } = reports[0]!;
    assert.equal(stable.order, 2);
    const own = forge(liar).report({ to: 1, stable, prepared: [], seen: [] });
    const begin = (which: number) => forge(liar).newView(1, [reports[0]!, own, reports[which]!]);
    world.block((m) => m.from === 0 && m.to === 2 && about("prepare", 1)(m));
    const late = world.hold((m) => m.to === 2 && about("commit", 1)(m));
    world.submit(3, d, { to: [1] });
    world.settle();
    const other = forge(liar).prePrepare(1, 3, [requestsAt(liar).at(-1)!]);
    liar.send([0, 2], { kind: "new-view", ...begin(1) });
    liar.send(3, { kind: "new-view", ...begin(2) });
    liar.send(3, { kind: "pre-prepare", ...other });
    world.settle();
    assert.deepEqual([world.status(2).role, world.status(2).stable], ["follower", 2]);
    comeBack(world, 2);
    // R0 prepared c, and R1 says so of itself: is R2 the third?
    late();
    const vote = { ...proposedAt(liar, 3), view: 1 };
    liar.send(2, { kind: "commit", ...forge(liar).commit(vote) });
    world.settle();
    // View 2 begins without R0: with d, which is all that was prepared in view 1.
    const apart = cutOff(world, 0);
    liar.send([2, 3], wish(2));
    world.play(1500);
    assert.deepEqual([world.status(2).view, world.status(3).view], [2, 2]);
    const prepared = [{ view: 1, order: 3, batch: other.batch }];
    const report = forge(liar).report({ to: 2, stable, prepared, seen: prepared });
    liar.send(2, { kind: "view-change", ...report });
    world.play(20);
    apart();
    world.play(10_000);
    assert.notEqual(answer(world, 2, 1), null, "they find a view");
    assert.ok(isConsistent(world), "one batch for each order");
  },
);
