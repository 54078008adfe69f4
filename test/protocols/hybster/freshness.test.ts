// Hybster with trusted instances that do not believe their hosts' storage (decision 0008): what a
// counter refuses for want of a lease is late, not lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Freshness } from "../../../src/core/index.js";
import { type LeaseMessage, leased } from "../../../src/parts/index.js";
import { hybster, type HybsterMessage } from "../../../src/protocols/hybster/index.js";
import { type Envelope, type Scenario, scenario } from "../../../src/simulator/index.js";
import { appendService, bytesOf } from "./support.js";

type Message = HybsterMessage | LeaseMessage;
type World = Scenario<Message>;

const a = [bytesOf("a")];
const isLease = ({ message }: Envelope<Message>): boolean => message.kind === "lease";

const stage = (freshness: Freshness): World =>
  scenario({
    protocol: leased(hybster),
    n: 3,
    service: appendService,
    freshness,
    limits: { checkpointOrders: 2 },
  });

const executed = (world: World, replicas = [0, 1, 2]): number[] =>
  replicas.map((id) => world.status(id).executed);

test("a leader proposes, and followers acknowledge, as soon as they have a lease", () => {
  const world = stage("leases");
  const release = world.hold(isLease);
  world.submit(0, a);
  world.submit(1, a);
  world.play(50);
  assert.deepEqual(executed(world), [0, 0, 0]);
  assert.ok(world.inFlight(isLease).length > 0, "they ask");
  release();
  world.play(20);
  const orders = executed(world);
  assert.ok(orders[0]! > 0 && orders.every((order) => order === orders[0]), orders.join());
  assert.equal(world.status(0).operations, 2, "what was refused is not lost");
});

test("a follower without a lease skips no order", () => {
  const world = stage("leases");
  const release = world.hold((m) => isLease(m) && m.from === 0 && m.to === 1);
  const away = world.block((m) => m.from === 2 && m.to === 1);
  for (let i = 0; i < 3; i++) {
    world.submit(0, a);
    world.play(30);
  }
  assert.deepEqual(executed(world, [0, 1]), [3, 0]);
  world.crash(2);
  release();
  away();
  world.submit(0, a);
  world.play(400);
  assert.deepEqual(executed(world, [0, 1]), [4, 4], "R0 and R1 are a quorum");
});

test("a view change that has no lease yet comes later", () => {
  const world = stage("leases");
  world.submit(0, a);
  world.play(30);
  world.crash(0);
  const release = world.hold(isLease);
  world.submit(0, a);
  world.play(2_000);
  assert.deepEqual(
    [1, 2].map((id) => world.status(id).role),
    ["changing view", "changing view"],
  );
  release();
  world.play(2_000);
  assert.deepEqual(executed(world, [1, 2]), [2, 2]);
});

test("a replica that restarts is mute, and votes when a checkpoint passed its lease", () => {
  const world = stage("leases");
  world.submit(0, a);
  world.play(30);
  world.crash(1);
  world.restart(1);
  const release = world.hold(isLease);
  world.play(200);
  assert.equal(world.status(1).role, "mute");
  world.submit(0, a);
  release();
  world.play(400);
  assert.equal(world.status(1).role, "mute", "told where it stood, and below its lease");
  for (let i = 0; i < 8; i++) {
    world.submit(0, a);
    world.play(300);
  }
  assert.deepEqual(executed(world), [10, 10, 10]);
  assert.notEqual(world.status(1).role, "mute");
  world.crash(2);
  world.submit(0, a);
  world.play(1_000);
  assert.deepEqual(executed(world, [0, 1]), [11, 11], "R0 and R1 are a quorum");
});

test("with fail-stop a replica that restarts listens and executes, and votes no more", () => {
  const world = stage("fail-stop");
  world.submit(0, a);
  world.play(30);
  world.crash(1);
  world.restart(1);
  world.submit(0, a);
  world.play(1_000);
  assert.deepEqual(executed(world), [2, 2, 2]);
  assert.equal(world.status(1).role, "mute");
  world.crash(2);
  world.submit(0, a);
  world.play(3_000);
  assert.deepEqual(executed(world, [0, 1]), [2, 2]);
});
