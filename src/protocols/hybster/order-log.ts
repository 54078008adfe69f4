// The ordering window of one view: proposals, votes, and which orders are committed (hybster.txt
// §5.2.1).

import { type Digest, equalBytes, type ReplicaId } from "../../core/index.js";
import { type Batch, batchBytes } from "../../parts/index.js";
import type { Commit, Header, Prepare } from "./messages.js";

/** One consensus instance of the current view. */
export interface Slot {
  readonly order: number;
  prepare: Header | null;
  batch: Batch;
  bytes: number;
  /** This replica's own COMMIT, to be sent again. */
  commit: Commit | null;
  /** The COMMITs of others: proof for a replica that left the view and cannot add its own. */
  readonly heard: Commit[];
  /** Stored with its proposal: without that, it must not be executed. */
  isDurable: boolean;
  /** What each replica acknowledged; the leader by its proposal. */
  readonly votes: (Digest | null)[];
}

/** Slots for the orders above the stable checkpoint. */
export class OrderLog {
  private readonly slots = new Map<number, Slot>();
  private readonly n: number;
  private readonly quorum: number;
  private bytesHeld = 0;
  /** The highest order with a proposal; 0 if there is none. */
  private top = 0;

  constructor(n: number, quorum: number) {
    this.n = n;
    this.quorum = quorum;
  }

  /** Bytes of all batches held. */
  get bytes(): number {
    return this.bytesHeld;
  }

  get(order: number): Slot | undefined {
    return this.slots.get(order);
  }

  /** Puts a proposal and its batch into its slot, with the leader's vote. */
  propose(prepare: Prepare, batch: Batch): Slot {
    const slot = this.slotOf(prepare.order);
    const { view, order, attestation } = prepare;
    this.top = Math.max(this.top, order);
    slot.prepare = { view, order, batch: prepare.batch, attestation };
    slot.batch = batch;
    this.bytesHeld -= slot.bytes;
    slot.bytes = batchBytes(batch);
    this.bytesHeld += slot.bytes;
    slot.votes[attestation.instance] = prepare.batch;
    return slot;
  }

  hear(commit: Commit): void {
    const { order, batch, attestation } = commit;
    const slot = this.slotOf(order);
    if (slot.votes[attestation.instance] === null) slot.heard.push(commit);
    slot.votes[attestation.instance] = batch;
  }

  vote(order: number, replica: ReplicaId, batch: Digest): void {
    this.slotOf(order).votes[replica] = batch;
  }

  private slotOf(order: number): Slot {
    let slot = this.slots.get(order);
    if (slot === undefined) {
      const votes = new Array<Digest | null>(this.n).fill(null);
      slot = {
        order,
        prepare: null,
        batch: [],
        bytes: 0,
        commit: null,
        heard: [],
        isDurable: false,
        votes,
      };
      this.slots.set(order, slot);
    }
    return slot;
  }

  /** Whether a quorum acknowledged the slot's proposal, the proposal itself included. */
  isCommitted({ prepare, votes }: Slot): boolean {
    if (prepare === null) return false;
    let count = 0;
    for (const vote of votes) if (vote !== null && equalBytes(vote, prepare.batch)) count += 1;
    return count >= this.quorum;
  }

  /**
   * Proposals for consecutive orders from `first` on, as far as they are durable: what this replica
   * reports it must still be able to give after a crash.
   */
  prepares(first: number): Header[] {
    const headers: Header[] = [];
    for (let order = first; ; order += 1) {
      const slot = this.slots.get(order);
      if (!slot?.prepare || !slot.isDurable) return headers;
      headers.push(slot.prepare);
    }
  }

  /** Every slot that has a proposal, by rising order. */
  proposed(): Slot[] {
    return [...this.slots.values()]
      .filter(({ prepare }) => prepare !== null)
      .sort((a, b) => a.order - b.order);
  }

  /** Whether there is a proposal for a later order. */
  hasBeyond(order: number): boolean {
    return this.top > order;
  }

  forget(upTo: number): void {
    if (this.top <= upTo) this.top = 0;
    for (const [order, { bytes }] of this.slots) {
      if (order > upTo) continue;
      this.bytesHeld -= bytes;
      this.slots.delete(order);
    }
  }

  clear(): void {
    this.slots.clear();
    this.top = 0;
    this.bytesHeld = 0;
  }
}
