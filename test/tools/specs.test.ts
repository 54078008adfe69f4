// The specifications in specs/: as built no invariant is violated, and with a rule left out the
// checker finds what that rule is for. The larger constants: `npm run specs -- --large`.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkSpec } from "../../tools/spec-check.js";
import { specRuns } from "../../tools/spec-runs.js";

describe("specifications", () => {
  for (const run of specRuns.filter(({ large }) => large !== true)) {
    test(`${run.spec}, ${run.variant}`, () => {
      const { violated, steps, states } = checkSpec(run);
      assert.equal(violated, run.expected, steps.join("\n\n"));
      // A specification in which nothing can happen violates nothing.
      assert.ok(violated !== null || states > 100, `${states} states`);
      assert.equal(steps.length > 0, violated !== null);
    });
  }
});

describe("npm run specs", () => {
  const command = fileURLToPath(new URL("../../tools/specs.js", import.meta.url));
  const specs = (...args: readonly string[]) =>
    spawnSync(process.execPath, [command, ...args], { encoding: "utf8" });

  test("prints the table and the counterexample asked for", () => {
    const { status, stdout, stderr } = specs("norecord", "--trace");
    assert.equal(status, 0, stderr);
    assert.match(stdout, /Dester +norecord.* Edges +Edges$/m);
    assert.match(stdout, /commit = .*"free"/);
    assert.match(stdout, /1 runs, as expected/);
  });

  test("says what is wrong with its arguments", () => {
    const { status, stderr } = specs("paxos");
    assert.equal(status, 2);
    assert.match(stderr, /no run's line contains paxos/);
  });
});
