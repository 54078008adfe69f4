// `troth explore`, as a person runs it.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder, troth } from "./harness.js";

const example = (name: string): string =>
  fileURLToPath(new URL(`../../../examples/explore/${name}.json`, import.meta.url));

function configuration(context: TestContext, content: unknown): string {
  const path = join(temporaryFolder(context), "small.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

test("an example is explored to its end, with what it must reach", async () => {
  const { code, out } = await troth("explore", "--config", example("crash"), "--json");
  const report = JSON.parse(out) as {
    complete: boolean;
    violation: unknown;
    states: number;
    statesPerSecond: number;
    missed: string[];
    reached: Record<string, number>;
  };
  assert.equal(code, 0);
  assert.ok(report.complete && report.states > 100 && report.statesPerSecond > 0);
  assert.deepEqual([report.violation, report.missed], [null, []]);
  assert.ok(report.reached["a replica crashed and restarted"]! > 0);
});

test("an end that never comes is a violation, with the steps that lead there", async (context) => {
  // with no time to go on, nothing is answered from the first states
  const config = configuration(context, {
    replicas: 3,
    requests: [{ operation: "put a 1" }],
    bounds: { rounds: 1, depth: 1 },
    faults: { crashes: { replicas: [0], times: 1 } },
    timing: { patienceMs: 100000, patienceMsMax: 100000 },
    service: "null",
  });
  const trace = join(temporaryFolder(context), "trace.txt");
  const { code, out } = await troth("explore", "--config", config, "--trace", trace);
  assert.equal(code, 1);
  assert.match(out, /^Violated: eventually answered: with all messages under way lost/);
  assert.match(readFileSync(trace, "utf8"), /\n1\. replica \d [^\n]+\n {5}/);
});

test("the clock ends a search, which says so and tries what it has seen", async (context) => {
  const config = configuration(context, {
    replicas: 3,
    service: "null",
    requests: [{ operation: "x" }],
    timers: { patience: [0, 1, 1] },
    bounds: { seconds: 0.2, continuations: 3 },
  });
  const { code, out } = await troth("explore", "--config", config);
  assert.equal(code, 0);
  assert.match(out, /which is not all: the clock\./);
  assert.match(out, /Answered in the end: tried [1-9]/);
});

test("what can never be reached is said, and fails", async (context) => {
  const config = configuration(context, {
    replicas: 3,
    requests: [{ operation: "get a" }],
    properties: { sometimes: ["view 7 established"] },
  });
  const { code, out } = await troth("explore", "--config", config);
  assert.equal(code, 1);
  assert.match(out, /Never reached: view 7 established/);
});

for (const [what, content, complaint] of [
  ["an unknown key", { replicas: 3, requests: [{ operation: "get a" }], replica: 1 }, /"replica"/],
  ["an unknown operation", { replicas: 3, requests: [{ operation: "fly" }] }, /"fly" is no/],
  ["no JSON", "{", /not a configuration to explore/],
  [
    "a replica that is not there",
    { replicas: 3, requests: [{ operation: "get a" }], faults: { twins: 3 } },
    /there is no replica 3/,
  ],
] as const) {
  test(`${what} is refused in one line`, async (context) => {
    const { code, err } = await troth("explore", "--config", configuration(context, content));
    assert.equal(code, 2);
    assert.match(err, complaint);
    assert.equal(err.trim().split("\n").length, 1);
  });
}
