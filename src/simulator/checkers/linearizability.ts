// Is a concurrent history linearizable?

import type { HistoryOperation, SequentialModel, Verdict } from "./history.js";
import { type Budget, Search } from "./search.js";
import { claimedOrder, isLegalOrder } from "./witness.js";

/** Some seconds, and some hundred megabytes. */
const defaultSteps = 2_000_000;

/**
 * Whether all operations can be put in one order that respects time (what ended before another
 * began comes first) and gives every answer that was given. Keys are independent, and checked one
 * by one; that is exact (linearizability is local).
 *
 * Three ways, the cheapest first: the order that the operations' positions claim; what the model
 * knows of its own structure; a search, which is given up after so many steps in all. No way says
 * "ok" but for a legal order, or "wrong" but for a proof that there is none.
 */
export function checkLinearizability<Action, Answer, State>(
  history: Iterable<HistoryOperation<Action, Answer>>,
  model: SequentialModel<Action, Answer, State>,
  steps: number = defaultSteps,
): Verdict {
  const budget: Budget = { steps };
  let verdict: Verdict = { verdict: "ok" };
  for (const [key, operations] of byKey(history)) {
    const ofKey = judgeKey(operations, model, budget);
    if (ofKey.verdict === "ok") continue;
    verdict = { ...ofKey, explanation: `key ${key}: ${ofKey.explanation}` };
    if (verdict.verdict === "wrong") break;
  }
  return verdict;
}

function judgeKey<Action, Answer, State>(
  operations: readonly HistoryOperation<Action, Answer>[],
  model: SequentialModel<Action, Answer, State>,
  budget: Budget,
): Verdict {
  const claimed = claimedOrder(operations);
  if (claimed !== null && isLegalOrder(claimed, operations, model)) return { verdict: "ok" };
  const shortcut = model.shortcut?.(operations) ?? { kind: "cannot tell" };
  if (shortcut.kind === "impossible") {
    return { verdict: "wrong", explanation: shortcut.explanation };
  }
  if (shortcut.kind === "order" && isLegalOrder(shortcut.order, operations, model)) {
    return { verdict: "ok" };
  }
  const search = new Search(operations, model, budget).run();
  switch (search.found) {
    case "order":
      return { verdict: "ok" };
    case "none":
      return { verdict: "wrong", explanation: search.explanation };
    case "budget spent": {
      const explanation = `too many of its ${operations.length} operations overlap to decide`;
      return { verdict: "undecided", explanation };
    }
  }
}

function byKey<Action, Answer>(
  history: Iterable<HistoryOperation<Action, Answer>>,
): ReadonlyMap<string, readonly HistoryOperation<Action, Answer>[]> {
  const keys = new Map<string, HistoryOperation<Action, Answer>[]>();
  for (const operation of history) {
    const operations = keys.get(operation.key);
    if (operations === undefined) keys.set(operation.key, [operation]);
    else operations.push(operation);
  }
  return keys;
}
