// Values tell the order. Where every value that was seen can have come from one operation only,
// that operation, the reads of the value and the operation that made the next value of it follow
// each other with no other change between them: they are one *block*, and only the order of blocks
// is open. That is no search any more (after Gibbons and Korach's zones).
//
// P. Gibbons, E. Korach, "Testing shared memories", SIAM Journal on Computing 26(4), 1997.

import { orderBlocks } from "./block-order.js";
import { requireSupply } from "./block-supply.js";
import { type Block, blockOf, Contradiction, type Operation } from "./blocks.js";
import { describeOperation, type Shortcut } from "./history.js";
import type { KeyAction, KeyAnswer, KeyState } from "./key-value-model.js";

/** What can be told of the operations on one key by the values in them. */
export function blockShortcut(
  operations: readonly Operation[],
  describe: (action: KeyAction) => string,
): Shortcut<KeyAction, KeyAnswer> {
  try {
    const blocks = new Values(operations).blocks();
    requireSupply(blocks);
    const order = orderBlocks(blocks);
    return order === null ? { kind: "cannot tell" } : { kind: "order", order };
  } catch (ending) {
    if (ending instanceof CannotTell) return { kind: "cannot tell" };
    if (!(ending instanceof Contradiction)) throw ending;
    const named = ending.operations.map((operation) => describeOperation(operation, { describe }));
    return { kind: "impossible", explanation: `${named.join("; ")}: ${ending.message}` };
  }
}

/** Nothing follows from the values: two operations may have written one of them, for example. */
class CannotTell extends Error {}

/** The one state before an operation that changes it, as far as that is known. */
interface Change {
  readonly operation: Operation;
  /** Undefined: it does not depend on it. Null: no value. */
  readonly before: KeyState | undefined;
  readonly after: KeyState;
}

/** The operations on one key, by the values that they saw, wrote and changed. */
class Values {
  readonly #reads = new Map<KeyState, Operation[]>();
  /** Puts, swaps and appends that took effect, or perhaps did. */
  readonly #writes: Operation[] = [];
  readonly #deletes: Operation[] = [];
  /** Puts and swaps, by the value they wrote if they took effect. */
  readonly #writers = new Map<string, Operation[]>();
  /** By what they append. */
  readonly #appends = new Map<string, Operation[]>();
  readonly #appendLengths = new Set<number>();
  /** What is known to have taken effect, by the operation. */
  readonly #changes = new Map<Operation, Change>();
  /** The changes of each value into the next. */
  readonly #next = new Map<KeyState, Change>();

  constructor(operations: readonly Operation[]) {
    for (const operation of operations) this.#sort(operation);
  }

  #sort(operation: Operation): void {
    const { action, answer } = operation;
    if (action.kind === "add") throw new CannotTell();
    if (answer === undefined || answer === "done") {
      if (action.kind === "get") {
        if (answer === "done") throw new CannotTell();
        return;
      }
      if (action.kind === "delete") this.#deletes.push(operation);
      else if (action.kind === "append") {
        if (action.value === "") throw new CannotTell();
        add(this.#appends, action.value, operation);
        this.#appendLengths.add(action.value.length);
      } else add(this.#writers, action.value, operation);
      if (action.kind !== "delete") this.#writes.push(operation);
      return;
    }
    const isFailure = action.kind === "get" || action.kind === "compare-and-swap";
    if (answer === "absent" && (isFailure || action.kind === "delete")) {
      this.#read(null, operation);
    } else if (answer.startsWith("=") && isFailure) this.#read(answer.slice(1), operation);
    else throw new CannotTell();
  }

  #read(seen: KeyState, operation: Operation): void {
    const { action } = operation;
    if (action.kind === "compare-and-swap" && action.expected === seen) {
      throw new Contradiction("it saw what it expected, and did not swap", [operation]);
    }
    add(this.#reads, seen, operation);
  }

  /** The blocks. @throws CannotTell, or Contradiction if no legal order has them all. */
  blocks(): Block[] {
    for (const [value, readers] of this.#reads) if (value !== null) this.#need(value, readers[0]!);
    for (const operation of this.#writes) {
      const { action, answer } = operation;
      if (action.kind !== "compare-and-swap" || answer === undefined) continue;
      this.#change(operation, action.expected, action.value);
    }
    const blocks = [...this.#loose(), ...this.#headed(), ...this.#absences()];
    if (this.#changes.size > 0 || this.#reads.size > 0) {
      // What is left hangs together in a circle: each value was made of the other.
      const [first] = this.#changes.keys();
      if (first === undefined) throw new CannotTell();
      throw new Contradiction("it changed a value that was made from its own", [first]);
    }
    return blocks;
  }

  /** A value was there: finds what wrote it, and what was there before that, and so on. */
  #need(value: string, because: Operation): void {
    for (let seen: KeyState = value, by = because; seen !== null; ) {
      const { writer, before } = this.#writerOf(seen, by);
      if (this.#changes.has(writer)) return;
      this.#note({ operation: writer, before, after: seen });
      if (before === undefined) return;
      seen = before;
      by = writer;
    }
  }

  #change(operation: Operation, before: KeyState, after: string): void {
    if (this.#changes.has(operation)) return;
    this.#note({ operation, before, after });
    if (before !== null) this.#need(before, operation);
  }

  #note(change: Change): void {
    const { operation, before } = change;
    this.#changes.set(operation, change);
    if (before === undefined || (before === null && this.#deletes.length > 0)) return;
    const other = this.#next.get(before);
    if (other !== undefined) {
      const what =
        before === null ? "both found no value, which was so once" : "both found one value";
      throw new Contradiction(`${what}, and changed it`, [other.operation, operation]);
    }
    this.#next.set(before, change);
  }

  /** The only operation that can have written the value, and the state it found. */
  #writerOf(value: string, reader: Operation): { writer: Operation; before: KeyState | undefined } {
    const writers = this.#writers.get(value) ?? [];
    const appenders = [...this.#appendLengths].flatMap((length) =>
      length > value.length ? [] : (this.#appends.get(value.slice(-length)) ?? []),
    );
    if (writers.length + appenders.length > 1) throw new CannotTell();
    const [writer] = writers;
    if (writer !== undefined) {
      const { action } = writer;
      return { writer, before: action.kind === "compare-and-swap" ? action.expected : undefined };
    }
    const [appender] = appenders;
    if (appender === undefined) {
      throw new Contradiction("nobody can have written what it saw", [reader]);
    }
    const { action } = appender;
    if (action.kind !== "append") throw new CannotTell();
    const before = value.slice(0, -action.value.length);
    if (before !== "") return { writer: appender, before };
    if (this.#writers.has("")) throw new CannotTell();
    return { writer: appender, before: null };
  }

  /** Blocks that begin with an operation that makes a value of anything, or of none. */
  #headed(): Block[] {
    const heads = [...this.#changes.values()].filter(
      ({ before }) => before === undefined || (before === null && this.#deletes.length > 0),
    );
    return heads.map((head) =>
      blockOf(head.before === null ? "create" : "write", this.#follow(head)),
    );
  }

  /** A change, and all that follows from it; it is taken out. */
  #follow(head: Change): Operation[] {
    const operations: Operation[] = [];
    for (let change: Change | undefined = head; change !== undefined; ) {
      operations.push(change.operation, ...this.#takeReads(change.after));
      this.#changes.delete(change.operation);
      change = this.#next.get(change.after);
      if (change !== undefined && !this.#changes.has(change.operation)) throw new CannotTell();
    }
    return operations;
  }

  #takeReads(value: KeyState): Operation[] {
    const reads = this.#reads.get(value) ?? [];
    this.#reads.delete(value);
    return reads.sort((a, b) => a.invokedAt - b.invokedAt);
  }

  /** Writes of which nobody saw the value: they may stand in front of any block. */
  #loose(): Block[] {
    return this.#writes.flatMap((operation) => {
      if (this.#changes.has(operation)) return [];
      if (operation.action.kind !== "compare-and-swap") return [blockOf("write", [operation])];
      return operation.action.expected === null ? [blockOf("create", [operation])] : [];
    });
  }

  /** Deletions and what found no value; or, if nothing was ever deleted, the beginning. */
  #absences(): Block[] {
    if (this.#deletes.length > 0) {
      const reads = this.#takeReads(null).map((read) => blockOf("absence", [read]));
      return [...this.#deletes.map((one) => blockOf("delete", [one])), ...reads];
    }
    const first = this.#next.get(null);
    const operations = [
      ...this.#takeReads(null),
      ...(first === undefined ? [] : this.#follow(first)),
    ];
    if (operations.length === 0) return [];
    const kind = first === undefined ? "absence" : "create";
    return [{ ...blockOf(kind, operations), firstReturn: -Infinity }];
  }
}

function add<Key>(map: Map<Key, Operation[]>, key: Key, operation: Operation): void {
  const operations = map.get(key);
  if (operations === undefined) map.set(key, [operation]);
  else operations.push(operation);
}
