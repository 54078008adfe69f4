// Judges a history of calls of the key-value service: is there one order that explains every
// answer?

import { InvariantError } from "../../core/index.js";
import { type Outcome, readOutcome, readRequest, type Request } from "../../services/index.js";
import {
  type Call,
  checkLinearizability,
  type HistoryOperation,
  type KeyAction,
  type KeyAnswer,
  keyValueModel,
  type Verdict,
} from "../../simulator/index.js";

/** An operation of the key-value service as its history has it. */
export type KeyOperation = HistoryOperation<KeyAction, KeyAnswer>;

/** Whether one order of the calls explains their answers. Ranges are not judged. */
export function judgeKeyValue(history: readonly Call[]): Verdict {
  const operations = history.flatMap((call) => operationOf(call) ?? []);
  return checkLinearizability(operations, keyValueModel);
}

/** Null for what is not an operation on one key. */
export function operationOf(call: Call): KeyOperation | null {
  const { client, operation, invokedMs, returnedMs, result, position } = call;
  const request = readRequest(operation);
  const action = request === null ? null : actionOf(request);
  if (request === null || request.kind === "range" || action === null) return null;
  const outcome = result === null ? null : readOutcome(result);
  return {
    process: client,
    key: textOf(request.key),
    action,
    answer: outcome === null ? undefined : answerOf(outcome),
    invokedAt: invokedMs,
    returnedAt: returnedMs,
    position,
  };
}

function actionOf(request: Request): KeyAction | null {
  switch (request.kind) {
    case "get":
    case "delete":
      return { kind: request.kind };
    case "put":
    case "append":
      return { kind: request.kind, value: textOf(request.value) };
    case "create":
      return { kind: "compare-and-swap", expected: null, value: textOf(request.value) };
    case "swap": {
      const [expected, value] = [textOf(request.expected), textOf(request.value)];
      return { kind: "compare-and-swap", expected, value };
    }
    case "add":
      return { kind: "add", amount: BigInt(textOf(request.amount)) };
    case "range":
      return null;
  }
}

function answerOf(outcome: Outcome): KeyAnswer {
  if (outcome.kind === "value") return `=${textOf(outcome.value)}`;
  if (outcome.kind === "entries" || outcome.kind === "malformed") {
    throw new InvariantError(`an operation on one key was answered with ${outcome.kind}`);
  }
  return outcome.kind;
}

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
