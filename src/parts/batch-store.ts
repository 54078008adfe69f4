// Batches that stand in no proposal of the current view: what view changes refer to by digest.

import { type Digest, toHex } from "../core/index.js";
import type { Batch } from "./batch.js";

interface Stored {
  readonly batch: Batch;
  /** The order it was proposed for: when that is stable, nobody needs the batch. */
  readonly order: number;
}

/**
 * Bounded by the ordering window: only batches that somebody proposed, or that were asked for, get
 * in.
 */
export class BatchStore {
  private readonly batches = new Map<string, Stored>();
  private readonly awaited = new Map<string, number>();

  put(digest: Digest, batch: Batch, order: number): void {
    const key = toHex(digest);
    const known = this.batches.get(key);
    this.batches.set(key, { batch, order: Math.max(order, known?.order ?? 0) });
    this.awaited.delete(key);
  }

  get(digest: Digest): Batch | null {
    return this.batches.get(toHex(digest))?.batch ?? null;
  }

  /** The batch is wanted for `order`: `take` will accept it. */
  await(digest: Digest, order: number): void {
    this.awaited.set(toHex(digest), order);
  }

  /** Stores a batch that was awaited; false if it was not. */
  take(digest: Digest, batch: Batch): boolean {
    const order = this.awaited.get(toHex(digest));
    if (order === undefined) return false;
    this.put(digest, batch, order);
    return true;
  }

  /** Forgets what is stable up to `order`. */
  forget(upTo: number): void {
    for (const [key, { order }] of this.batches) if (order <= upTo) this.batches.delete(key);
    for (const [key, order] of this.awaited) if (order <= upTo) this.awaited.delete(key);
  }
}
