// A crash after any effect of any phase, of one replica or of all: nothing is contradicted, and
// everything is answered.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pbft } from "../../../src/protocols/pbft/index.js";
import { answer, bytesOf, isConsistent, stage, type World } from "./support.js";

const operation = [bytesOf("a")];
const limits = { checkpointOrders: 2, batchRequestsMax: 1 };

function restart(world: World, victims: readonly number[]): void {
  for (const victim of victims) {
    world.crash(victim);
    world.restart(victim);
  }
}

/** Clients ask again, the last first, until they are answered; nothing was decided twice. */
function endsWell(world: World, clients: readonly number[], what: string): void {
  const isAnswered = (client: number) => answer(world, client, 1) !== null;
  for (let round = 0; round < 20; round += 1) {
    for (const client of clients.toReversed()) world.submit(client, operation, { number: 1 });
    world.play(400);
    if (clients.every(isAnswered) && round > 0) break;
  }
  for (const client of clients) assert.ok(isAnswered(client), `${what}: client ${client}`);
  assert.ok(isConsistent(world), `${what}: one batch for each order`);
}

for (const [who, victims] of [
  ["a backup", [1]],
  ["the leader", [0]],
  ["everybody", [0, 1, 2, 3]],
] as const) {
  test(`${who} crashes in any phase`, () => {
    for (let effects = 0; effects < 36; effects += 1) {
      const world = stage(pbft, { limits });
      for (const victim of victims) world.crashAfter(victim, effects);
      for (const client of [0, 1, 2]) {
        world.submit(client, operation);
        world.play(6);
      }
      restart(world, victims);
      endsWell(world, [0, 1, 2], `after ${effects} effects`);
    }
  });
}

for (const back of [
  [0, 1, 2, 3],
  [1, 2, 3],
]) {
  test(`the power fails at any time, and ${back.length} replicas come back`, () => {
    for (let ms = 1; ms < 24; ms += 1) {
      const world = stage(pbft, { limits });
      for (const client of [0, 1, 2, 3]) world.submit(client, operation);
      world.play(ms);
      for (const replica of [0, 1, 2, 3]) world.crash(replica);
      for (const replica of back) world.restart(replica);
      world.drop(() => true);
      endsWell(world, [0, 1, 2, 3], `after ${ms} ms`);
    }
  });
}

test("the next leader, or everybody that is left, crashes in a view change", () => {
  for (let effects = 0; effects < 24; effects += 1) {
    for (const victims of [[1], [1, 2, 3]]) {
      const world = stage(pbft, { limits });
      world.block(({ message }) => message.kind === "commit" && message.view === 0);
      for (const client of [0, 1]) world.submit(client, operation);
      world.play(30);
      world.crash(0);
      for (const victim of victims) world.crashAfter(victim, effects);
      world.play(700);
      restart(world, victims);
      world.restart(0);
      endsWell(world, [0, 1], `after ${effects} effects of ${victims.join(" ")}`);
    }
  }
});
