// What others say was decided: believed when f+1 of them say the same, for one of them is correct.

import type { Digest, ReplicaId } from "../core/index.js";
import { Votes } from "./votes.js";

/**
 * The decisions that each replica stated, order by order: how a replica learns what was decided
 * while it was away or in another view, where votes cannot be passed on. Bounded by the window of
 * orders whose statements its owner lets in.
 */
export class Hearsay {
  private readonly byOrder = new Map<number, Votes>();
  private readonly n: number;
  private readonly f: number;

  constructor(n: number, f: number) {
    this.n = n;
    this.f = f;
  }

  /** `replica` says that this was decided; of two different statements the later counts. */
  note(replica: ReplicaId, order: number, digest: Digest): void {
    let said = this.byOrder.get(order);
    if (said === undefined) this.byOrder.set(order, (said = new Votes(this.n)));
    said.cast(replica, digest);
  }

  /** What was decided at an order, as far as this is certain; null if it is not. */
  at(order: number): Digest | null {
    return this.byOrder.get(order)?.reaching(this.f + 1) ?? null;
  }

  /** Who says that this was decided, and so can give its batch. */
  witnesses(order: number, digest: Digest): ReplicaId[] {
    return this.byOrder.get(order)?.voters(digest) ?? [];
  }

  forget(upTo: number): void {
    for (const order of this.byOrder.keys()) if (order <= upTo) this.byOrder.delete(order);
  }
}
