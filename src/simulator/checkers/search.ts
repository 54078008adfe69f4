// Wing and Gong's search for a legal order, as Lowe made it fast: a linked list of calls and
// returns, and a memory of the configurations that were tried.
//
// G. Lowe, "Testing for linearizability", Concurrency and Computation 29(4), 2017.

import { assert } from "../../core/index.js";
import { describeOperation, type HistoryOperation, type SequentialModel } from "./history.js";

/** What may be spent on searching; shared by the keys of a history. */
export interface Budget {
  /** Operations that may still be tried as the next of an order. */
  steps: number;
}

export type Found =
  | { readonly found: "order" }
  | { readonly found: "none"; readonly explanation: string }
  | { readonly found: "budget spent" };

/** A step of the search: an operation was put next in the order. */
interface Step<State> {
  readonly operation: number;
  /** Before the operation. */
  readonly state: State;
  /** Whether no other choice here can do better. */
  readonly forced: boolean;
}

/**
 * Searches for an order of one key's operations that respects time and gives every answer. Fast
 * when few operations overlap; exponential in their number at worst.
 */
export class Search<Action, Answer, State> {
  readonly #operations: readonly HistoryOperation<Action, Answer>[];
  readonly #model: SequentialModel<Action, Answer, State>;
  readonly #budget: Budget;
  readonly #events: EventList;
  /** Operations with an answer that are not in the order yet. */
  #remaining: number;
  #state: State;
  readonly #steps: Step<State>[] = [];
  /** The set of operations in the order, as a hash of 64 bits in two halves. */
  #setHigh = 0;
  #setLow = 0;
  /** By such a set: the states that were reached with it. */
  readonly #tried = new Map<string, State[]>();
  readonly #blocked: Blocked<State> = { depth: -1, operation: 0, states: [] };

  constructor(
    operations: readonly HistoryOperation<Action, Answer>[],
    model: SequentialModel<Action, Answer, State>,
    budget: Budget,
  ) {
    this.#budget = budget;
    this.#operations = operations;
    this.#model = model;
    this.#events = new EventList(operations);
    this.#remaining = operations.filter(isAnswered).length;
    this.#state = model.initial;
  }

  run(): Found {
    let event = this.#events.first();
    while (this.#remaining > 0) {
      if (isCall(event)) {
        if (this.#budget.steps-- <= 0) return { found: "budget spent" };
        event = this.#tryNext(operationOf(event))
          ? this.#events.first()
          : this.#events.after(event);
        continue;
      }
      // This operation returned before what follows began, and nothing more can come before it.
      this.#noteBlocked(operationOf(event));
      const undone = this.#backtrack();
      if (undone === null) return { found: "none", explanation: this.#explain() };
      event = this.#events.after(callOf(undone));
    }
    return { found: "order" };
  }

  /** Puts the operation next in the order, if its answer fits and that was not tried before. */
  #tryNext(operation: number): boolean {
    const { action, answer } = this.#operations[operation]!;
    const next = this.#model.step(this.#state, action);
    if (answer === undefined ? next.state === this.#state : next.answer !== answer) return false;
    this.#toggle(operation);
    if (this.#isTried(next.state)) {
      this.#toggle(operation);
      return false;
    }
    // What changes nothing and is right here can be moved here in any order that goes on from here.
    const forced = answer !== undefined && this.#model.changesNothing(action, answer);
    this.#steps.push({ operation, state: this.#state, forced });
    this.#state = next.state;
    this.#events.lift(operation);
    if (answer !== undefined) this.#remaining--;
    return true;
  }

  /** Takes operations out of the order, up to the last that was a choice; null if none was. */
  #backtrack(): number | null {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const { operation, state, forced } = step;
      this.#state = state;
      this.#toggle(operation);
      this.#events.unlift(operation);
      if (isAnswered(this.#operations[operation]!)) this.#remaining++;
      if (!forced) return operation;
    }
    return null;
  }

  /** Zobrist hashing: equal sets have equal hashes; two others do with a probability of 2^-64. */
  #toggle(operation: number): void {
    this.#setHigh ^= scatter(2 * operation);
    this.#setLow ^= scatter(2 * operation + 1);
  }

  /** Whether this set with this state was tried before; from now on it was. */
  #isTried(state: State): boolean {
    const set = `${this.#setHigh},${this.#setLow}`;
    const states = this.#tried.get(set);
    if (states === undefined) this.#tried.set(set, [state]);
    else if (states.includes(state)) return true;
    else states.push(state);
    return false;
  }

  #noteBlocked(operation: number): void {
    const blocked = this.#blocked;
    if (this.#steps.length < blocked.depth) return;
    if (this.#steps.length > blocked.depth) {
      blocked.depth = this.#steps.length;
      blocked.operation = operation;
      blocked.states = [];
    }
    if (blocked.operation !== operation || blocked.states.length >= statesShown) return;
    if (!blocked.states.includes(this.#state)) blocked.states.push(this.#state);
  }

  #explain(): string {
    const { depth, operation, states } = this.#blocked;
    const what = describeOperation(this.#operations[operation]!, this.#model);
    const furthest = `after ${depth} of ${this.#operations.length} operations`;
    const possible = states.map((state) => JSON.stringify(state)).join(" or ");
    return `${what}, fits nowhere: ${furthest} the state could be ${possible}`;
  }
}

/** Where the search came furthest: what stopped it, and in which states. */
interface Blocked<State> {
  depth: number;
  operation: number;
  states: State[];
}

const statesShown = 4;

const isAnswered = (operation: HistoryOperation<unknown, unknown>): boolean =>
  operation.answer !== undefined;

// Events are numbers: operation i is called at 2i + 1 and returns at 2i + 2. 0 is the list's head.
const callOf = (operation: number): number => 2 * operation + 1;
const isCall = (event: number): boolean => event % 2 === 1;
const operationOf = (event: number): number => (event - 1) >>> 1;

/** Calls and returns by time, doubly linked, so that an operation can be taken out and put back. */
class EventList {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  constructor(operations: readonly HistoryOperation<unknown, unknown>[]) {
    // A return that never came links to itself: taking it out and putting it back do nothing.
    this.#next = Int32Array.from({ length: 2 * operations.length + 1 }, (_, event) => event);
    this.#previous = this.#next.slice();
    const timeOf = (event: number): number => {
      const { invokedAt, returnedAt } = operations[operationOf(event)]!;
      return isCall(event) ? invokedAt : returnedAt!;
    };
    const events = operations.flatMap((operation, index) => {
      const { answer, invokedAt, returnedAt } = operation;
      if (answer === undefined) return [callOf(index)];
      assert(returnedAt !== null && returnedAt >= invokedAt, "an answer before its operation");
      return [callOf(index), callOf(index) + 1];
    });
    // At one time, calls come first: then the operations overlap, which allows more orders.
    events.sort((a, b) => timeOf(a) - timeOf(b) || (b % 2) - (a % 2));
    let last = 0;
    for (const event of events) {
      this.#link(last, event);
      last = event;
    }
    this.#link(last, 0);
  }

  #link(event: number, next: number): void {
    this.#next[event] = next;
    this.#previous[next] = event;
  }

  first(): number {
    return this.#next[0]!;
  }

  after(event: number): number {
    return this.#next[event]!;
  }

  /** Takes an operation out. */
  lift(operation: number): void {
    const call = callOf(operation);
    this.#skip(call);
    this.#skip(call + 1);
  }

  #skip(event: number): void {
    this.#link(this.#previous[event]!, this.#next[event]!);
  }

  /** Puts the operation that was taken out last back in its place. */
  unlift(operation: number): void {
    const call = callOf(operation);
    this.#putBack(call + 1);
    this.#putBack(call);
  }

  #putBack(event: number): void {
    this.#next[this.#previous[event]!] = event;
    this.#previous[this.#next[event]!] = event;
  }
}

/** 32 bits that look random (the finaliser of MurmurHash3). */
function scatter(number: number): number {
  let hash = Math.imul(number + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
