// PBFT's rules as short stories: each ends well, and does not without its rule.

import assert from "node:assert/strict";
import {
  about,
  answer,
  bytesOf,
  comeBack,
  cutOff,
  disagree,
  executedAt,
  forge,
  isConsistent,
  lyingLeader,
  type Message,
  type PbftProtocol,
  received,
  requestsAt,
  rule,
  stage,
  unmoved,
  wish,
  type World,
} from "./support.js";

const a = [bytesOf("a")];
const b = [bytesOf("b")];

/** protocols.md P1. */
rule("pbft-majority-quorum-n7: two quorums share a correct replica", "majority-quorum", (p) => {
  const world = stage(p, { n: 7, liars: [0, 6] });
  const [leader, other] = [world.liar(0), world.liar(6)];
  world.submit(0, a, { to: [0] });
  world.submit(1, b, { to: [0] });
  world.settle();
  const camps = [
    [1, 2],
    [3, 4, 5],
  ] as const;
  const isApart = (from: unknown, to: unknown) =>
    camps.some((camp) => camp.includes(from as never) !== camp.includes(to as never));
  world.block(
    (m) => m.from !== 0 && m.from !== 6 && typeof m.to === "number" && isApart(m.from, m.to),
  );
  // One batch for each camp, and the liars vote for both.
  requestsAt(leader).forEach((request, index) => {
    const camp = camps[index]!;
    const proposal = forge(leader).prePrepare(0, 1, [request]);
    leader.send(camp, { kind: "pre-prepare", ...proposal });
    other.send(camp, { kind: "prepare", ...forge(other).prepare(proposal) });
    leader.send(camp, { kind: "commit", ...forge(leader).commit(proposal) });
    other.send(camp, { kind: "commit", ...forge(other).commit(proposal) });
  });
  world.settle();
  assert.equal(executedAt(world, 3).size, 1, "five replicas decide for R3");
  assert.ok(!disagree(world, 1, 3), "R1 and R3 agree");
});

rule("a no-op that was decided stays where it is", "decided-no-ops-dropped", (p) => {
  const world = stage(p, { liars: [3], limits: { batchRequestsMax: 1 } });
  const liar = world.liar(3);
  // View 0: of two proposals only the second arrives, and only R0 prepares it.
  world.block(about("pre-prepare", 0, 1));
  world.block((m) => about("prepare", 0)(m) && m.to !== 0);
  world.block(about("commit", 0));
  // View 1 fills the gap with a no-op, which R0 executes. What stands behind it is lost again.
  world.block(about("prepare", 1, 2));
  world.block((m) => about("commit", 1)(m) && m.to !== 0);
  world.submit(0, a);
  world.submit(1, b);
  world.play(650);
  assert.deepEqual([world.status(0).view, world.status(0).executed], [1, 1]);
  assert.equal(world.status(1).executed, 0);
  // View 2 begins without R0, which alone prepared what stood behind the no-op.
  world.block((m) => m.from === 0 || m.to === 0);
  world.play(1000);
  assert.equal(world.status(2).view, 2);
  const nothing = forge(liar).report({ to: 2, stable: unmoved, prepared: [], seen: [] });
  liar.send([1, 2], { kind: "view-change", ...nothing });
  world.play(5);
  for (let round = 0; round < 20; round += 1) {
    const ballots = [...received(liar, "pre-prepare"), ...received(liar, "prepare")];
    for (const ballot of ballots.filter(({ view }) => view === 2)) {
      liar.send([1, 2], { kind: "prepare", ...forge(liar).prepare(ballot) });
      liar.send([1, 2], { kind: "commit", ...forge(liar).commit(ballot) });
    }
    world.play(5);
  }
  assert.ok(world.status(1).executed > 1, "R1 and R2 go on");
  assert.ok(!disagree(world, 0, 1), "R0 and R1 agree");
});

rule(
  "pbft-readonly-blocks-client: a laggard is told what was decided",
  "decisions-not-believed",
  (p) => {
    const world = stage(p, { liars: [3] });
    const liar = world.liar(3);
    // R2 hears only R3, which talks it into leaving view 0.
    const heal = world.block(
      (m) => (m.to === 2) !== (m.from === 2) && m.from !== 3 && typeof m.from === "number",
    );
    world.submit(0, a);
    world.settle();
    for (let round = 0; round < 8; round += 1) {
      liar.send(2, wish(1));
      for (const proposal of received(liar, "pre-prepare")) {
        liar.send([0, 1], { kind: "prepare", ...forge(liar).prepare(proposal) });
        liar.send([0, 1], { kind: "commit", ...forge(liar).commit(proposal) });
      }
      world.play(100);
    }
    assert.equal(answer(world, 0, 1), "a");
    assert.deepEqual([world.status(2).view, world.status(2).executed], [1, 0]);
    // A read is ordered like all else. With R3 silent its answer needs nobody's view but view 0's;
    // and R2, which cannot vote there, answers too.
    heal();
    world.play(1000);
    assert.equal(world.status(0).view, 0, "R0 stays in view 0");
    assert.equal(world.status(2).executed, 1, "R2 knows what view 0 decided");
    assert.ok(
      world.replies(0).some(({ from }) => from === 2),
      "R2 answers",
    );
  },
);

rule("pbft-vc-retransmit-after-heal: reports are sent again", "reports-not-resent", (p) => {
  const world = stage(p);
  world.crash(0);
  const heal = world.block((m) => m.message.kind === "view-change");
  world.submit(0, a);
  world.play(2000);
  heal();
  world.play(2000);
  assert.equal(answer(world, 0, 1), "a");
});

rule("new views are sent again", "new-views-not-resent", (p) => {
  const world = stage(p);
  world.crash(0);
  const heal = world.block((m) => m.message.kind === "new-view" && m.to === 2);
  world.submit(0, a);
  world.play(700);
  heal();
  world.play(250);
  assert.equal(answer(world, 0, 1), "a");
});

rule("a checkpoint that nobody heard of is stated again", "checkpoints-not-repeated", (p) => {
  const world = stage(p, { limits: { checkpointOrders: 2, batchRequestsMax: 1 } });
  world.crash(3);
  const heal = world.block(({ message }) => message.kind === "checkpoint");
  for (const client of [0, 1, 2, 3]) world.submit(client, a);
  world.play(200);
  assert.deepEqual([world.status(1).executed, world.status(1).stable], [4, 0]);
  heal();
  world.submit(4, a);
  world.play(5_000);
  assert.notEqual(answer(world, 4, 1), null, "there is room for it");
});

rule(
  "what a lying leader stuffs others with leaves later leaders room",
  "room-taken-for-good",
  (p) => {
    const world = stage(p, { liars: [0], limits: { checkpointBytes: 2048 } });
    const liar = world.liar(0);
    for (let client = 1; client <= 8; client += 1) {
      world.submit(client, [new Uint8Array(1000).fill(client)], { to: [0] });
    }
    world.settle();
    requestsAt(liar).forEach((request, index) => {
      const proposal = forge(liar).prePrepare(0, index + 2, [request]);
      liar.send([1, 2, 3], { kind: "pre-prepare", ...proposal });
    });
    world.block((m) => about("commit", 0)(m) || about("prepare", 0)(m));
    world.submit(0, a);
    world.play(5000);
    assert.equal(answer(world, 0, 1), "a");
  },
);

/**
 * A world in which the liar R0 was asked for a and b, and may propose each twice: all four to R1
 * and R2, the first two of them to R3.
 */
function inducedToRepeat(p: PbftProtocol) {
  const world = stage(p, { liars: [0], limits: { checkpointOrders: 2 }, compacts: false });
  const liar = world.liar(0);
  world.submit(0, a, { to: [0] });
  world.submit(1, b, { to: [0] });
  world.settle();
  const [first, second] = requestsAt(liar).map((request) => [request]);
  const proposals = [first!, second!, first!, second!].map((batch, index) =>
    forge(liar).prePrepare(0, index + 1, batch),
  );
  const propose = () => {
    for (const proposal of proposals) {
      const to = proposal.order <= 2 ? [1, 2, 3] : [1, 2];
      liar.send(to, { kind: "pre-prepare", ...proposal });
    }
  };
  return { world, liar, proposals, propose };
}

/** R3 crashes, and comes back to what it had. */
function comesBack(world: World, stable: number): void {
  assert.equal(world.status(3).stable, stable);
  world.block((m) => m.to === 3 || m.from === 3);
  world.crash(3);
  world.restart(3);
  assert.equal(world.status(3).stable, stable);
}

rule(
  "a batch that a liar proposes twice outlives its first order, also in a restart",
  "kept-for-a-while",
  (p) => {
    const { world, propose } = inducedToRepeat(p);
    world.block((m) => about("commit", 0)(m) || about("commit", 1, 5)(m));
    const heal = world.block((m) => about("commit", 1, 3)(m) || about("commit", 1, 4)(m));
    propose();
    world.submit(2, b, { to: [1, 2, 3] });
    world.play(700);
    assert.deepEqual([world.status(3).view, world.status(3).stable], [1, 2]);
    heal();
    world.play(200);
    comesBack(world, 4);
  },
);

rule(
  "a batch that was decided for a second order outlives the first in a restart",
  "kept-for-a-while",
  (p) => {
    const { world, liar, proposals, propose } = inducedToRepeat(p);
    const isAbout = (order: number) => (m: Message) =>
      m.to === 3 && "order" in m.message && m.message.order === order;
    const stable = world.block((m) => isAbout(2)(m) && m.message.kind === "checkpoint");
    const last = world.block(isAbout(4));
    propose();
    for (const proposal of proposals) {
      liar.send([1, 2], { kind: "commit", ...forge(liar).commit(proposal) });
    }
    world.play(400);
    assert.deepEqual([world.status(3).stable, world.status(3).executed], [0, 3]);
    stable();
    world.play(200);
    assert.equal(world.status(3).stable, 2);
    last();
    world.play(200);
    comesBack(world, 4);
  },
);

rule("pbft-slow-primary: slower than before is too slow", "no-throughput-floor", (p) => {
  const timing = { throughputWindowMs: 200, statusMs: 20 };
  const world = stage(p, { timing, limits: { pipeline: 8 } });
  const asked = new Map<number, number>();
  /** Four clients that ask again as soon as they are answered. */
  const throughputOf = (ms: number): number => {
    const before = world.status(1).operations;
    for (let waited = 0; waited < ms; waited += 2) {
      for (const client of [0, 1, 2, 3]) {
        const number = asked.get(client);
        const last = world.replies(client).at(-1)?.reply.number;
        if (number !== undefined && last !== number) continue;
        asked.set(client, world.submit(client, a).number);
      }
      world.play(2);
    }
    return (world.status(1).operations - before) / ms;
  };
  const before = throughputOf(450);
  // From now on R0 proposes all that waits, just before anybody loses patience.
  const isProposal = (m: Message) => m.from === 0 && m.message.kind === "pre-prepare";
  for (let turn = 0; turn < 3; turn += 1) {
    const release = world.hold(isProposal);
    throughputOf(400);
    release();
    world.play(2);
  }
  assert.equal(world.status(1).view, 1, "R0 is replaced");
  throughputOf(50);
  assert.ok(throughputOf(200) > 0.9 * before, "and all is as it was");
});

rule("a leader's proposal is its only vote to prepare it", "prepares-of-leader", (p) => {
  const { world, liar, proposals, propose } = lyingLeader(p);
  propose([1, 2, 3], 0, 1);
  world.settle();
  // One batch for each at order 3, with the leader's vote: together they prepare three of them.
  const last = requestsAt(liar);
  const third = forge(liar).prePrepare(0, 3, [last[2]!, last[3]!]);
  propose([1], 2);
  propose([2], 3);
  liar.send(3, { kind: "pre-prepare", ...third });
  [proposals[2]!, proposals[3]!, third].forEach((ballot, index) => {
    liar.send(index + 1, { kind: "prepare", ...forge(liar).prepare(ballot) });
  });
  world.settle();
  world.submit(2, b, { to: [1, 2, 3], number: 1 });
  world.play(10_000);
  assert.notEqual(answer(world, 2, 1), null, "they find a view");
});

rule("a leader that was left proposes nothing any more", "votes-of-other-views", (p) => {
  const { world, propose } = lyingLeader(p);
  const late = world.hold((m) => m.to === 2 && about("pre-prepare", 1)(m));
  world.submit(2, b, { to: [1, 2, 3], number: 1 });
  world.play(620);
  assert.equal(world.status(2).view, 1);
  propose([2], 0);
  world.settle();
  late();
  world.play(50);
  assert.equal(world.status(1).view, 1);
  assert.notEqual(answer(world, 2, 1), null, "view 1 orders what R1 proposes");
});

rule("a view builds on the highest checkpoint reported", ["first-stable", "lowest-stable"], (p) => {
  const { world, liar, proposals, propose } = lyingLeader(p);
  // R2 and R3 execute a and b with R0, and only R3 knows that there is a checkpoint then.
  world.block((m) => m.message.kind === "checkpoint" && (m.to === 1 || m.to === 2));
  world.block((m) => m.to === 1 && (about("prepare", 0)(m) || about("commit", 0)(m)));
  propose([2, 3], 0, 1);
  for (const proposal of proposals.slice(0, 2)) {
    liar.send([2, 3], { kind: "commit", ...forge(liar).commit(proposal) });
  }
  world.settle();
  const { digest } = received(liar, "checkpoint")[0]!;
  liar.send(3, { kind: "checkpoint", ...forge(liar).checkpoint(2, digest) });
  world.settle();
  assert.deepEqual(
    [1, 2, 3].map((replica) => [world.status(replica).executed, world.status(replica).stable]),
    [
      [0, 0],
      [2, 0],
      [2, 2],
    ],
  );
  // View 1 begins with what R0, R1 and R3 report.
  const unheard = world.block((m) => m.from === 2 && m.message.kind === "view-change");
  world.submit(2, b, { to: [1, 2, 3], number: 1 });
  world.play(620);
  const nothing = forge(liar).report({ to: 1, stable: unmoved, prepared: [], seen: [] });
  liar.send(1, { kind: "view-change", ...nothing });
  world.play(20);
  for (const proposal of received(liar, "pre-prepare").filter(({ view }) => view === 1)) {
    liar.send([1, 2], { kind: "prepare", ...forge(liar).prepare(proposal) });
    liar.send([1, 2], { kind: "commit", ...forge(liar).commit(proposal) });
  }
  world.play(10);
  assert.ok(isConsistent(world), "what R3 executed stays decided");
  unheard();
  world.play(10_000);
  assert.notEqual(answer(world, 2, 1), null, "they find a view");
});

rule("who began to fetch a state is not back before it", "transfer-not-stored", (p) => {
  const world = stage(p, { limits: { checkpointOrders: 2 } });
  const apart = cutOff(world, 3);
  for (const client of [0, 1]) {
    world.submit(client, a);
    world.play(8);
  }
  assert.equal(world.status(0).stable, 2);
  apart();
  world.block((m) => m.message.kind === "manifest");
  for (let round = 0; round < 50 && world.status(3).stable === 0; round += 1) world.play(100);
  assert.equal(world.status(3).stable, 2);
  cutOff(world, 3);
  comeBack(world, 3);
  assert.equal(world.status(3).stable, 2);
});
