// Batches that a replica holds, by digest.

import { type Digest, equalBytes, type Hash, toHex } from "../../core/index.js";
import { type Batch, batchDigest, type Outbox } from "../../parts/index.js";
import { barrierDigest, type EzbftMessage, type EzbftRecord } from "./messages.js";

export class Batches {
  /** What everybody has: a batch that does nothing, and a barrier. */
  readonly noop: Digest;
  readonly barrier: Digest;
  private readonly hash: Hash;
  private readonly outbox: Outbox<EzbftMessage, EzbftRecord>;
  private readonly held = new Map<string, Batch>();
  /** Those asked for since time passed last. */
  private readonly awaited = new Set<string>();

  constructor(hash: Hash, outbox: Outbox<EzbftMessage, EzbftRecord>) {
    this.hash = hash;
    this.outbox = outbox;
    this.noop = batchDigest([], hash);
    this.barrier = barrierDigest(hash);
  }

  isBarrier(digest: Digest): boolean {
    return equalBytes(digest, this.barrier);
  }

  /** Null if it is not here. */
  get(digest: Digest): Batch | null {
    if (equalBytes(digest, this.noop) || this.isBarrier(digest)) return [];
    return this.held.get(toHex(digest)) ?? null;
  }

  /** Keeps a batch that this replica will answer for. */
  keep(digest: Digest, requests: Batch): void {
    if (this.get(digest) !== null) return;
    this.held.set(toHex(digest), requests);
    this.outbox.persist({ kind: "batch", digest, requests: [...requests] });
  }

  /** One was kept in an earlier life. True if it was asked for. */
  restore(digest: Digest, requests: Batch): boolean {
    this.held.set(toHex(digest), requests);
    return this.awaited.delete(toHex(digest));
  }

  fetch(digest: Digest): void {
    const key = toHex(digest);
    if (this.awaited.has(key)) return;
    this.awaited.add(key);
    this.outbox.broadcast({ kind: "fetch-batch", digest });
  }

  /** Time passed: what is missing is to be asked for again. */
  askAgain(): void {
    this.awaited.clear();
  }

  /** A batch came; false if nobody asked for it. */
  take(digest: Digest, requests: Batch): boolean {
    const isAwaited = this.awaited.delete(toHex(digest));
    if (isAwaited) this.keep(digest, requests);
    return isAwaited;
  }

  /** Forgets all but these. */
  retain(digests: Iterable<Digest>): void {
    const kept = new Set([...digests].map((digest) => toHex(digest)));
    for (const digest of this.held.keys()) if (!kept.has(digest)) this.held.delete(digest);
  }

  retained(): EzbftRecord[] {
    return [...this.held.values()].map((requests) => {
      return { kind: "batch", digest: batchDigest(requests, this.hash), requests: [...requests] };
    });
  }
}
