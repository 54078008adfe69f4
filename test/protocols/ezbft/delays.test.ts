// How many message delays it takes from a request to its answer (thesis table 3.1: three, and two
// more on the slow path, by the printed rules; see the protocol's README).

import assert from "node:assert/strict";
import { test } from "node:test";
import { append, put, stage, type World } from "./support.js";

/** All replicas gave one answer before it is decided, or f+1 one that is. */
function isAnswered(world: World, client: number, number: number): boolean {
  const replies = world.replies(client).filter(({ reply }) => reply.number === number);
  const early = replies.filter(({ reply }) => reply.isTentative === true);
  const final = replies.length - early.length;
  return new Set(early.map(({ from }) => from)).size === world.n || final > world.f;
}

/** One delay: what is on its way arrives, and what follows from it leaves. */
function step(world: World): void {
  world.deliver();
  world.elapse(0);
}

function delays(world: World, client: number, number = 1): number {
  for (let count = 0; count < 16; count += 1) {
    if (isAnswered(world, client, number)) return count;
    step(world);
  }
  return Infinity;
}

const quiet = (liars: readonly number[] = []): World => {
  const world = stage({ liars });
  world.drop(() => true);
  return world;
};

test("three where nothing interferes and nobody fails", () => {
  const world = quiet();
  world.submit(0, [put("k", "v")], { to: [0] });
  assert.equal(delays(world, 0), 3);
});

test("seven with a silent replica: nobody waits to find that out", () => {
  const world = quiet([3]);
  world.submit(0, [put("k", "v")], { to: [0] });
  assert.equal(delays(world, 0), 7);
});

test("seven at most for what interferes, asked for at the same time", () => {
  const world = quiet();
  for (const client of [0, 1, 2, 3]) world.submit(client, [append("k", "v")], { to: [client] });
  for (let count = 0; count < 7; count += 1) step(world);
  for (const client of [0, 1, 2, 3]) assert.ok(isAnswered(world, client, 1), `client ${client}`);
});

test("what comes after something that is all but decided waits for that, and no longer", () => {
  const world = quiet();
  world.submit(0, [append("k", "a")], { to: [0] });
  assert.equal(delays(world, 0), 3);
  world.submit(1, [append("k", "b")], { to: [1] });
  assert.equal(delays(world, 1), 4);
});
