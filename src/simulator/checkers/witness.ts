// An order of operations is itself the proof that a history is linearizable; checking one is easy.

import type { HistoryOperation, SequentialModel } from "./history.js";

/**
 * The order that the operations' positions claim, without those that are said never to have taken
 * effect; null if an answered operation has no position. Equal positions: as they stand.
 */
export function claimedOrder<Action, Answer>(
  operations: readonly HistoryOperation<Action, Answer>[],
): readonly HistoryOperation<Action, Answer>[] | null {
  const placed = operations.filter(({ position }) => position !== undefined);
  if (operations.some((one) => one.answer !== undefined && one.position === undefined)) return null;
  return placed.sort((a, b) => a.position! - b.position!);
}

/**
 * Whether the order is a legal one of the operations: every operation that was answered is in it,
 * none is in it twice, none comes after one that began when it had ended, and the model gives every
 * answer. Believes nothing: what it accepts is linearizable.
 */
export function isLegalOrder<Action, Answer, State>(
  order: readonly HistoryOperation<Action, Answer>[],
  operations: readonly HistoryOperation<Action, Answer>[],
  model: SequentialModel<Action, Answer, State>,
): boolean {
  const unplaced = new Set(operations);
  let state = model.initial;
  let latestCall = Number.NEGATIVE_INFINITY;
  for (const operation of order) {
    const { action, answer, invokedAt, returnedAt } = operation;
    if (!unplaced.delete(operation)) return false;
    if (returnedAt !== null && returnedAt < latestCall) return false;
    latestCall = Math.max(latestCall, invokedAt);
    const next = model.step(state, action);
    if (answer !== undefined && next.answer !== answer) return false;
    state = next.state;
  }
  for (const { answer } of unplaced) if (answer !== undefined) return false;
  return true;
}
