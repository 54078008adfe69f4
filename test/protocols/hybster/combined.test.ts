// Mistakes that show only when several things come together: a liar and a crash, a wall that falls
// at the wrong moment, a view change that fails and another one after it.

import assert from "node:assert/strict";
import type { HybsterMessage } from "../../../src/protocols/hybster/index.js";
import {
  answer,
  bytesOf,
  disagree,
  forge,
  hash,
  type Liar,
  received,
  rule,
  stage,
  type World,
} from "./support.js";

const a = [bytesOf("a")];
const b = [bytesOf("b")];
const c = [bytesOf("c")];

const wanting = { kind: "status", established: 0, stable: 0, executed: 0, acted: 0 } as const;

/** The network carries nothing between the two. Calling the result ends it. */
const wall = (world: World, one: number, other: number): (() => void) =>
  world.block(({ from, to }) => (from === one && to === other) || (from === other && to === one));

/** The liar acknowledges every proposal that it got and did not acknowledge yet; its COMMITs. */
function acknowledgeAll(liar: Liar, to: number): HybsterMessage[] {
  const commits: HybsterMessage[] = [];
  for (const prepare of received(liar, "prepare")) {
    const { view, order } = prepare;
    const { counter } = liar.context;
    const at = counter.current(0);
    if (view < at.view || (view === at.view && order <= at.order)) continue;
    commits.push({ kind: "commit", ...forge.commit(liar, prepare) });
  }
  for (const commit of commits) liar.send(to, commit);
  return commits;
}

/** The leader R0 and the liar order twice, and both state the checkpoint that comes of it. */
function makeStable(world: World, liar: Liar): void {
  for (let order = 1; order <= 2; order += 1) {
    world.submit(0, a, { to: [0] });
    world.settle();
    acknowledgeAll(liar, 0);
    world.settle();
  }
  const { digest } = received(liar, "checkpoint")[0]!;
  liar.send(0, { kind: "checkpoint", ...forge.checkpoint(liar, 2, digest) });
  world.settle();
  assert.equal(world.status(0).stable, 2);
}

for (const crashes of [false, true]) {
  rule(
    `who is left behind follows those who left${crashes ? " and crashed then" : ""}`,
    crashes ? "ticket-not-stored" : "certificate-not-resent",
    (protocol) => {
      const world = stage(protocol, { liars: [0] });
      const liar = world.liar(0);
      // R1 and R2 leave view 0 apart. R0 gives R1 what it takes to leave view 1 too.
      const apart = wall(world, 1, 2);
      world.submit(0, a);
      liar.send([1, 2], { ...wanting, view: 0, suspects: 1 });
      world.play(700);
      liar.send(1, { kind: "view-change", ...forge.viewChange(liar, 1) });
      liar.send(1, { ...wanting, view: 1, suspects: 2 });
      world.play(2500);
      assert.deepEqual([world.status(1).view, world.status(2).view], [2, 1]);
      if (crashes) {
        world.crash(1);
        world.restart(1);
      }
      apart();
      world.play(20_000);
      assert.equal(answer(world, 0, 1), "a", "R1 and R2 find a view");
    },
  );
}

rule("who left a view does not come back to it", "departure-not-stored", (protocol) => {
  const world = stage(protocol, {});
  const walls = [wall(world, 0, 1), wall(world, 0, 2)];
  world.submit(0, a, { to: [1, 2] });
  // R1 and R2 go to view 1, without R0. R2 hears nothing of its start, and crashes.
  const beginnings = ["new-view", "acknowledgement", "established"];
  const unheard = world.block((m) => m.to === 2 && beginnings.includes(m.message.kind));
  world.play(900);
  assert.deepEqual([world.status(1).view, world.status(2).view], [1, 1]);
  walls.push(wall(world, 1, 2));
  world.crash(2);
  world.restart(2);
  // R0 orders in view 0 what R1 knows nothing of.
  walls[1]!();
  const quiet = world.block((m) => m.to === 0 && m.message.kind === "status");
  world.submit(1, b, { to: [0] });
  world.play(50);
  for (const end of [quiet, unheard, ...walls]) end();
  world.play(5_000);
  assert.ok(world.status(1).executed > 0, "view 1 or a later one orders");
  assert.equal(disagree(world, 0, 1), false);
});

rule("what was proposed in vain is proposed again", "pending-not-proposed-again", (protocol) => {
  const world = stage(protocol, {});
  // In three views proposals are lost, and so is what their leaders report of them.
  const lost = world.block(
    ({ message, from }) =>
      message.kind === "prepare" ||
      (message.kind === "view-change" && from === (message.to - 1) % 3) ||
      message.kind === "certificate",
  );
  world.submit(0, a);
  for (let round = 0; round < 100 && world.status(0).view < 3; round += 1) world.play(100);
  assert.equal(world.status(0).view, 3);
  lost();
  world.play(20_000);
  assert.equal(answer(world, 0, 1), "a");
});

rule(
  "a certificate's history goes on with who leaves with it",
  "certificate-history-ignored",
  (p) => {
    const world = stage(p, { liars: [1] });
    const liar = world.liar(1);
    // R0 executes b with R1's vote; R2 has nothing of it.
    const apart = wall(world, 0, 2);
    world.submit(0, b, { to: [0] });
    world.settle();
    acknowledgeAll(liar, 0);
    world.settle();
    assert.equal(world.status(0).executed, 1);
    // R0 and R2 leave for view 1, and tell each other; R1, who leads it, is silent.
    world.submit(2, a, { to: [0] });
    world.submit(1, c, { to: [2] });
    liar.send([0, 2], { ...wanting, view: 0, suspects: 1 });
    world.play(700);
    const votes = ["prepare", "commit"];
    world.block((m) => m.to === 2 && m.from === 0 && votes.includes(m.message.kind));
    apart();
    world.play(300);
    wall(world, 0, 2);
    // R2 leaves view 1 for view 2, which it leads, with R1, who conceals what it voted for.
    forge.viewChange(liar, 1);
    const bare = forge.viewChange(liar, 2);
    for (let round = 0; round < 30 && world.status(2).view < 2; round += 1) {
      liar.send(2, { ...wanting, view: 1, suspects: 2 });
      world.play(100);
    }
    assert.equal(world.status(2).view, 2);
    liar.send(2, { kind: "view-change", ...bare });
    world.settle();
    const { view, base, last, plan } = received(liar, "acknowledgement").at(-1)!;
    const own = forge.acknowledgement(liar, view, base, last, plan);
    liar.send(2, { kind: "acknowledgement", ...own });
    world.settle();
    acknowledgeAll(liar, 2);
    world.settle();
    assert.ok(world.status(2).executed > 0, "R2 leads view 2");
    assert.equal(disagree(world, 0, 2), false);
  },
);

rule(
  "a certificate's checkpoint goes on with who leaves with it",
  "certificate-stable-ignored",
  (p) => {
    const world = stage(p, { liars: [1], limits: { checkpointOrders: 2 } });
    const liar = world.liar(1);
    // R0 and R1 have a stable checkpoint, of which R2 hears nothing.
    const deaf = world.block((m) => m.from === 0 && m.to === 2);
    makeStable(world, liar);
    // R0 gets a certificate for view 1 first, which R1 leads, in silence.
    world.submit(1, b, { to: [0] });
    world.submit(2, c, { to: [2] });
    liar.send([0, 2], { ...wanting, view: 0, suspects: 1 });
    world.play(700);
    for (let round = 0; round < 30 && world.status(0).view < 2; round += 1) {
      liar.send([0, 2], { ...wanting, view: 1, suspects: 2 });
      world.play(100);
    }
    assert.deepEqual([world.status(0).view, world.status(2).view], [2, 1]);
    // Now R2 gets it, and follows at once.
    deaf();
    world.play(20_000);
    assert.notEqual(answer(world, 2, 1), null, "R0 and R2 find a view");
  },
);

rule("who states a checkpoint can give its state", "checkpoints-unbacked", (protocol) => {
  const world = stage(protocol, { liars: [1], limits: { checkpointOrders: 2 } });
  const liar = world.liar(1);
  const apart = wall(world, 0, 2);
  for (let order = 1; order <= 2; order += 1) {
    world.submit(0, a, { to: [0] });
    world.settle();
    acknowledgeAll(liar, 0);
    world.settle();
  }
  certifyFor(2, 0, liar, world);
  world.play(500);
  world.crash(0);
  world.restart(0);
  apart();
  world.play(2_000);
  assert.equal(world.status(2).executed, 2, "R2 has the state from R0");
});

rule("what is executed is stored", "executed-unstored", (protocol) => {
  const world = stage(protocol, { liars: [1], limits: { checkpointOrders: 2 } });
  const liar = world.liar(1);
  // R2 leaves view 0, and then learns from R1 what that commits with R0, which is not told.
  const apart = wall(world, 0, 2);
  world.submit(1, b, { to: [2] });
  liar.send(2, { ...wanting, view: 0, suspects: 1 });
  world.play(700);
  assert.equal(world.status(2).view, 1);
  for (let order = 1; order <= 2; order += 1) {
    world.submit(0, a, { to: [0] });
    world.settle();
    const prepare = received(liar, "prepare").at(-1)!;
    liar.send(2, prepare);
    liar.send(2, { kind: "commit", ...forge.commit(liar, prepare) });
    world.settle();
  }
  assert.equal(world.status(2).executed, 2);
  certifyFor(0, 2, liar, world);
  world.play(500);
  world.crash(2);
  world.restart(2);
  apart();
  world.play(2_000);
  assert.equal(world.status(0).executed >= 2, true, "R0 has the state from R2");
});

rule("acknowledgements of another plan prove nothing", "acknowledged-plans-mixed", (protocol) => {
  const world = stage(protocol, { liars: [0] });
  const liar = world.liar(0);
  // R1 and R2 go to view 1, where R0 acknowledges to each what nobody announced.
  const unheard = world.block((m) => m.from !== 0 && m.message.kind === "acknowledgement");
  world.submit(0, a);
  world.play(900);
  const lost = world.block((m) => m.message.kind === "prepare");
  const own = forge.acknowledgement(liar, 1, 0, 0, hash(bytesOf("no plan")));
  liar.send([1, 2], { kind: "acknowledgement", ...own });
  world.play(5);
  unheard();
  // View 1 fails, and what R1 and R2 say of it must be good enough for another.
  for (let round = 0; round < 50 && world.status(2).view < 2; round += 1) world.play(100);
  lost();
  world.play(20_000);
  assert.equal(answer(world, 0, 1), "a");
});

rule("what a view change reports is stored", "unstored-proposals-reported", (protocol) => {
  const world = stage(protocol, { liars: [1] });
  const liar = world.liar(1);
  // R1 begins view 1, whose plan is a: R0 proposed that, and R2 does not know it yet.
  const apart = world.block((m) => m.to === 2 && ["prepare", "commit"].includes(m.message.kind));
  world.submit(0, a);
  liar.send([0, 2], { ...wanting, view: 0, suspects: 1 });
  world.play(900);
  const changes = [0, 2].map(
    (replica) => received(liar, "view-change").find((m) => m.attestation.instance === replica)!,
  );
  liar.send([0, 2], { kind: "new-view", ...forge.newView(liar, 1, changes) });
  world.play(20);
  assert.deepEqual(
    [0, 2].map((replica) => world.status(replica).role),
    ["follower", "follower"],
  );
  // It proposes what comes after the plan, and not the plan, and is silent then. R2 crashes before
  // it gives anybody what was proposed.
  const given = ["prepare", "batch"];
  const cuts = [
    world.block((m) => m.from === 2 && given.includes(m.message.kind)),
    world.block((m) => m.to === 2 && m.message.kind === "view-change"),
  ];
  apart();
  world.submit(1, b, { to: [1] });
  world.settle();
  const { body, authenticator } = received(liar, "request").at(-1)!;
  const prepare = forge.prepare(liar, 1, 2, [{ body, authenticator }]);
  liar.send(2, { kind: "prepare", ...prepare, requests: [...prepare.requests] });
  for (let round = 0; round < 50 && world.status(2).view < 2; round += 1) world.play(100);
  assert.equal(world.status(2).view, 2);
  world.play(5);
  world.crash(2);
  world.restart(2);
  for (const end of cuts) end();
  world.play(20_000);
  assert.equal(answer(world, 0, 1), "a", "R0 and R2 find a view");
});

rule(
  "who acknowledges a plan can give its batches after a crash",
  "plan-not-stored",
  (protocol) => {
    const world = stage(protocol, { liars: [0] });
    const liar = world.liar(0);
    // R0 shows only in its view change, and only to R1, what it proposed.
    world.submit(0, a, { to: [0] });
    world.settle();
    const { body, authenticator } = received(liar, "request")[0]!;
    const proposal = forge.prepare(liar, 0, 1, [{ body, authenticator }]);
    const kinds = ["view-change", "acknowledgement", "established"];
    const unheard = world.block((m) => m.from === 2 && kinds.includes(m.message.kind));
    world.submit(1, b, { to: [1, 2] });
    world.play(700);
    liar.send(1, { kind: "view-change", ...forge.viewChange(liar, 1, { prepares: [proposal] }) });
    world.settle();
    liar.send(1, { kind: "batch", digest: proposal.batch, requests: proposal.requests });
    world.play(20);
    const roles = [1, 2].map((replica) => world.status(replica).role);
    assert.deepEqual(roles, ["changing view", "follower"]);
    // Both crash before view 1 orders anything, and R0 says no more.
    for (const replica of [1, 2]) world.crash(replica);
    for (const replica of [1, 2]) world.restart(replica);
    unheard();
    world.submit(1, b, { number: 1, to: [1, 2] });
    world.play(20_000);
    assert.notEqual(answer(world, 1, 1), null, "R1 and R2 find a view");
  },
);

rule(
  "who acknowledges a plan can give its batches from a saved state too",
  "plan-not-retained",
  (protocol) => {
    const world = stage(protocol, { liars: [0], limits: { checkpointOrders: 2 } });
    const liar = world.liar(0);
    const prepares = [a, b, c].map((batch, index) => {
      world.submit(0, batch, { to: [0] });
      world.settle();
      const { body, authenticator } = received(liar, "request").at(-1)!;
      return forge.prepare(liar, 0, index + 1, [{ body, authenticator }]);
    });
    // All order twice; nobody hears yet that the others have that checkpoint as well.
    const unstable = world.block(({ message }) => message.kind === "checkpoint");
    for (const one of prepares.slice(0, 2)) liar.send([1, 2], { kind: "prepare", ...one });
    world.settle();
    // R0 shows only in its view change, and only to R1, what it proposed next.
    const { batch, requests } = prepares[2]!;
    const kinds = ["view-change", "acknowledgement", "established"];
    const unheard = world.block((m) => m.from === 2 && kinds.includes(m.message.kind));
    world.submit(1, b, { to: [1, 2] });
    world.play(700);
    liar.send(1, { kind: "view-change", ...forge.viewChange(liar, 1, { prepares }) });
    world.settle();
    liar.send(1, { kind: "batch", digest: batch, requests });
    world.play(20);
    const roles = [1, 2].map((replica) => world.status(replica).role);
    assert.deepEqual(roles, ["changing view", "follower"]);
    // Then the checkpoint becomes stable, both save it and crash, and R0 says no more.
    unstable();
    world.play(200);
    const stables = [1, 2].map((replica) => world.status(replica).stable);
    assert.deepEqual(stables, [2, 2]);
    for (const replica of [1, 2]) world.crash(replica);
    for (const replica of [1, 2]) world.restart(replica);
    unheard();
    world.submit(1, b, { number: 1, to: [1, 2] });
    world.play(20_000);
    assert.notEqual(answer(world, 1, 1), null, "R1 and R2 find a view");
  },
);

rule(
  "a view is announced once, whatever its leader forgot",
  "new-view-position-not-stored",
  (p) => {
    const world = stage(p, {});
    // R0 proposes a and b, which nobody hears, and goes with R1 to view 1. R1 crashes when it
    // announced that to R0, with a and b in its plan.
    const beginnings = ["acknowledgement", "established"];
    world.block((m) => m.from === 0 && m.message.kind === "prepare");
    const unsure = world.block((m) => m.to === 1 && beginnings.includes(m.message.kind));
    const walls = [wall(world, 0, 2), wall(world, 1, 2)];
    world.submit(0, a, { to: [0] });
    world.settle();
    world.submit(1, b, { to: [0] });
    world.submit(2, c, { to: [1, 2] });
    world.play(1_000);
    assert.deepEqual([world.status(0).role, world.status(1).role], ["follower", "changing view"]);
    walls.push(wall(world, 0, 1));
    world.crash(1);
    world.restart(1);
    unsure();
    // It meets R2, which knows nothing of a and b.
    walls[1]!();
    world.play(1_000);
    world.crash(1);
    for (const end of walls) end();
    world.play(20_000);
    assert.ok(
      world.status(0).executed > 0 && world.status(2).executed > 0,
      "R0 and R2 find a view",
    );
    assert.equal(disagree(world, 0, 2), false);
  },
);

rule("a later view's history is continued, however short", "longest-history-wins", (protocol) => {
  const world = stage(protocol, { liars: [0] });
  const liar = world.liar(0);
  // R0 proposes a and b for itself. R1 and R2 go to view 1, and execute c.
  world.submit(0, a, { to: [0] });
  world.submit(1, b, { to: [0] });
  world.settle();
  const batches = received(liar, "request").map(({ body, authenticator }) => [
    { body, authenticator },
  ]);
  const proposals = batches.map((batch, index) => forge.prepare(liar, 0, index + 1, batch));
  world.submit(2, c, { to: [1, 2] });
  world.play(1_000);
  assert.deepEqual(
    [1, 2].map((replica) => world.status(replica).executed),
    [1, 1],
  );
  // R2 and R0 go to view 2, which R2 leads; R0 reports what it proposed in view 0.
  wall(world, 1, 2);
  forge.viewChange(liar, 1);
  world.submit(2, a, { to: [2] });
  for (let round = 0; round < 30 && world.status(2).view < 2; round += 1) {
    liar.send(2, { ...wanting, view: 1, suspects: 2 });
    world.play(100);
  }
  liar.send(2, { kind: "view-change", ...forge.viewChange(liar, 2, { prepares: proposals }) });
  world.settle();
  for (const { batch, requests } of proposals) {
    liar.send(2, { kind: "batch", digest: batch, requests });
  }
  world.settle();
  const { view, base, last, plan } = received(liar, "acknowledgement").at(-1)!;
  const own = forge.acknowledgement(liar, view, base, last, plan);
  liar.send(2, { kind: "acknowledgement", ...own });
  world.settle();
  const commits = acknowledgeAll(liar, 2);
  world.settle();
  assert.ok(world.status(2).executed > 1, "R2 leads view 2");
  // It executes the same again when it lost its memory.
  world.crash(2);
  world.restart(2);
  for (const commit of commits) liar.send(2, commit);
  world.settle();
  assert.equal(disagree(world, 1, 2), false);
});

/** The liar proves to one replica, and to nobody else, the checkpoint that another stated. */
function certifyFor(to: number, by: number, liar: Liar, world: World): void {
  const theirs = received(liar, "checkpoint").find(
    ({ attestation }) => attestation.instance === by,
  );
  assert.ok(theirs, `R${by} states a checkpoint`);
  liar.send(to, theirs);
  const { order, digest } = theirs;
  liar.send(to, { kind: "checkpoint", ...forge.checkpoint(liar, order, digest) });
  world.settle();
}

rule(
  "who joins a view by its proof has the checkpoint it begins at",
  "established-before-its-base",
  (protocol) => {
    const world = stage(protocol, { liars: [1], limits: { checkpointOrders: 2 } });
    const liar = world.liar(1);
    // R0 and R1 have a stable checkpoint, of which R2 hears nothing, and view 1 begins at it.
    const deaf = world.block((m) => m.from === 0 && m.to === 2);
    makeStable(world, liar);
    world.submit(1, b, { to: [0] });
    world.submit(2, c, { to: [2] });
    liar.send([0, 2], { ...wanting, view: 0, suspects: 1 });
    world.play(700);
    const theirs = received(liar, "view-change").find((m) => m.attestation.instance === 0)!;
    const { established, stable, prepares } = theirs;
    const bare = forge.viewChange(liar, 1, { established, stable });
    liar.send(0, { kind: "new-view", ...forge.newView(liar, 1, [theirs, bare]) });
    world.play(5);
    const honest = received(liar, "acknowledgement")[0]!;
    const { view, base, last } = honest;
    const own = forge.acknowledgement(liar, view, base, last, honest.plan);
    liar.send(0, { kind: "acknowledgement", ...own });
    const plan = prepares.map(({ batch }) => batch);
    const proof = { view, base, last, plan, acknowledgements: [honest, own] };
    liar.send(2, { kind: "established", ...proof });
    world.play(5);
    for (const { batch, requests } of received(liar, "prepare")) {
      liar.send(2, { kind: "batch", digest: batch, requests });
    }
    // R1 orders nothing in it, and all leave it again.
    for (let round = 0; round < 30 && world.status(0).view < 2; round += 1) {
      liar.send([0, 2], { ...wanting, view: 1, suspects: 2 });
      world.play(100);
    }
    deaf();
    world.play(20_000);
    assert.notEqual(answer(world, 2, 1), null, "R0 and R2 find a view");
  },
);

rule("a view change reports no more than a window's proposals", "window-unchecked", (protocol) => {
  const world = stage(protocol, { limits: { checkpointOrders: 2 } });
  // No checkpoint becomes stable for a while, and then a view fails.
  const unstated = world.block((m) => m.message.kind === "checkpoint");
  for (let order = 1; order <= 6; order += 1) {
    world.submit(0, a);
    world.play(5);
  }
  const lost = world.block((m) => ["prepare", "commit"].includes(m.message.kind));
  world.submit(1, b);
  for (let round = 0; round < 30 && world.status(2).view < 1; round += 1) world.play(100);
  lost();
  unstated();
  world.play(20_000);
  assert.notEqual(answer(world, 1, 1), null, "they find a view");
});

rule("a view learnt late begins with an empty log", "missed-view-log-kept", (protocol) => {
  const world = stage(protocol, { liars: [1] });
  const liar = world.liar(1);
  // R2 hears of R0's second proposal only, and leaves view 0; R0 does too.
  const first = world.block(
    (m) => m.to === 2 && m.message.kind === "prepare" && m.message.order === 1,
  );
  world.submit(0, a, { to: [0] });
  world.settle();
  world.submit(1, b, { to: [0] });
  world.settle();
  const unheard = world.block((m) => m.from === 0 && m.to === 2);
  liar.send([0, 2], { ...wanting, view: 0, suspects: 1 });
  world.block((m) => m.from === 2 && m.message.kind === "request");
  world.submit(2, c, { to: [2] });
  world.play(700);
  assert.deepEqual([world.status(0).view, world.status(2).view], [1, 1]);
  first();
  // R1 starts view 1 with R0 alone, and leads it well: b first, then a.
  const theirs = received(liar, "view-change").find((m) => m.attestation.instance === 2)!;
  const changes = [forge.viewChange(liar, 1), theirs];
  liar.send(0, { kind: "new-view", ...forge.newView(liar, 1, changes) });
  world.settle();
  const { view, base, last, plan } = received(liar, "acknowledgement")[0]!;
  const own = forge.acknowledgement(liar, view, base, last, plan);
  liar.send(0, { kind: "acknowledgement", ...own });
  world.settle();
  const proposals = received(liar, "prepare").filter((m) => m.view === 0 && m.requests.length > 0);
  const batches = [2, 1].map((order) => proposals.find((m) => m.order === order)!.requests);
  batches.forEach((requests, index) => {
    const prepare = forge.prepare(liar, 1, index + 1, [...requests]);
    liar.send(0, { kind: "prepare", ...prepare, requests: [...prepare.requests] });
  });
  world.settle();
  assert.equal(world.status(0).executed, 2);
  // R2 hears only R1, which talks it into leaving for view 2, and then R0.
  liar.send(2, { kind: "view-change", ...changes[0]! });
  for (let round = 0; round < 20; round += 1) {
    liar.send(2, { ...wanting, view: 1, suspects: 2 });
    world.play(100);
  }
  assert.equal(world.status(2).view, 2);
  unheard();
  world.play(1_000);
  assert.equal(world.status(0).view, 1, "R0 stays in view 1");
  assert.equal(world.status(2).executed, 2, "R2 knows what is committed in view 1");
});

rule("a liar does not make the others leap over each other", "certified-view-left-at-once", (p) => {
  const world = stage(p, { liars: [0] });
  const liar = world.liar(0);
  // R1 and R2 leave view 0 apart. R0 gives R1 what it takes to leave view 1 too.
  const apart = wall(world, 1, 2);
  world.submit(0, a);
  liar.send([1, 2], { ...wanting, view: 0, suspects: 1 });
  world.play(700);
  liar.send(1, { kind: "view-change", ...forge.viewChange(liar, 1) });
  liar.send(1, { ...wanting, view: 1, suspects: 2 });
  world.play(2500);
  assert.deepEqual([world.status(1).view, world.status(2).view], [2, 1]);
  apart();
  // From now on R0 makes a quorum of each view change, at once, and shows it to the other.
  for (let round = 0; round < 500; round += 1) {
    const view = liar.context.counter.current(0).view;
    const theirs = received(liar, "view-change").find(({ to }) => to > view);
    if (theirs !== undefined) {
      const viewChanges = [forge.viewChange(liar, theirs.to), theirs];
      const other = 3 - theirs.attestation.instance;
      liar.send(other, { kind: "certificate", viewChanges });
    }
    world.play(1);
  }
  assert.equal(answer(world, 0, 1), "a", "R1 and R2 meet");
});
