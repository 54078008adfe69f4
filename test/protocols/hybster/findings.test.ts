// What the simulation found in Hybster, each seed told again as a short story: it ends well, and
// does not without the rule that came of it.

import assert from "node:assert/strict";
import { answer, bytesOf, forge, received, rule, stage } from "./support.js";

const a = [bytesOf("a")];

rule(
  "a replica that is ahead of the others' view learns from it",
  ["missed-views-ignored", "missed-view-ignored"],
  (p) => {
    const world = stage(p, { liars: [1] });
    const liar = world.liar(1);
    const wanting = { kind: "status", established: 0, stable: 0, executed: 0, acted: 0 } as const;
    // R0 and R2 leave view 0. R1, which leads view 1, starts it with R0 alone.
    const silent = world.block((m) => m.from === 0 && m.message.kind === "prepare");
    world.submit(0, a);
    world.play(5);
    liar.send([0, 2], { ...wanting, view: 0, suspects: 1 });
    world.play(700);
    const changes = [0, 2].map((replica) => {
      const own = received(liar, "view-change").find((m) => m.attestation.instance === replica);
      assert.ok(own, `R${replica} left view 0`);
      return own;
    });
    const apart = world.block((m) => m.from === 0 && m.to === 2);
    liar.send(0, { kind: "new-view", ...forge.newView(liar, 1, changes) });
    world.settle();
    const { view, base, last, plan } = received(liar, "acknowledgement")[0]!;
    const own = forge.acknowledgement(liar, view, base, last, plan);
    liar.send(0, { kind: "acknowledgement", ...own });
    world.settle();
    // In it R1 is an honest leader, so that R0 has no reason to leave.
    const { body, authenticator } = received(liar, "request")[0]!;
    const prepare = forge.prepare(liar, 1, 1, [{ body, authenticator }]);
    liar.send(0, { kind: "prepare", ...prepare, requests: [...prepare.requests] });
    world.settle();
    assert.deepEqual(world.status(0), {
      ...world.status(0),
      view: 1,
      role: "follower",
      executed: 1,
    });
    // R2 hears only R1, which talks it into leaving for view 2.
    for (let round = 0; round < 20; round += 1) {
      liar.send(2, { ...wanting, view: 1, suspects: 2 });
      world.play(100);
    }
    assert.equal(world.status(2).view, 2, "R2 wants view 2");
    silent();
    apart();
    world.play(1000);
    assert.equal(world.status(0).view, 1, "R0 stays in view 1");
    assert.equal(world.status(2).executed, 1, "R2 knows what is committed in view 1");
  },
);

rule(
  "who had nothing to do does not suspect the first proposal after it",
  "idle-time-counts-as-waiting",
  (protocol) => {
    const world = stage(protocol, { n: 5 });
    // A proposal waits a while for its quorum, is executed, and nothing happens for a long time.
    const slow = world.hold((m) => m.message.kind === "commit");
    world.submit(0, a, { to: [0] });
    world.play(200);
    slow();
    world.play(2000);
    // The next one waits a moment only.
    const slower = world.hold((m) => m.message.kind === "commit");
    world.submit(0, a, { to: [0] });
    world.play(300);
    slower();
    world.play(50);
    for (const replica of [0, 1, 2, 3, 4]) {
      const suspicions = world.observations(replica).filter(({ event }) => event === "suspect");
      assert.deepEqual(suspicions, [], `R${replica} suspects nobody`);
    }
  },
);

rule(
  "what a replica reports on another's word it can still give after a crash",
  "adopted-batches-not-stored",
  (protocol) => {
    const world = stage(protocol, { liars: [0] });
    const liar = world.liar(0);
    const wanting = { kind: "status", established: 0, stable: 0, executed: 0, acted: 0 } as const;
    // R0 proposes a, and shows that only in its view change, and that only to R2.
    world.submit(0, a, { to: [0] });
    world.settle();
    const { body, authenticator } = received(liar, "request")[0]!;
    const { requests, ...header } = forge.prepare(liar, 0, 1, [{ body, authenticator }]);
    const apart = world.block((m) => m.from === 1 || m.to === 1);
    world.submit(1, a, { to: [2] });
    liar.send(2, { ...wanting, view: 0, suspects: 1 });
    world.play(700);
    assert.equal(world.status(2).view, 1, "R2 left view 0");
    const left = forge.viewChange(liar, 1, { prepares: [header] });
    liar.send(2, { kind: "view-change", ...left });
    world.settle();
    liar.send(2, { kind: "batch", digest: header.batch, requests });
    // The two make a certificate for view 1, with which R2 leaves for view 2; then R0 is silent.
    for (let round = 0; round < 20 && world.status(2).view < 2; round += 1) {
      liar.send(2, { ...wanting, view: 1, suspects: 2 });
      world.play(100);
    }
    assert.equal(world.status(2).view, 2, "R2 left view 1 with a certificate");
    world.crash(2);
    world.restart(2);
    apart();
    world.submit(2, a);
    world.play(20_000);
    assert.notEqual(answer(world, 2, 1), null, "R1 and R2 find a view");
  },
);

rule(
  "who left a view learns what its leader and a liar go on to commit",
  "only-own-commits-resent",
  (protocol) => {
    const world = stage(protocol, { liars: [1] });
    const liar = world.liar(1);
    const wanting = { kind: "status", established: 0, stable: 0, executed: 0, acted: 0 } as const;
    // R2 is cut off from R0, has a request that waits, and R1 to agree with: it leaves view 0.
    const apart = world.block((m) => [0, 2].includes(Number(m.from)) && m.to !== 1);
    world.submit(0, a, { to: [2] });
    liar.send(2, { ...wanting, view: 0, suspects: 1 });
    world.play(700);
    assert.equal(world.status(2).view, 1, "R2 left view 0");
    // R0 leads view 0 on, with R1's votes.
    world.submit(1, a, { to: [0] });
    world.settle();
    const prepare = received(liar, "prepare")[0]!;
    liar.send(0, { kind: "commit", ...forge.commit(liar, prepare) });
    world.settle();
    assert.equal(world.status(0).executed, 1);
    apart();
    world.play(400);
    assert.deepEqual([world.status(0).view, world.status(2).executed], [0, 1]);
  },
);

rule(
  "who executed a plan in another view suspects the leader that leaves it unproposed",
  ["open-plan-not-suspected", "stalled-plan-not-suspected"],
  (protocol) => {
    const world = stage(protocol, { liars: [1] });
    const liar = world.liar(1);
    const wanting = { kind: "status", established: 0, stable: 0, executed: 0, acted: 0 } as const;
    // R0 executes a with R1's vote; R2, which has a request that waits, hears nothing of it.
    const apart = world.block((m) => [0, 2].includes(Number(m.from)) && m.to !== 1);
    world.submit(0, a, { to: [0] });
    world.settle();
    liar.send(0, { kind: "commit", ...forge.commit(liar, received(liar, "prepare")[0]!) });
    world.submit(1, a, { to: [2] });
    liar.send([0, 2], { ...wanting, view: 0, suspects: 1 });
    world.play(700);
    const votes = ["prepare", "commit"];
    const unheard = world.block((m) => m.to === 2 && votes.includes(m.message.kind));
    apart();
    world.play(300);
    // R1 starts view 1, whose plan is a, and says no more.
    const changes = [0, 2].map((replica) => {
      const own = received(liar, "view-change").find((m) => m.attestation.instance === replica);
      assert.ok(own, `R${replica} left view 0`);
      return own;
    });
    liar.send([0, 2], { kind: "new-view", ...forge.newView(liar, 1, changes) });
    world.play(20);
    assert.deepEqual([world.status(0).view, world.status(2).executed], [1, 0]);
    unheard();
    world.play(10_000);
    assert.equal(world.status(2).executed >= 1, true, "R0 and R2 leave view 1");
  },
);

rule(
  "a liar's certificate does not strand who gets it below who made it possible",
  "certified-view-not-entered",
  (protocol) => {
    const world = stage(protocol, { liars: [0] });
    const liar = world.liar(0);
    const wanting = { kind: "status", established: 0, stable: 0, executed: 0, acted: 0 } as const;
    // R1 and R2 leave view 0 apart. R0 gives R1 what it takes to leave view 1 too.
    const apart = world.block((m) => [1, 2].includes(Number(m.from)) && m.to !== 0);
    world.submit(0, a);
    liar.send([1, 2], { ...wanting, view: 0, suspects: 1 });
    world.play(700);
    liar.send(1, { kind: "view-change", ...forge.viewChange(liar, 1) });
    liar.send(1, { ...wanting, view: 1, suspects: 2 });
    world.play(2500);
    assert.deepEqual([world.status(1).view, world.status(2).view], [2, 1]);
    // R0 lets R2, and nobody else, know that view 2 has its quorum, and says no more.
    const theirs = received(liar, "view-change").find(({ to }) => to === 2)!;
    const viewChanges = [forge.viewChange(liar, 2), theirs];
    liar.send(2, { kind: "certificate", viewChanges });
    world.play(5);
    apart();
    world.play(10_000);
    assert.equal(answer(world, 0, 1), "a", "R1 and R2 meet in view 2");
  },
);

rule(
  "a batch that a liar proposes twice is kept until the later order is stable",
  "batch-kept-for-first-order",
  (p) => {
    const world = stage(p, { liars: [1], limits: { checkpointOrders: 1 } });
    const liar = world.liar(1);
    const wanting = { kind: "status", established: 0, stable: 0, executed: 0, acted: 0 } as const;
    // R0 alone knows its proposal of view 0; the plan of view 1, which the liar leads, has it.
    const unheard = world.block((m) => m.from === 0 && m.message.kind === "prepare");
    world.submit(0, a);
    world.play(5);
    liar.send([0, 2], { ...wanting, view: 0, suspects: 1 });
    world.play(700);
    const changes = received(liar, "view-change").filter(({ to }) => to === 1);
    liar.send([0, 2], { kind: "new-view", ...forge.newView(liar, 1, changes.slice(0, 2)) });
    const { body, authenticator } = received(liar, "request")[0]!;
    const requests = [{ body, authenticator }];
    const first = forge.prepare(liar, 1, 1, requests);
    world.play(5);
    liar.send(2, { kind: "batch", digest: first.batch, requests });
    world.play(5);
    const acknowledgements = received(liar, "acknowledgement").slice(0, 2);
    unheard();
    // R0 alone hears that it is ordered there, and forgets it with a stable checkpoint.
    const apart = world.block((m) => m.from !== 1 && m.to !== 1 && m.from !== m.to);
    liar.send(0, { kind: "prepare", ...first, requests: [] });
    world.play(5);
    const theirs = received(liar, "checkpoint")[0]!;
    const own = forge.checkpoint(liar, 1, theirs.digest);
    liar.send(0, { kind: "checkpoint", ...own });
    world.play(5);
    assert.equal(world.status(0).stable, 1, "R0 has executed it for good");
    // The liar certifies the same batch for order 2, and tells R2 so as it leaves.
    const { requests: _, ...again } = forge.prepare(liar, 1, 2, requests);
    const plan = [first.batch];
    const established = { view: 1, base: 0, last: 1, plan, acknowledgements };
    const stable = { order: 1, digest: theirs.digest, statements: [theirs, own] };
    const left = forge.viewChange(liar, 2, { established, stable, prepares: [again] });
    liar.send(2, { ...wanting, view: 1, suspects: 2 });
    world.play(2500);
    assert.equal(world.status(2).view, 2, "R2 left view 1");
    liar.send(2, { kind: "view-change", ...left });
    world.play(5);
    // R2 fetches the state of order 1 before R0 asks it for anything.
    apart();
    const changing = ["new-view", "view-change", "certificate"];
    const unasked = world.block((m) => m.from === 2 && changing.includes(m.message.kind));
    world.play(3000);
    assert.equal(world.status(2).stable, 1, "R2 has the state");
    unasked();
    world.submit(0, [bytesOf("b")]);
    world.play(8000);
    assert.equal(answer(world, 0, 2), "ab");
  },
);
