// How many message delays it takes from a request to its accepted answer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fab, fabFast } from "../../../src/protocols/fab/index.js";
import { bytesOf } from "../hybster/support.js";
import { answer, type FabProtocol, stage } from "./support.js";

/** Delays until the answer, where every message takes a millisecond; some replicas are silent. */
function delays(protocol: FabProtocol, n: number, silent: readonly number[]): number {
  const world = stage(protocol, { n, liars: silent, timing: { fastPathMs: 1 } });
  world.submit(0, [bytesOf("x")], { to: [0] });
  const start = world.now;
  while (answer(world, 0, 1) === null && world.now - start < 20) world.play(1);
  return world.now - start;
}

test("four delays on the fast path", () => {
  assert.equal(delays(fab, 4, []), 4);
  assert.equal(delays(fabFast, 6, []), 4);
});

test("with f replicas silent: as fast with 5f+1, two delays more at most with 3f+1", () => {
  assert.equal(delays(fabFast, 6, [5]), 4);
  const slow = delays(fab, 4, [3]);
  assert.ok(slow > 4 && slow <= 6, `${slow} delays`);
});
