// What replicas say about points of the view entered last, order by order.

import { type Digest, equalBytes, type ReplicaId } from "../../core/index.js";
import type { Certificate, Signature, SignedPoint } from "./messages.js";

interface Said {
  /** How far each replica executed, with its signature. */
  readonly reached: (SignedPoint | null)[];
  /** Of which history each has stored a commit certificate. */
  readonly certified: (Digest | null)[];
}

/** Bounded by the window of orders that its owner lets in. */
export class Tally {
  private readonly byOrder = new Map<number, Said>();
  /** The highest order that each replica is known to have executed. */
  private readonly highest: number[];
  private readonly n: number;
  private readonly quorum: number;

  constructor(n: number, quorum: number) {
    this.n = n;
    this.quorum = quorum;
    this.highest = new Array<number>(n).fill(0);
  }

  private at(order: number): Said {
    let said = this.byOrder.get(order);
    if (said === undefined) {
      const none = <T>(): (T | null)[] => new Array<T | null>(this.n).fill(null);
      said = { reached: none(), certified: none() };
      this.byOrder.set(order, said);
    }
    return said;
  }

  noteReached(point: SignedPoint): void {
    this.at(point.order).reached[point.replica] = point;
    this.highest[point.replica] = Math.max(this.highest[point.replica]!, point.order);
  }

  noteCertified(replica: ReplicaId, order: number, history: Digest): void {
    this.at(order).certified[replica] = history;
  }

  /** What a replica said that it executed, or null. */
  reachedBy(replica: ReplicaId, order: number): SignedPoint | null {
    return this.byOrder.get(order)?.reached[replica] ?? null;
  }

  highestOf(replica: ReplicaId): number {
    return this.highest[replica]!;
  }

  /** The last order that somebody claims to have executed or seen certified. */
  get top(): number {
    return Math.max(0, ...this.byOrder.keys());
  }

  /** A commit certificate of a point, from what replicas said; null while there is none. */
  certificate(view: number, order: number, history: Digest): Certificate | null {
    const signatures: Signature[] = [];
    for (const said of this.byOrder.get(order)?.reached ?? []) {
      if (said === null || !equalBytes(said.history, history)) continue;
      signatures.push({ replica: said.replica, proof: said.proof });
    }
    if (signatures.length < this.quorum) return null;
    return { view, order, history, signatures: signatures.slice(0, this.quorum) };
  }

  /** Whether so many have stored a certificate of it that every view to come knows of one. */
  isDecided(order: number, history: Digest): boolean {
    const certified = this.byOrder.get(order)?.certified ?? [];
    const agreeing = certified.filter((other) => other !== null && equalBytes(other, history));
    return agreeing.length >= this.quorum;
  }

  forget(upTo: number): void {
    for (const order of this.byOrder.keys()) if (order <= upTo) this.byOrder.delete(order);
  }

  clear(): void {
    this.byOrder.clear();
    this.highest.fill(0);
  }
}
