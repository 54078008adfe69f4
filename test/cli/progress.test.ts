// The progress line of `troth simulate`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { progressText } from "../../src/cli/simulate/progress.js";

const progress = {
  seeds: 12_345,
  elapsedMs: 250_000,
  virtualMs: 33_000_000,
  leftMs: 360_000,
  reached: { "view established": 23_456, "transfer finished": 950, restart: 1_600_000 },
};

test("it tells the most important first, and no more than fits", () => {
  const line = progressText(progress, 200);
  const start = "12k seeds, 49/s, simulated 9.2 h (132×), 6 min left, 23k views, 950 transfers, ";
  assert.ok(line.startsWith(`${start}1.6M restarts`), line);
  assert.equal(progressText(progress, 79), start.slice(0, -2));
  assert.equal(progressText({ ...progress, leftMs: null }, 40).includes("left"), false);
});
