// Mistakes that show only when several things come together: a liar and a crash, a wall that falls
// at the wrong moment, a view change that fails and another one after it.

import assert from "node:assert/strict";
import {
  answer,
  bytesOf,
  disagree,
  forge,
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

/** The liar acknowledges every proposal that it got and did not acknowledge yet. */
function acknowledgeAll(liar: Liar, to: number): void {
  for (const prepare of received(liar, "prepare")) {
    const { view, order } = prepare;
    const { counter } = liar.context;
    const at = counter.current(0);
    if (view < at.view || (view === at.view && order <= at.order)) continue;
    liar.send(to, { kind: "commit", ...forge.commit(liar, prepare) });
  }
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

/** The liar proves to one replica the checkpoint that another stated, and keeps it from all else. */
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
