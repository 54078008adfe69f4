// Barriers: empty instances that interfere with everything, whose owners take turns. What precedes
// one is the same everywhere, so the state there is a checkpoint's (protocols.md §4, "left out").

import { decodeWith, encodeWith } from "../../codec/index.js";
import { type ReplicaContext, type StateImage } from "../../core/index.js";
import { type Annex, restDigest, type StableCheckpoint } from "../../parts/index.js";
import { type Frontier, frontierSchema, type Shown } from "./messages.js";
import type { Slot } from "./slot.js";

export class Barriers implements Annex {
  private readonly context: ReplicaContext;
  /** What the state holds of each space, as of the last barrier. */
  frontier: Frontier;
  private dueSince: number | null = null;
  /** Where one stands that may not have been executed. */
  private underway: readonly Slot[] = [];

  constructor(context: ReplicaContext) {
    const zeros = (): number[] => new Array<number>(context.n).fill(0);
    this.context = context;
    this.frontier = { done: zeros(), sequences: zeros(), checkpoints: 0 };
  }

  /** One stands at a slot. */
  note(slot: Slot): void {
    this.underway = [...this.underway, slot];
  }

  /** Whether one stands somewhere and is to be executed. */
  isUnderway(isWaiting: (slot: Slot) => boolean): boolean {
    this.underway = this.underway.filter(isWaiting);
    return this.underway.length > 0;
  }

  /** Whether this replica is to order one: the first at once, the others if nobody did. */
  isOwn(isDue: boolean, now: number): boolean {
    this.dueSince = isDue ? (this.dueSince ?? now) : null;
    if (this.dueSince === null) return false;
    const { n, replica, timing } = this.context;
    const turn = (replica + n - (this.frontier.checkpoints % n)) % n;
    return now - this.dueSince >= turn * timing.patienceMs;
  }

  /**
   * Whether an earlier one's frontier has it: they name each other. Who begins with that frontier
   * will not execute it, so nobody does.
   */
  isPassed({ space, slot }: Place): boolean {
    return slot <= this.frontier.done[space]!;
  }

  /**
   * One is executed. Exactly what it depends on was executed before it, whatever else may come
   * next; `highest` is the highest sequence number of a space up to a slot.
   */
  pass(
    { space, slot, dependencies }: Place,
    highest: (space: number, last: number) => number,
  ): void {
    const { done: before, checkpoints } = this.frontier;
    const done = before.map((last, of) => Math.max(last, dependencies[of]!));
    done[space] = Math.max(done[space]!, slot);
    const sequences = done.map((last, of) => highest(of, last));
    this.frontier = { done, sequences, checkpoints: checkpoints + 1 };
    this.dueSince = null;
  }

  /** What shows that a frontier is a stable checkpoint's. */
  show(stable: StableCheckpoint, { pages }: StateImage): Shown {
    const digests = pages.map(({ digest }) => digest);
    const rest = restDigest(stable.order, digests, this.context.hash);
    return { stable, rest, frontier: pages.at(-1)!.bytes() };
  }

  /** The same of the initial state. */
  showNothing(stable: StableCheckpoint): Shown {
    return { stable, rest: new Uint8Array(32), frontier: this.bytes() };
  }

  // The last page of a state

  bytes(): Uint8Array {
    return encodeWith(frontierSchema, this.frontier);
  }

  isReadable(bytes: Uint8Array): boolean {
    const { n } = this.context;
    const read = decodeWith(frontierSchema, bytes);
    return read !== null && read.done.length === n && read.sequences.length === n;
  }

  restore(bytes: Uint8Array): void {
    this.frontier = decodeWith(frontierSchema, bytes)!;
  }
}

interface Place {
  readonly space: number;
  readonly slot: number;
  readonly dependencies: readonly number[];
}
