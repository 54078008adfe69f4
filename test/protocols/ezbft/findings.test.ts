// What random runs of ezBFT found, as stories.

import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultTiming, type ReplicaStatus } from "../../../src/core/index.js";
import { append, executedAt, isBarrier, kindOf, put, stage } from "./support.js";

test("a decision that came before its batch is executed again after a restart", () => {
  const world = stage();
  const release = world.block(({ message, to }) => message.kind === "spec-order" && to === 3);
  const hush = world.block(kindOf("fetch-order"));
  world.submit(1, [append("k", "a")], { to: [0] });
  world.settle();
  world.elapse(0);
  world.settle();
  assert.equal(executedAt(world, 3).get("0.1"), 1, "it fetched the batch");
  release();
  hush();
  world.crash(3);
  world.restart(3);
  assert.equal(world.status(3).executed, 1);
  assert.equal(world.status(3).frontier, world.status(0).frontier);
});

test("of two barriers that name each other the first is the checkpoint, the other nothing", () => {
  const world = stage({ limits: { checkpointOrders: 2 } });
  const { patienceMs } = defaultTiming;
  const held = (owner: number, ...to: number[]) =>
    world.hold((one) => isBarrier(one.message) && one.from === owner && to.includes(+one.to));
  const [release0, release1, release1to2] = [held(0, 1, 2, 3), held(1, 0, 3), held(1, 2)];
  for (const client of [1, 2]) world.submit(client, [put(`k${client}`, "v")], { to: [client] });
  // Replica 0's turn; then, since nobody heard of that, replica 1's.
  world.play(1.5 * patienceMs);
  for (const release of [release1to2, release0, release1]) {
    release();
    world.settle();
  }
  // Both are in the frontier of that checkpoint: who comes back to it will execute neither.
  const orders = world.observations(3).filter(({ event }) => event === "checkpoint");
  assert.equal(orders.length, 1);
  assert.equal(world.status(3).stable, 3);
  world.crash(3);
  world.restart(3);
  world.play(200);
  const { executed, stable, frontier } = world.status(3);
  assert.deepEqual({ executed, stable, frontier }, pick(world.status(0)));
});

test("a batch that a new owner's plan names is asked for until it comes", () => {
  const world = stage();
  const release = world.block(({ message, to }) => message.kind === "spec-order" && to === 3);
  const deaf = world.block(({ message, from }) => message.kind === "fetch-batch" && from === 3);
  const held = world.block(({ message }) => message.kind === "propose");
  world.submit(1, [append("k", "a")], { to: [0] });
  world.settle();
  world.elapse(0);
  world.settle();
  world.block(({ from, to }) => from === 0 || to === 0);
  world.play(2 * defaultTiming.patienceMs);
  // It knows the plan by now, and is told no more of it.
  world.block(({ message, to }) => message.kind === "new-view" && to === 3);
  for (const allow of [release, held, deaf]) allow();
  world.play(defaultTiming.patienceMs);
  assert.equal(executedAt(world, 3).get("0.1"), 1);
});

test("a new owner that is down is passed over, though nobody waits for its space", () => {
  const world = stage();
  world.crash(2);
  const release = world.hold(kindOf("commit"));
  const found = world.block(kindOf("new-view"));
  world.submit(1, [append("k", "a")], { to: [0] });
  const changesTo = (view: number): boolean =>
    world.observations(0).some((event) => event.event === "view" && event.view === view);
  while (!changesTo(2)) world.play(100);
  // What they waited for is decided now, and the next owner is replica 2.
  release();
  world.play(100);
  assert.equal(executedAt(world, 0).get("0.1"), 1);
  found();
  world.play(20 * defaultTiming.patienceMs);
  assert.equal(world.status(0).role, "leader");
});

test("who asks again and again is told once, until time passes", () => {
  const world = stage({ liars: [3] });
  const liar = world.liar(3);
  world.submit(1, [append("k", "a")], { to: [0] });
  world.settle();
  world.elapse(0);
  world.settle();
  for (let count = 0; count < 50; count += 1) {
    liar.send(1, { kind: "fetch-order", space: 0, slot: 1 });
  }
  world.deliver(({ to }) => to === 1);
  const told = world.inFlight(({ message, to }) => message.kind === "spec-order" && to === 3);
  assert.equal(told.length, 1);
});

test("an owner that left its own view is followed, though nobody else waits", () => {
  const world = stage({ liars: [3] });
  world.block(({ message, from }) => message.kind === "spec-order" && from === 1);
  world.submit(1, [append("k", "a")], { to: [1] });
  world.settle();
  const spaces = [0, 1, 2, 3].map((space) => {
    return { view: 0, entered: 0, suspects: space === 1 ? 1 : 0, decided: 0 };
  });
  world.liar(3).send(1, { kind: "status", stable: 0, spaces });
  world.play(20 * defaultTiming.patienceMs);
  assert.equal(executedAt(world, 0).get("1.1"), 0, "what only its owner knew is empty");
  assert.equal(world.status(1).role, "leader");
});

const pick = ({ executed, stable, frontier }: ReplicaStatus) => ({ executed, stable, frontier });
