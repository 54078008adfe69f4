// Puts blocks of operations in an order: always the block that must end first, with what it needs.

import { EventQueue } from "../event-queue.js";
import { Random } from "../random.js";
import { type Block, type BlockKind, Contradiction, type Operation } from "./blocks.js";

/** How often guesses are taken back to get beyond one place; of few blocks less often. */
const attemptsMax = 3000;
const attemptsPerBlock = 20;
/** How many blocks are taken back: twice as many every time, and then again few. */
const blocksTakenBack = 16;
const blocksTakenBackMax = 512;

/**
 * All operations in an order that respects time and what blocks need, but for deletions without an
 * answer that were not needed. Null if none was found: which deletion comes before which block is a
 * guess. Where all blocks are writes nothing is guessed, and an order is found if there is one.
 * @throws Contradiction if time alone forbids every order.
 */
export function orderBlocks(blocks: readonly Block[]): Operation[] | null {
  return new Ordering(blocks).run();
}

interface Candidate extends Block {
  isPlaced: boolean;
  /** Among those that must take effect, by their returns. */
  rank: number;
}

class Ordering {
  /** Without those that need not take effect. */
  readonly #byReturn: readonly Candidate[];
  readonly #byCall: readonly Candidate[];
  readonly #order: Candidate[] = [];
  /** The two ranks that must be placed first. */
  #first = 0;
  #second = 0;
  /** Blocks that may come next, and perhaps did; the one that must end first is first. */
  readonly #ready: Record<BlockKind, EventQueue<Candidate>> = {
    write: new EventQueue(),
    create: new EventQueue(),
    delete: new EventQueue(),
    absence: new EventQueue(),
  };
  /** How many of `byCall` are ready, or were. */
  #called = 0;
  #hasValue = false;
  readonly #random = new Random(1);
  readonly #attemptsMax: number;
  #attempts = 0;
  /** Where a guess failed that came furthest, and how much was taken back there. */
  #furthest = 0;
  #takenBack = 0;
  /** How likely the best guess is not taken, up to there. */
  #doubt = 0;

  constructor(blocks: readonly Block[]) {
    this.#attemptsMax = Math.min(attemptsMax, attemptsPerBlock * blocks.length);
    const candidates = blocks.map(
      (block): Candidate => ({ ...block, isPlaced: false, rank: Infinity }),
    );
    this.#byReturn = candidates
      .filter(({ firstReturn }) => firstReturn < Infinity)
      .sort((a, b) => a.firstReturn - b.firstReturn);
    this.#byReturn.forEach((candidate, rank) => {
      candidate.rank = rank;
    });
    this.#byCall = candidates.sort((a, b) => a.lastCall - b.lastCall);
  }

  run(): Operation[] | null {
    for (;;) {
      while (this.#byReturn[this.#first]?.isPlaced) this.#first++;
      const first = this.#byReturn[this.#first];
      if (first === undefined) break;
      this.#admit(first.firstReturn);
      if (first.isPlaced) continue;
      this.#second = Math.max(this.#second, this.#first + 1);
      while (this.#byReturn[this.#second]?.isPlaced) this.#second++;
      if (!this.#place(mostUrgent(first, this.#byReturn[this.#second]))) this.#takeBack();
    }
    if (this.#attempts >= this.#attemptsMax) return null;
    return this.#order.flatMap(({ operations }) => operations);
  }

  /** Blocks called before every open block ended may come next. */
  #admit(until: number): void {
    for (;;) {
      const block = this.#byCall[this.#called];
      if (block === undefined || block.lastCall > until) break;
      if (!block.isPlaced) this.#ready[block.kind].push(block.firstReturn, block);
      this.#called++;
    }
    this.#putAbsences();
  }

  /** Puts the block next, or what should come before it; false if that is nowhere to be had. */
  #place(block: Candidate): boolean {
    const isRight = block.kind === "write" || this.#hasValue === (block.kind === "delete");
    const next = this.#before(block.kind) ?? (isRight ? block : null);
    if (next === null && this.#attempts < this.#attemptsMax) return false;
    this.#put(next ?? block);
    return true;
  }

  /** What should come before a block of that kind, here. */
  #before(kind: BlockKind): Candidate | null {
    if (kind === "write") {
      // The absence of a value is rare: let it not pass unused.
      if (!this.#hasValue) return this.#guess(true) ? this.#take("create") : null;
      return this.#guess(false) ? this.#take("delete") : null;
    }
    if (!this.#hasValue) {
      if (kind !== "delete") return null;
      const [one, other] = this.#guess(true) ? makers : makers.toReversed();
      return this.#take(one!) ?? this.#take(other!);
    }
    // Writes are good for coming between deletions; if there are none to come, they are in the way.
    const write = this.#guess(!this.#hasTwo("delete")) ? this.#take("write") : null;
    return write ?? (kind === "delete" ? null : this.#take("delete"));
  }

  #hasTwo(kind: BlockKind): boolean {
    const one = this.#take(kind);
    const other = one && this.#take(kind);
    for (const block of [one, other]) {
      if (block !== null) this.#ready[kind].push(block.firstReturn, block);
    }
    return other !== null;
  }

  /** The best guess at first; by chance where that led nowhere. */
  #guess(best: boolean): boolean {
    if (this.#order.length >= this.#furthest) return best;
    return this.#random.chance(this.#doubt) ? !best : best;
  }

  #put(block: Candidate): void {
    block.isPlaced = true;
    this.#order.push(block);
    this.#hasValue = block.kind === "write" || block.kind === "create";
    this.#putAbsences();
  }

  #putAbsences(): void {
    if (this.#hasValue) return;
    for (let block = this.#take("absence"); block !== null; block = this.#take("absence")) {
      block.isPlaced = true;
      this.#order.push(block);
    }
  }

  #take(kind: BlockKind): Candidate | null {
    for (let next = this.#ready[kind].pop(); next !== null; next = this.#ready[kind].pop()) {
      if (!next.event.isPlaced) return next.event;
    }
    return null;
  }

  /** Takes the last blocks out of the order, for other guesses. */
  #takeBack(): void {
    const reached = this.#order.length;
    if (reached > this.#furthest) this.#attempts = 0;
    this.#furthest = Math.max(this.#furthest, reached);
    const again = this.#attempts === 0 || this.#takenBack >= blocksTakenBackMax;
    this.#takenBack = again ? blocksTakenBack : 2 * this.#takenBack;
    this.#doubt = this.#random.pick([0.1, 0.3, 0.5]);
    this.#attempts++;
    const open = new Set(this.#order.splice(Math.max(0, this.#furthest - this.#takenBack)));
    for (const block of open) {
      block.isPlaced = false;
      this.#first = Math.min(this.#first, block.rank);
    }
    this.#second = this.#first;
    const last = this.#order.at(-1)?.kind;
    this.#hasValue = last === "write" || last === "create";
    for (const kind of blockKinds) {
      for (let one = this.#take(kind); one !== null; one = this.#take(kind)) open.add(one);
    }
    const until = this.#byReturn[this.#first]!.firstReturn;
    while (this.#called > 0 && this.#byCall[this.#called - 1]!.lastCall > until) this.#called--;
    for (const one of open)
      if (one.lastCall <= until) this.#ready[one.kind].push(one.firstReturn, one);
  }
}

const makers = ["create", "write"] as const;

const blockKinds: readonly BlockKind[] = ["write", "create", "delete", "absence"];

/**
 * Which of the two open blocks that must end first comes first: the other ended before the last
 * operation of the one was called, or it may wait. @throws Contradiction if both must come first.
 */
function mostUrgent(first: Candidate, second: Candidate | undefined): Candidate {
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
