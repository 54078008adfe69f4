// `troth simulate`, and the judge of key-value histories that it and the demo share.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { judgeKeyValue } from "../../src/cli/simulate/judge.js";
import { keyValue, type Outcome, writeOutcome } from "../../src/services/index.js";
import type { Call } from "../../src/simulator/index.js";
import { temporaryFolder, troth } from "./harness.js";

const bytes = (text: string) => Buffer.from(text);
const key = bytes("k");

/** A call that took from one time to another; `outcome` null: it was not answered. */
function call(operation: Uint8Array, from: number, to: number, outcome: Outcome | null): Call {
  const result = outcome === null ? null : writeOutcome(outcome);
  const returnedMs = outcome === null ? null : to;
  return { client: 0, operation, invokedMs: from, returnedMs, result };
}

const done = { kind: "done" } as const;
const read = (value: string) => ({ kind: "value", value: bytes(value) }) as const;
const get = keyValue.get(key);

test("a history that one order explains is right", () => {
  const history = [
    call(keyValue.put(key, bytes("1")), 0, 1, done),
    call(keyValue.compareAndSwap(key, bytes("1"), bytes("2")), 2, 5, done),
    call(get, 3, 4, read("1")),
    call(keyValue.add(key, 5n), 6, 7, done),
    call(get, 8, 9, read("7")),
    call(keyValue.append(key, bytes("!")), 10, 11, null),
    call(get, 12, 13, read("7")),
    call(get, 14, 15, read("7!")),
    call(keyValue.delete(key), 16, 17, done),
    call(keyValue.compareAndSwap(key, null, bytes("3")), 18, 19, done),
  ];
  assert.deepEqual(judgeKeyValue(history), { verdict: "ok" });
});

for (const [what, history] of [
  [
    "a lost write",
    [call(keyValue.put(key, bytes("1")), 0, 1, done), call(get, 2, 3, { kind: "absent" })],
  ],
  [
    "a stale read",
    [
      call(keyValue.put(key, bytes("1")), 0, 1, done),
      call(keyValue.put(key, bytes("2")), 2, 3, done),
      call(get, 4, 5, read("1")),
    ],
  ],
  [
    "an addition that counts twice",
    [call(keyValue.add(key, 1n), 0, 1, done), call(get, 2, 3, read("2"))],
  ],
  ["a forged value", [call(get, 0, 1, read("never written"))]],
] as const) {
  test(`${what} is found, with the key`, () => {
    const judged = judgeKeyValue(history);
    assert.ok(judged.verdict === "wrong");
    assert.match(judged.explanation, /^key k: /);
  });
}

test("simulate --json counts seeds and says what they reached", async () => {
  const { code, out } = await troth("simulate", "--seeds", "1..6", "--jobs", "2", "--json");
  const report = JSON.parse(out) as {
    seeds: number;
    violations: { seed: number; property: string; message: string }[];
    reached: Record<string, number>;
    seconds: number;
  };
  assert.equal(report.seeds, 6);
  assert.deepEqual(report.violations, []);
  assert.equal(code, 0);
  assert.ok(Object.values(report.reached).some((count) => count > 0));
  assert.ok(report.seconds > 0);
});

test("--faults confines what goes wrong, --minutes ends the run", async () => {
  const confined = ["--faults", "loss,pauses", "--minutes", "0.005", "--jobs", "1", "--json"];
  const { code, out } = await troth("simulate", ...confined);
  const { seeds, reached } = JSON.parse(out) as {
    seeds: number;
    reached: Record<string, number>;
  };
  assert.equal(code, 0);
  assert.ok(seeds >= 8 && seeds < 500, `${seeds} seeds`);
  assert.ok(reached.lost! > 0 && reached.pause! > 0);
  assert.ok(reached.crash === undefined && reached.liar === undefined);
  const unknown = await troth("simulate", "--faults", "loss,gloom");
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /no fault "gloom".*\n(.*\n)*processes: pauses, crashes/);
});

test("a seed replays to the bit", async () => {
  const run = () => troth("simulate", "--seed", "2", "--trace");
  const [first, second] = await Promise.all([run(), run()]);
  const trace = first.out.split("\n").filter((line) => /^ *\d+\.\d{3} /.test(line));
  assert.ok(trace.length > 100);
  assert.deepEqual(
    trace,
    second.out.split("\n").filter((line) => /^ *\d+\.\d{3} /.test(line)),
  );
});

test("--trace is of one run", async () => {
  const { code, err } = await troth("simulate", "--trace");
  assert.equal(code, 2);
  assert.match(err, /^troth: --trace needs --seed/);
});

test("--plant plants a mistake, says so, and its runs can be had again", async (context) => {
  const folder = temporaryFolder(context);
  const [minimal, page, history] = ["minimal.json", "run.html", "run.jsonl"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const planted = ["simulate", "--plant", "reply-of-one"];
  const found = await troth(...planted, "--seeds", "1..60", "--jobs", "1", "--minimise", minimal);
  assert.equal(found.code, 1);
  assert.match(found.out, /^A mistake is planted, reply-of-one: /);
  const [, seed, property] = /^Seed (\d+) violates (\S+):/m.exec(found.out)!;
  const again = await troth("simulate", "--plan", minimal, "--trace", page);
  assert.equal(again.code, 1);
  assert.match(again.out, /^A mistake is planted, reply-of-one: /);
  assert.ok(again.out.includes(`Seed ${seed} violates ${property}`));
  assert.match(readFileSync(page, "utf8"), /planted mistake/);
  const whole = await troth(...planted, "--seed", seed!, "--history", history, "--trace", page);
  assert.equal(whole.code, 1);
  assert.ok(whole.out.includes(`--plant reply-of-one --service kv --replicas 3 --seed ${seed}`));
  assert.match(readFileSync(history, "utf8"), /"type":"invoke"/);
  const sound = await troth("simulate", "--seed", seed!);
  assert.equal(sound.code, 0, sound.out);
});

test("--plant wants one of the protocol's mutants, and a plan names its own", async () => {
  const unknown = await troth("simulate", "--plant", "nobody");
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /^troth: hybster has no mutant nobody/);
  const both = await troth("simulate", "--plan", "minimal.json", "--plant", "reply-of-one");
  assert.equal(both.code, 2);
  assert.match(both.err, /leave --plant out/);
});
