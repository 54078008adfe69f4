// The ordering window of one view: proposals, who accepted them, and who has commit proofs.

import { type Digest, equalBytes, type ReplicaId } from "../../core/index.js";
import { type Ballot, type OrderSlot, OrderWindow, type Vote, Votes } from "../../parts/index.js";
import type { Acceptance, CommitProof } from "./messages.js";
import { type Quorums, quorumsOf } from "./quorums.js";

/** One consensus instance of the view. */
export interface Slot extends OrderSlot {
  isDecided: boolean;
  /** When this replica accepted the batch. */
  acceptedAt: number;
  /** What each replica accepted, and of what each has a commit proof, as it said. */
  readonly accepted: Votes;
  readonly proved: Votes;
  /** Acceptances that are signed, by replica: of two of one replica the later. */
  readonly signed: Map<ReplicaId, Vote>;
  /** This replica's own votes, to be sent again. */
  acceptance: Vote | null;
  signature: Vote | null;
  commitProof: Vote | null;
}

/** Slots for the orders above the stable checkpoint, in the view entered last. */
export class OrderLog extends OrderWindow<Slot> {
  private readonly n: number;
  private readonly quorums: Quorums;

  constructor(n: number, f: number) {
    super();
    this.n = n;
    this.quorums = quorumsOf(n, f);
  }

  protected emptySlot(order: number): Slot {
    return {
      order,
      batch: null,
      isDecided: false,
      acceptedAt: 0,
      accepted: new Votes(this.n),
      proved: new Votes(this.n),
      signed: new Map(),
      acceptance: null,
      signature: null,
      commitProof: null,
    };
  }

  /** What 3f+t+1 replicas accepted. */
  decidedFast({ accepted }: Slot): Digest | null {
    return accepted.reaching(this.quorums.fast);
  }

  /** What 2f+t+1 replicas have commit proofs of. */
  decidedSlowly({ proved }: Slot): Digest | null {
    return proved.reaching(this.quorums.slow);
  }

  decidedAt(order: number): Digest | null {
    const slot = this.get(order);
    return slot === undefined ? null : (this.decidedFast(slot) ?? this.decidedSlowly(slot));
  }

  /** Who accepted a batch, and so can give it. */
  acceptors(order: number, digest: Digest): ReplicaId[] {
    const slot = this.get(order);
    return slot === undefined
      ? []
      : [...new Set([...slot.accepted.voters(digest), ...slot.proved.voters(digest)])];
  }

  /** A commit proof for what this replica accepted; null while too few signed that they did. */
  proofOf({ signed }: Slot, { view, order, batch }: Ballot): CommitProof | null {
    const acceptances: Acceptance[] = [...signed.values()]
      .filter((vote) => equalBytes(vote.batch, batch))
      .map(({ replica, proof }) => ({ replica, proof }))
      .toSorted((a, b) => a.replica - b.replica);
    return acceptances.length < this.quorums.slow ? null : { view, order, batch, acceptances };
  }
}
