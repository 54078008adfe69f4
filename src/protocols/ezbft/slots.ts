// The slots of one space at one replica: what stands at each above the stable checkpoint, up to
// where all of it is recorded, and up to where decided.

import { equalBytes } from "../../core/index.js";
import { emptySlot, type Slot } from "./slot.js";

export class Slots {
  readonly space: number;
  private readonly n: number;
  /** How many slots may be unsettled. */
  private readonly window: number;
  private readonly slots = new Map<number, Slot>();
  /** Everything up to here is settled by a stable checkpoint. */
  base = 0;
  /** The highest sequence number up to there. */
  private baseSequence = 0;
  /** Everything up to here is recorded … */
  top = 0;
  /** … and decided. */
  decided = 0;

  constructor(space: number, n: number, window: number) {
    this.space = space;
    this.n = n;
    this.window = window;
  }

  get(slot: number): Slot | undefined {
    return this.slots.get(slot);
  }

  /** In their order. */
  all(): Slot[] {
    return [...this.slots.values()].toSorted((a, b) => a.slot - b.slot);
  }

  /** Those that wait for a decision, in their order. */
  undecided(): Slot[] {
    return this.all().filter(({ decided }) => decided === null);
  }

  /** The slot of that number, an empty one if nothing was heard of it before. */
  at(number: number, now: number): Slot {
    let slot = this.slots.get(number);
    if (slot === undefined) {
      slot = emptySlot(this.space, number, now, this.n);
      this.slots.set(number, slot);
    }
    return slot;
  }

  /** The last slot that may be used before the stable checkpoint moves. */
  get last(): number {
    return this.base + this.window;
  }

  isInWindow(slot: number): boolean {
    return slot > this.base && slot <= this.last;
  }

  /** The highest slot that anything was heard of. */
  get highest(): number {
    return Math.max(this.top, ...this.slots.keys());
  }

  /** Something was recorded or decided. Gives how many more slots all is decided of. */
  advance(): number {
    while (this.slots.get(this.top + 1)?.recorded != null) this.top += 1;
    const before = this.decided;
    for (;;) {
      const slot = this.slots.get(this.decided + 1);
      if (slot === undefined || !isSettled(slot)) return this.decided - before;
      slot.highest = Math.max(this.highestSequence(this.decided), sequenceIn(slot));
      this.decided += 1;
    }
  }

  /** The highest sequence number recorded of the space, up to a slot. */
  highestSequence(last: number): number {
    let highest = 0;
    for (let slot = last; slot > this.base; slot -= 1) {
      const known = this.slots.get(slot);
      if (known?.highest != null) return Math.max(highest, known.highest);
      if (known !== undefined) highest = Math.max(highest, sequenceIn(known));
    }
    return Math.max(highest, this.baseSequence);
  }

  /** What stands above a slot and is not decided was in vain: its requests go elsewhere. */
  dropAbove(last: number): void {
    for (const slot of this.undecided()) {
      if (slot.slot <= last) continue;
      slot.recorded = null;
      this.slots.delete(slot.slot);
    }
    this.top = Math.max(this.base, Math.min(this.top, last));
  }

  /** Everything up to a slot is settled, the highest sequence number there being this. */
  forget(upTo: number, sequence: number): void {
    this.base = Math.max(this.base, upTo);
    this.baseSequence = Math.max(this.baseSequence, sequence);
    this.top = Math.max(this.top, upTo);
    this.decided = Math.max(this.decided, upTo);
    for (const slot of this.slots.keys()) if (slot <= upTo) this.slots.delete(slot);
    this.advance();
  }
}

/** Decided, and the batch is here: what was recorded before may have been another. */
const isSettled = ({ decided, recorded }: Slot): boolean =>
  decided !== null && recorded !== null && equalBytes(decided.batch, recorded);

const sequenceIn = ({ decided, sequence }: Slot): number => decided?.sequence ?? sequence;
