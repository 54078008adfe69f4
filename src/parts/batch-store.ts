// Batches that stand in no proposal of the current view: what view changes refer to by digest.

import { type Digest, type ReplicaId, toHex } from "../core/index.js";
import { type Batch, batchBytes } from "./batch.js";

export interface HeldBatch {
  readonly digest: Digest;
  readonly batch: Batch;
  /** The last order it was proposed for: when that is stable, nobody needs the batch. */
  readonly order: number;
}

interface Awaited {
  readonly order: number;
  readonly askedOf: Set<ReplicaId>;
}

/**
 * Bounded by the ordering window: only batches that somebody proposed, or that were asked for, get
 * in.
 */
export class BatchStore {
  private readonly batches = new Map<string, HeldBatch>();
  private readonly awaited = new Map<string, Awaited>();
  private bytesHeld = 0;

  /** Bytes of all batches held. */
  get bytes(): number {
    return this.bytesHeld;
  }

  put(digest: Digest, batch: Batch, order: number): void {
    const key = toHex(digest);
    const known = this.batches.get(key);
    if (known === undefined) this.bytesHeld += batchBytes(batch);
    this.batches.set(key, { digest, batch, order: Math.max(order, known?.order ?? 0) });
    this.awaited.delete(key);
  }

  get(digest: Digest): Batch | null {
    return this.batches.get(toHex(digest))?.batch ?? null;
  }

  /** The last order that the batch is held for; null if it is not here. */
  heldFor(digest: Digest): number | null {
    return this.batches.get(toHex(digest))?.order ?? null;
  }

  /** Every batch held. */
  all(): readonly HeldBatch[] {
    return [...this.batches.values()];
  }

  /**
   * The batch is wanted for `order`, and `take` will accept it. True if `holder` is to be asked for
   * it: for the first time, or again.
   */
  await(digest: Digest, order: number, holder: ReplicaId): boolean {
    const key = toHex(digest);
    const known = this.awaited.get(key);
    const askedOf = known?.askedOf ?? new Set();
    this.awaited.set(key, { order: Math.max(order, known?.order ?? 0), askedOf });
    if (askedOf.has(holder)) return false;
    askedOf.add(holder);
    return true;
  }

  /** Time passed: what is still awaited is to be asked for again. */
  askAgain(): void {
    for (const { askedOf } of this.awaited.values()) askedOf.clear();
  }

  /** Stores a batch that was awaited; false if it was not. */
  take(digest: Digest, batch: Batch): boolean {
    const awaited = this.awaited.get(toHex(digest));
    if (awaited === undefined) return false;
    this.put(digest, batch, awaited.order);
    return true;
  }

  /** Forgets what is stable up to `order`. */
  forget(upTo: number): void {
    for (const [key, { batch, order }] of this.batches) {
      if (order > upTo) continue;
      this.batches.delete(key);
      this.bytesHeld -= batchBytes(batch);
    }
    for (const [key, { order }] of this.awaited) if (order <= upTo) this.awaited.delete(key);
  }
}
