// Puts blocks of operations in an order: always the block that must end first, with what it needs.

import { EventQueue } from "../event-queue.js";
import type { HistoryOperation } from "./history.js";
import type { KeyAction, KeyAnswer } from "./key-value-model.js";

type Operation = HistoryOperation<KeyAction, KeyAnswer>;

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

/**
 * All operations in an order that respects time and what blocks need, but for deletions without an
 * answer that were not needed. Null if none was found. That is sure to mean that there is none only
 * where all blocks are writes; otherwise which deletion comes before which block is a guess.
 * @throws Contradiction if time alone forbids every order.
 */
export function orderBlocks(blocks: readonly Block[]): Operation[] | null {
  return new Ordering(blocks).run();
}

class Ordering {
  /** Without those that need not take effect. */
  readonly #byReturn: readonly Block[];
  readonly #byCall: readonly Block[];
  /** How many of `byCall` are ready. */
  #called = 0;
  /** Blocks that may come next, and perhaps did; the one that must end first is first. */
  readonly #ready: Record<BlockKind, EventQueue<Block>> = {
    write: new EventQueue(),
    create: new EventQueue(),
    delete: new EventQueue(),
    absence: new EventQueue(),
  };
  readonly #placed = new Set<Block>();
  readonly #order: Operation[] = [];
  #hasValue = false;
  #isPossible = true;

  constructor(blocks: readonly Block[]) {
    this.#byReturn = blocks
      .filter(({ firstReturn }) => firstReturn < Infinity)
      .sort((a, b) => a.firstReturn - b.firstReturn);
    this.#byCall = blocks.toSorted((a, b) => a.lastCall - b.lastCall);
  }

  run(): Operation[] | null {
    let at = 0;
    let after = 1;
    for (;;) {
      while (this.#isPlaced(at)) at++;
      const first = this.#byReturn[at];
      if (first === undefined) return this.#isPossible ? this.#order : null;
      after = Math.max(after, at + 1);
      while (this.#isPlaced(after)) after++;
      this.#admit(first.firstReturn);
      if (!this.#placed.has(first)) this.#place(mostUrgent(first, this.#byReturn[after]));
    }
  }

  #isPlaced(index: number): boolean {
    const block = this.#byReturn[index];
    return block !== undefined && this.#placed.has(block);
  }

  /** Blocks called before every open block ended may come next. */
  #admit(until: number): void {
    for (;;) {
      const block = this.#byCall[this.#called];
      if (block === undefined || block.lastCall > until) break;
      this.#ready[block.kind].push(block.firstReturn, block);
      this.#called++;
    }
    this.#putAbsences();
  }

  /** Puts the block next, after what brings about the state that it needs. */
  #place(block: Block): void {
    switch (block.kind) {
      case "write":
        // The absence of a value is rare: let it not pass unused.
        if (!this.#hasValue) this.#put(this.#take("create"));
        break;
      case "create":
      case "absence":
        if (this.#hasValue) this.#require(this.#take("delete"));
        break;
      case "delete":
        if (!this.#hasValue) this.#require(this.#take("create") ?? this.#take("write"));
        break;
    }
    if (!this.#placed.has(block)) this.#put(block);
  }

  /** Without it, only contradictions are still looked for. */
  #require(block: Block | null): void {
    if (block === null) this.#isPossible = false;
    this.#put(block);
  }

  #put(block: Block | null): void {
    if (block === null) return;
    this.#placed.add(block);
    for (const operation of block.operations) this.#order.push(operation);
    this.#hasValue = block.kind === "write" || block.kind === "create";
    this.#putAbsences();
  }

  #putAbsences(): void {
    if (this.#hasValue) return;
    for (let block = this.#take("absence"); block !== null; block = this.#take("absence")) {
      this.#placed.add(block);
      for (const operation of block.operations) this.#order.push(operation);
    }
  }

  #take(kind: BlockKind): Block | null {
    for (let next = this.#ready[kind].pop(); next !== null; next = this.#ready[kind].pop()) {
      if (!this.#placed.has(next.event)) return next.event;
    }
    return null;
  }
}

/**
 * Which of the two open blocks that must end first comes first: the other ended before the last
 * operation of the one was called, or it may wait. @throws Contradiction if both must come first.
 */
function mostUrgent(first: Block, second: Block | undefined): Block {
  if (second === undefined || first.lastCall <= second.firstReturn) return first;
  if (second.lastCall <= first.firstReturn) return second;
  const operations = [...endsOf(second), ...endsOf(first)];
  throw new Contradiction("no two values can each come before the other", operations);
}

/** The operations that returned first and that were called last. */
function endsOf({ operations, firstReturn, lastCall }: Block): Operation[] {
  const ends = [
    operations.find(({ returnedAt }) => returnedAt === firstReturn),
    operations.find(({ invokedAt }) => invokedAt === lastCall),
  ];
  return [...new Set(ends.filter((operation) => operation !== undefined))];
}
