// Histories as files: what is written is read back the same, and judged by what it says.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { historyLines, readHistory } from "../../src/cli/simulate/history.js";
import { keyValue, type Outcome, writeOutcome } from "../../src/services/index.js";
import type { Call } from "../../src/simulator/index.js";
import { temporaryFolder, troth } from "./harness.js";

const bytes = (text: string) => Buffer.from(text);
const key = bytes("k");

function call(operation: Uint8Array, from: number, to: number, outcome: Outcome | null): Call {
  const result = outcome === null ? null : writeOutcome(outcome);
  return { client: 7, operation, invokedMs: from, returnedMs: result && to, result };
}

const done = { kind: "done" } as const;
const value = (text: string) => ({ kind: "value", value: bytes(text) }) as const;

const calls = [
  call(keyValue.put(key, bytes("1")), 0, 5, done),
  call(keyValue.get(key), 0, 4, value("1")),
  call(keyValue.compareAndSwap(key, null, bytes("2")), 6, 7, value("1")),
  call(keyValue.delete(key), 8, 9, null),
  call(keyValue.add(bytes("n"), -3n), 10, 11, done),
  call(keyValue.range(key), 10, 11, { kind: "entries", entries: [], more: false }),
];

test("every operation has a call and an end, and a process has one outstanding", () => {
  const swap = '"f":"compare-and-swap","key":"k","expected":null,"value":"2"';
  assert.deepEqual(historyLines(calls), [
    '{"time":0,"process":0,"type":"invoke","f":"put","key":"k","value":"1"}',
    '{"time":0,"process":1,"type":"invoke","f":"get","key":"k","value":null}',
    '{"time":4,"process":1,"type":"ok","f":"get","key":"k","value":"1","answer":"=1"}',
    '{"time":5,"process":0,"type":"ok","f":"put","key":"k","value":"1","answer":"done"}',
    `{"time":6,"process":0,"type":"invoke",${swap}}`,
    `{"time":7,"process":0,"type":"fail",${swap},"answer":"=1"}`,
    '{"time":8,"process":0,"type":"invoke","f":"delete","key":"k","value":null}',
    '{"time":10,"process":1,"type":"invoke","f":"add","key":"n","value":"-3"}',
    '{"time":11,"process":1,"type":"ok","f":"add","key":"n","value":"-3","answer":"done"}',
    '{"time":11,"process":0,"type":"info","f":"delete","key":"k","value":null}',
  ]);
});

test("what is written is read back the same", () => {
  const read = readHistory(historyLines(calls).join("\n"));
  assert.deepEqual(
    read.map(({ action, answer, invokedAt, returnedAt }) => [
      action.kind,
      answer,
      invokedAt,
      returnedAt,
    ]),
    [
      ["put", "done", 0, 5],
      ["get", "=1", 0, 4],
      ["compare-and-swap", "=1", 6, 7],
      ["delete", undefined, 8, null],
      ["add", "done", 10, 11],
    ],
  );
});

test("a simulated history is linearizable, and with a lie it is not", async (context) => {
  const file = join(temporaryFolder(context), "history.jsonl");
  assert.equal((await troth("simulate", "--seed", "3", "--history", file)).code, 0);
  const right = await troth("check-history", file);
  assert.match(right.out, /^Linearizable: one order explains all \d+ operations/);
  assert.equal(right.code, 0);

  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace(/"answer":"=[^"]*"/, '"answer":"=nobody wrote this"'));
  const wrong = await troth("check-history", file);
  assert.match(wrong.out, /^Not linearizable: key /);
  assert.equal(wrong.code, 1);
});

for (const [what, line, message] of [
  ["no JSON", "nonsense", /line 1 of the history: it is not JSON/],
  ["no call", '{"time":1,"process":0,"type":"ok","f":"get","key":"k"}', /no operation outstanding/],
  ["an unknown operation", '{"time":1,"process":0,"type":"invoke","f":"x","key":"k"}', /`value`/],
] as const) {
  test(`a file with ${what} is refused`, () => {
    assert.throws(() => readHistory(line), { code: "HISTORY_MALFORMED", message });
  });
}

test("a history is of one run, of a service whose operations can be told", async () => {
  const ranges = await troth("simulate", "--history", "nowhere");
  assert.match(ranges.err, /^troth: --history needs --seed/);
  const opaque = await troth("simulate", "--seed", "1", "--service", "null", "--history", "no");
  assert.match(opaque.err, /^troth: --history needs --service kv/);
  assert.deepEqual([ranges.code, opaque.code], [2, 2]);
});
