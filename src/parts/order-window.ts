// What a protocol keeps of each order above the stable checkpoint, in the view entered last.

import type { Digest } from "../core/index.js";

/** One consensus instance: what it is beyond this is the protocol's. */
export interface OrderSlot {
  readonly order: number;
  /** The batch that the leader, or the view's plan, has for it; null before that is known. */
  batch: Digest | null;
}

/** Slots by order, made where they are first asked for. */
export abstract class OrderWindow<Slot extends OrderSlot> {
  private readonly slots = new Map<number, Slot>();

  protected abstract emptySlot(order: number): Slot;

  get(order: number): Slot | undefined {
    return this.slots.get(order);
  }

  slotOf(order: number): Slot {
    let slot = this.slots.get(order);
    if (slot === undefined) this.slots.set(order, (slot = this.emptySlot(order)));
    return slot;
  }

  /** Every slot that has a proposal, by rising order. */
  proposed(): Slot[] {
    return [...this.slots.values()]
      .filter(({ batch }) => batch !== null)
      .toSorted((a, b) => a.order - b.order);
  }

  /** Whether there is a proposal for a later order. */
  hasBeyond(order: number): boolean {
    for (const slot of this.slots.values()) {
      if (slot.order > order && slot.batch !== null) return true;
    }
    return false;
  }

  forget(upTo: number): void {
    for (const order of this.slots.keys()) if (order <= upTo) this.slots.delete(order);
  }

  clear(): void {
    this.slots.clear();
  }
}
