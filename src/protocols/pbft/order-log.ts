// The ordering window of one view: proposals, votes, and what is prepared and committed.

import { type Digest, equalBytes, type ReplicaId } from "../../core/index.js";
import type { Vote } from "./messages.js";

/** One consensus instance of the view. */
export interface Slot {
  readonly order: number;
  /** The batch that the leader, or the view's plan, has for this order; null before that is known. */
  batch: Digest | null;
  /** The leader's proof of its proposal; null if it is the plan's. */
  proof: Uint8Array | null;
  /** What each replica prepared and committed, as it said. */
  readonly prepares: (Digest | null)[];
  readonly commits: (Digest | null)[];
  /** This replica's own votes, to be sent again. */
  prepare: Vote | null;
  commit: Vote | null;
}

/** Slots for the orders above the stable checkpoint, in the view entered last. */
export class OrderLog {
  private readonly slots = new Map<number, Slot>();
  private readonly n: number;
  /** Two quorums share a correct replica (protocols.md P1). */
  private readonly quorum: number;

  constructor(n: number, f: number) {
    this.n = n;
    this.quorum = 2 * f + 1;
  }

  get(order: number): Slot | undefined {
    return this.slots.get(order);
  }

  slotOf(order: number): Slot {
    let slot = this.slots.get(order);
    if (slot === undefined) {
      const none = (): (Digest | null)[] => new Array<Digest | null>(this.n).fill(null);
      const empty = { batch: null, proof: null, prepare: null, commit: null };
      slot = { ...empty, order, prepares: none(), commits: none() };
      this.slots.set(order, slot);
    }
    return slot;
  }

  /** prepared(m, v, n, i): the proposal and 2f matching PREPAREs of backups. */
  isPrepared({ batch, prepares }: Slot): boolean {
    return batch !== null && countOf(prepares, batch) >= this.quorum - 1;
  }

  /** committed-local(m, v, n, i): what 2f+1 replicas committed; null if nothing yet. */
  committedAt(order: number): Digest | null {
    const commits = this.slots.get(order)?.commits ?? [];
    const isDecided = (digest: Digest) => countOf(commits, digest) >= this.quorum;
    const own = this.slots.get(order)?.batch ?? null;
    if (own !== null && isDecided(own)) return own;
    return commits.find((digest) => digest !== null && isDecided(digest)) ?? null;
  }

  /** Who committed a batch, and so can give it. */
  committers(order: number, digest: Digest): ReplicaId[] {
    const commits = this.slots.get(order)?.commits ?? [];
    return [...commits.keys()].filter((id) => {
      const commit = commits[id];
      return commit !== null && commit !== undefined && equalBytes(commit, digest);
    });
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

function countOf(votes: readonly (Digest | null)[], digest: Digest): number {
  let count = 0;
  for (const vote of votes) if (vote !== null && equalBytes(vote, digest)) count += 1;
  return count;
}
