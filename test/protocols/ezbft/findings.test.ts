// What random runs of ezBFT found, as stories.

import assert from "node:assert/strict";
import { test } from "node:test";
import { append, executedAt, kindOf, stage } from "./support.js";

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
