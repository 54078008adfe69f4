// One seed is one run, step by step: again in this process, in others with other environments, and
// in threads. Where two differ, the first step that does is named.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { firstDifference } from "../../src/simulator/index.js";
import { fingerprintsOf, seeds } from "./fingerprints.js";

const script = new URL("fingerprints.js", import.meta.url);
const expected = seeds.map(fingerprintsOf);

function sameAsHere(runs: readonly (readonly string[])[]): void {
  assert.equal(runs.length, seeds.length);
  for (const [index, seed] of seeds.entries()) {
    const difference = firstDifference(expected[index]!, runs[index]!);
    if (difference === null) continue;
    const { step, first, second } = difference;
    assert.fail(`seed ${seed} differs from step ${step} on: ${first} here, ${second} there`);
  }
}

test("the first difference of two runs is named", () => {
  assert.equal(firstDifference(["a", "b"], ["a", "b"]), null);
  assert.deepEqual(firstDifference(["a", "b", "c"], ["a", "x", "y"]), {
    step: 2,
    first: "b",
    second: "x",
  });
  assert.deepEqual(firstDifference(["a"], ["a", "b"]), { step: 2, first: null, second: "b" });
});

test("every step tells: runs are long, and all their fingerprints differ", () => {
  for (const steps of expected) {
    assert.ok(steps.length > 200);
    assert.equal(new Set(steps).size, steps.length);
  }
});

test("again in this process", () => sameAsHere(seeds.map(fingerprintsOf)));

const elsewhere = [
  {
    options: ["--random-seed=1", "--hash-seed=1"],
    env: { TZ: "Pacific/Kiritimati", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" },
  },
  {
    options: ["--random-seed=2", "--hash-seed=2", "--max-lazy", "--no-opt"],
    env: { TZ: "America/St_Johns", LANG: "C", NODE_OPTIONS: "--max-old-space-size=512" },
  },
] as const;

for (const { options, env } of elsewhere) {
  test(`in a process with ${options.join(" ")}, ${Object.values(env).join(", ")}`, async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...options, fileURLToPath(script), "print"],
      { cwd: tmpdir(), env: { ...env, PATH: process.env["PATH"] }, maxBuffer: 1 << 28 },
    );
    sameAsHere(JSON.parse(stdout) as string[][]);
  });
}

test("in two threads at once", async () => {
  const workers = [new Worker(script), new Worker(script)];
  const results = await Promise.all(workers.map((worker) => once(worker, "message")));
  for (const [runs] of results) sameAsHere(runs as string[][]);
  await Promise.all(workers.map((worker) => worker.terminate()));
});
