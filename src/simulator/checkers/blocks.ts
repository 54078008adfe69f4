// Blocks: operations on one key that follow each other with no other change between them.

import type { HistoryOperation } from "./history.js";
import type { KeyAction, KeyAnswer } from "./key-value-model.js";

export type Operation = HistoryOperation<KeyAction, KeyAnswer>;

/** Operations that follow each other in every legal order. */
export interface Block {
  readonly kind: BlockKind;
  /** In their order. */
  readonly operations: readonly Operation[];
  /** The earliest return: every operation called later comes after the block. */
  readonly firstReturn: number;
  /** The latest call: every operation that returned earlier comes before the block. */
  readonly lastCall: number;
}

export type BlockKind =
  /** Begins in any state, and leaves a value. */
  | "write"
  /** Begins without a value, and leaves one. */
  | "create"
  /** Begins with a value, and leaves none. */
  | "delete"
  /** Begins without a value, and leaves none. */
  | "absence";

/** No legal order has these operations. */
export class Contradiction extends Error {
  readonly operations: readonly Operation[];

  constructor(message: string, operations: readonly Operation[]) {
    super(message);
    this.operations = operations;
  }
}

/** @throws Contradiction if its operations cannot follow each other. */
export function blockOf(kind: BlockKind, operations: readonly Operation[]): Block {
  let firstReturn = Infinity;
  let latest = operations[0]!;
  for (const operation of operations) {
    const returnedAt = operation.returnedAt ?? Infinity;
    if (returnedAt < latest.invokedAt) {
      throw new Contradiction("by the values the first came before the second", [
        latest,
        operation,
      ]);
    }
    if (operation.invokedAt > latest.invokedAt) latest = operation;
    firstReturn = Math.min(firstReturn, returnedAt);
  }
  return { kind, operations, firstReturn, lastCall: latest.invokedAt };
}
