// What others say was decided: believed when f+1 of them say the same, for one of them is correct.

import { type Digest, equalBytes, type ReplicaId } from "../core/index.js";

/**
 * The decisions that each replica stated, order by order: how a replica learns what was decided
 * while it was away or in another view, where votes cannot be passed on. Bounded by the window of
 * orders whose statements its owner lets in.
 */
export class Hearsay {
  private readonly byOrder = new Map<number, (Digest | null)[]>();
  private readonly n: number;
  private readonly f: number;

  constructor(n: number, f: number) {
    this.n = n;
    this.f = f;
  }

  /** `replica` says that this was decided; of two different statements the later counts. */
  note(replica: ReplicaId, order: number, digest: Digest): void {
    let said = this.byOrder.get(order);
    if (said === undefined) {
      said = new Array<Digest | null>(this.n).fill(null);
      this.byOrder.set(order, said);
    }
    said[replica] = digest;
  }

  /** What was decided at an order, as far as this is certain; null if it is not. */
  at(order: number): Digest | null {
    const said = this.byOrder.get(order) ?? [];
    const isCertain = (digest: Digest) =>
      said.filter((other) => other !== null && equalBytes(other, digest)).length > this.f;
    return said.find((digest) => digest !== null && isCertain(digest)) ?? null;
  }

  /** Who says that this was decided, and so can give its batch. */
  witnesses(order: number, digest: Digest): ReplicaId[] {
    const said = this.byOrder.get(order) ?? [];
    return [...said.keys()].filter((id) => {
      const other = said[id];
      return other !== null && other !== undefined && equalBytes(other, digest);
    });
  }

  forget(upTo: number): void {
    for (const order of this.byOrder.keys()) if (order <= upTo) this.byOrder.delete(order);
  }
}
