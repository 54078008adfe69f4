// What comes before what: interference as this replica has seen it, as one slot of each space, and
// whether it has seen what others name (thesis §4.2, protocols.md §4 (f)).

import type { Digest, ReplicaContext } from "../../core/index.js";
import { type Batch, type Footprint, footprintOf, InterferenceIndex } from "../../parts/index.js";
import type { Batches } from "./batches.js";
import type { Slot } from "./slot.js";
import type { Space } from "./space.js";

export class Precedence {
  private readonly context: ReplicaContext;
  private readonly batches: Batches;
  private readonly index: InterferenceIndex;
  private readonly spaces: readonly Space[];

  constructor(context: ReplicaContext, batches: Batches, spaces: readonly Space[]) {
    this.context = context;
    this.batches = batches;
    this.index = new InterferenceIndex(context.n);
    this.spaces = spaces;
  }

  /** A batch stands at a slot: what follows and interferes comes after it. */
  note({ space, slot }: Slot, digest: Digest, batch: Batch): void {
    this.index.record(space, slot, this.footprint(digest, batch));
  }

  /** What comes before a batch here; of its own space only what stands before it. */
  of(digest: Digest, batch: Batch, space: number, slot: number): number[] {
    const found = this.index.dependencies(this.footprint(digest, batch));
    found[space] = Math.min(found[space]!, slot - 1);
    return found;
  }

  private footprint(digest: Digest, batch: Batch): Footprint {
    return this.batches.isBarrier(digest) ? "everything" : footprintOf(this.context.service, batch);
  }

  /** 1 + the highest sequence number among all that dependencies stand for. */
  sequenceAfter(dependencies: readonly number[]): number {
    const highest = dependencies.map((last, space) =>
      last === 0 ? 0 : this.spaces[space]!.slots.highestSequence(last),
    );
    return 1 + Math.max(0, ...highest);
  }

  /** Whether all of this is known to be there: an owner signed an order for each slot (E7). */
  isEvident(dependencies: readonly number[]): boolean {
    return dependencies.every((slot, space) => slot <= this.spaces[space]!.slots.top);
  }

  /** Something waits for all of this. */
  need(dependencies: readonly number[]): void {
    dependencies.forEach((slot, space) => this.spaces[space]!.need(slot));
  }

  /** Asks for what is not here. */
  fetch(dependencies: readonly number[]): void {
    dependencies.forEach((slot, space) => {
      const { slots, reminders } = this.spaces[space]!;
      if (slot > slots.top) reminders.fetchNext();
    });
  }

  forget(frontier: readonly number[]): void {
    this.index.forget(frontier);
  }
}
