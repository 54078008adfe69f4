// The ordering window of one view: proposals, votes, and what is prepared and committed.

import type { Digest, ReplicaId } from "../../core/index.js";
import { type OrderSlot, OrderWindow, type Vote, Votes } from "../../parts/index.js";

/** One consensus instance of the view. */
export interface Slot extends OrderSlot {
  /** The view that its batch was proposed in … */
  view: number;
  /** … and the leader's proof of that; null if it is the plan's. */
  proof: Uint8Array | null;
  /** What each replica prepared and committed, as it said. */
  readonly prepares: Votes;
  readonly commits: Votes;
  /** This replica's own votes, to be sent again. */
  prepare: Vote | null;
  commit: Vote | null;
}

/** Slots for the orders above the stable checkpoint, in the view entered last. */
export class OrderLog extends OrderWindow<Slot> {
  private readonly n: number;
  /** Two quorums share a correct replica (protocols.md P1). */
  private readonly quorum: number;

  constructor(n: number, f: number) {
    super();
    this.n = n;
    this.quorum = 2 * f + 1;
  }

  protected emptySlot(order: number): Slot {
    const [prepares, commits] = [new Votes(this.n), new Votes(this.n)];
    const nothing = { batch: null, proof: null, prepare: null, commit: null };
    return { order, view: 0, ...nothing, prepares, commits };
  }

  /** prepared(m, v, n, i): the proposal and 2f matching PREPAREs of backups. */
  isPrepared({ batch, prepares }: Slot): boolean {
    return batch !== null && prepares.count(batch) >= this.quorum - 1;
  }

  /** committed-local(m, v, n, i): what 2f+1 replicas committed; null if nothing yet. */
  committedAt(order: number): Digest | null {
    return this.get(order)?.commits.reaching(this.quorum) ?? null;
  }

  /** Who committed a batch, and so can give it. */
  committers(order: number, digest: Digest): ReplicaId[] {
    return this.get(order)?.commits.voters(digest) ?? [];
  }
}
