// Histories of key-value operations as lines of JSON, for other people's checkers and for ours;
// docs/histories.md describes the format.

import { UsageError } from "../../core/index.js";
import type { Call, KeyAction, KeyAnswer } from "../../simulator/index.js";
import { type KeyOperation, operationOf } from "./judge.js";

/** One line of a history. */
interface Line {
  readonly time: number;
  readonly process: number;
  readonly type: "invoke" | "ok" | "fail" | "info";
  readonly f: KeyAction["kind"];
  readonly key: string;
  /** What is written, or, in the last line of a get, what was read; null: no value. */
  readonly value: string | null;
  /** Of a compare-and-swap; null: no value. */
  readonly expected?: string | null;
  /** In the last line: the answer. */
  readonly answer?: KeyAnswer;
}

/** The operations on one key among the calls, as lines by their time. */
export function historyLines(calls: readonly Call[]): string[] {
  const operations = calls.flatMap((call) => operationOf(call) ?? []);
  const lines = onProcesses(operations).flatMap((operation): Line[] => {
    const { process, key, action, answer, invokedAt, returnedAt } = operation;
    const what = { f: action.kind, key };
    const argument = argumentOf(action);
    const invoke: Line = { time: invokedAt, process, type: "invoke", ...what, ...argument };
    if (answer === undefined || returnedAt === null) {
      return [invoke, { time: Infinity, process, type: "info", ...what, ...argument }];
    }
    const read = action.kind === "get" ? { value: valueIn(answer) } : {};
    const type = isRefusal(action, answer) ? "fail" : "ok";
    return [invoke, { time: returnedAt, process, type, ...what, ...argument, ...read, answer }];
  });
  // Calls before returns of the same time: they overlap. What has no answer has it at the end.
  const rank = ({ type }: Line): number => (type === "invoke" ? 0 : 1);
  lines.sort((a, b) => (a.time === b.time ? rank(a) - rank(b) : a.time - b.time));
  const end = lines.findLast(({ time }) => time < Infinity)?.time ?? 0;
  return lines.map((line) => JSON.stringify({ ...line, time: Math.min(line.time, end) }));
}

/** Carried out, and without effect: the comparison failed, or the value was not fit for it. */
const isRefusal = ({ kind }: KeyAction, answer: KeyAnswer): boolean =>
  answer !== "done" && kind !== "get" && kind !== "delete";

const valueIn = (answer: KeyAnswer): string | null =>
  answer.startsWith("=") ? answer.slice(1) : null;

function argumentOf(action: KeyAction): Pick<Line, "value" | "expected"> {
  switch (action.kind) {
    case "get":
    case "delete":
      return { value: null };
    case "put":
    case "append":
      return { value: action.value };
    case "compare-and-swap":
      return { expected: action.expected, value: action.value };
    case "add":
      return { value: String(action.amount) };
  }
}

/**
 * The operations by their calls, each by a process that has no other outstanding: a client that has
 * several, or goes on after one that was never answered, is several processes.
 */
function onProcesses(operations: readonly KeyOperation[]): KeyOperation[] {
  /** Of each client: its processes, with the time from which they are free. */
  const ofClient = new Map<number, { readonly process: number; freeAfter: number }[]>();
  let count = 0;
  return operations
    .toSorted((a, b) => a.invokedAt - b.invokedAt)
    .map((operation) => {
      const processes = ofClient.get(operation.process) ?? [];
      ofClient.set(operation.process, processes);
      let one = processes.find(({ freeAfter }) => freeAfter < operation.invokedAt);
      if (one === undefined) processes.push((one = { process: count++, freeAfter: 0 }));
      one.freeAfter = operation.returnedAt ?? Infinity;
      return { ...operation, process: one.process };
    });
}

/** The operations of a history in that format. @throws UsageError `HISTORY_MALFORMED` */
export function readHistory(text: string): KeyOperation[] {
  const operations: KeyOperation[] = [];
  /** By process: where its open operation stands. */
  const open = new Map<number, number>();
  for (const [index, json] of text.split("\n").entries()) {
    if (json.trim() === "") continue;
    const line = readLine(json, index + 1);
    const at = open.get(line.process);
    if (line.type === "invoke") {
      if (at !== undefined) throw malformed(index + 1, "the process has an operation outstanding");
      open.set(line.process, operations.length);
      const { process, key, time: invokedAt } = line;
      const action = actionOf(line, index + 1);
      operations.push({ process, key, action, answer: undefined, invokedAt, returnedAt: null });
      continue;
    }
    if (at === undefined) throw malformed(index + 1, "the process has no operation outstanding");
    if (line.type === "info") continue; // the process is not free again
    const { answer, time: returnedAt } = line;
    if (answer === undefined) throw malformed(index + 1, "an answered operation needs `answer`");
    operations[at] = { ...operations[at]!, answer, returnedAt };
    open.delete(line.process);
  }
  return operations;
}

const malformed = (line: number, why: string): UsageError =>
  new UsageError("HISTORY_MALFORMED", `line ${line} of the history: ${why}; see docs/histories.md`);

function readLine(json: string, number: number): Line {
  let line: Partial<Record<keyof Line, unknown>> | null;
  try {
    line = JSON.parse(json);
  } catch {
    throw malformed(number, "it is not JSON");
  }
  const { time, process, type, key, answer } = line ?? {};
  if (typeof time !== "number" || typeof process !== "number" || typeof key !== "string") {
    throw malformed(number, "it needs the numbers `time` and `process` and the text `key`");
  }
  if (type !== "invoke" && type !== "ok" && type !== "fail" && type !== "info") {
    throw malformed(number, "`type` is invoke, ok, fail or info");
  }
  if (answer !== undefined && !isAnswer(answer)) {
    throw malformed(number, '`answer` is "=" and a value, done, absent, not-a-counter or too-long');
  }
  return line as Line;
}

const isAnswer = (answer: unknown): answer is KeyAnswer =>
  typeof answer === "string" && /^(?:=[^]*|done|absent|not-a-counter|too-long)$/.test(answer);

function actionOf({ f, value, expected }: Line, number: number): KeyAction {
  if (f === "get" || f === "delete") return { kind: f };
  if (typeof value !== "string") throw malformed(number, "`value` is a text");
  if (f === "put" || f === "append") return { kind: f, value };
  if (f === "add" && /^-?[0-9]{1,19}$/.test(value)) return { kind: f, amount: BigInt(value) };
  if (f === "compare-and-swap" && (expected === null || typeof expected === "string")) {
    return { kind: f, expected, value };
  }
  throw malformed(number, "`f` is none of the operations, or its `value` or `expected` is wrong");
}
