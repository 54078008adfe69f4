// The slow path of one space: what 2f+1 said of an instance is put to the vote, and decided as in
// PBFT (thesis §4.3.3, as protocols.md §4 (c) corrects it).

import { equalBytes, type ReplicaContext, type ReplicaId } from "../../core/index.js";
import {
  type Ballot,
  ballotIn,
  type Message,
  type Proposal,
  proven,
  type Value,
  valueIn,
} from "./messages.js";
import { combined } from "./owner-change.js";
import { type Slot, votersFor } from "./slot.js";
import type { Space } from "./space.js";

type Place = Pick<Ballot, "view" | "slot">;

/** Votes and decisions on the slots of a space. */
export class Agreement {
  private readonly space: Space;
  private readonly context: ReplicaContext;
  /** Two quorums share a correct replica. */
  private readonly quorum: number;

  constructor(space: Space) {
    const { context } = space;
    this.space = space;
    this.context = context;
    this.quorum = context.n - context.f;
  }

  /** Of the view this replica is in, while it is in it. */
  isVotable(place: Place): boolean {
    return this.space.views.isInView && this.isCurrent(place);
  }

  /** Votes of the last view entered count for ever: what a quorum decided stays decided. */
  private isCurrent({ view, slot }: Place): boolean {
    return view === this.space.views.entered && this.space.slots.isInWindow(slot);
  }

  private slotOf({ slot }: Pick<Ballot, "slot">): Slot {
    return this.space.slots.at(slot, this.space.now);
  }

  /** As the owner: once 2f+1 have said what comes before an instance, that is put to the vote. */
  onAck(ack: Message<"ack">): void {
    const slot = this.space.slots.get(ack.slot);
    if (!this.isVotable(ack) || slot === undefined) return;
    const { replica, batch, dependencies, sequence, proof } = ack;
    slot.opinions[replica] = { replica, batch, dependencies, sequence, proof };
    this.propose(slot);
  }

  /** Liars' opinions wait, if they name what nobody ordered: the vote would wait with them. */
  private propose(slot: Slot): void {
    const { said, proposal } = slot;
    if (said === null || proposal !== null || !this.space.isOwner) return;
    const opinions = slot.opinions
      .filter((one) => one !== null && equalBytes(one.batch, said.batch))
      .map((one) => one!)
      .filter(({ dependencies }) => this.space.replica.precedence.isEvident(dependencies))
      .map(({ replica, dependencies, sequence, proof }) => {
        return { replica, dependencies, sequence, proof };
      })
      .slice(0, this.quorum);
    if (opinions.length < this.quorum) return;
    const { space, view, batch } = said;
    const made = { space, slot: slot.slot, view, batch, opinions };
    slot.proposal = made;
    this.space.outbox.persist({ ...made, kind: "proposed" });
    this.space.outbox.broadcast({ ...made, kind: "propose" });
    this.tryPrepare(slot);
  }

  onPropose(message: Proposal): void {
    if (!this.isVotable(message)) return;
    const slot = this.slotOf(message);
    slot.proposal ??= message;
    this.tryPrepare(slot);
  }

  /** Votes for a proposal, once its batch and all that it names are here. */
  private tryPrepare(slot: Slot): void {
    const { proposal } = slot;
    if (proposal === null || !this.isVotable(proposal)) return;
    const value = combined(proposal.batch, proposal.opinions, this.context.f);
    const { batches, precedence } = this.space.replica;
    const isKnown = batches.get(value.batch) !== null && precedence.isEvident(value.dependencies);
    if (isKnown) this.prepare(slot, value);
  }

  /** What is new elsewhere may be what something here waited for. */
  retry(): void {
    for (const slot of this.space.slots.undecided()) {
      this.propose(slot);
      this.tryPrepare(slot);
    }
  }

  /** One PREPARE for each slot and view. */
  prepare(slot: Slot, value: Value): void {
    const view = this.space.views.entered;
    if (slot.prepared?.view === view || slot.certificate?.view === view) return;
    slot.prepared = { space: this.space.id, slot: slot.slot, view, ...valueIn(value) };
    this.space.replica.precedence.need(value.dependencies);
    this.space.outbox.persist({ ...slot.prepared, kind: "prepared" });
    this.onPrepare(this.sayPrepare(slot.prepared));
  }

  sayPrepare(ballot: Ballot): Message<"prepare"> {
    const { identity, hash, replica } = this.context;
    const proof = identity.sign(proven.prepare(ballot, hash));
    const message = { ...ballot, replica, proof, kind: "prepare" } as const;
    this.space.outbox.broadcast(message);
    return message;
  }

  onPrepare(message: Message<"prepare">): void {
    if (!this.isCurrent(message)) return;
    const slot = this.slotOf(message);
    slot.prepares[message.replica] = message;
    if (!this.space.views.isInView || slot.certificate?.view === message.view) return;
    const votes = votersFor(slot.prepares, message);
    if (votes.length < this.quorum) return;
    const ballot = ballotIn(message);
    const signatures = votes
      .slice(0, this.quorum)
      .map(({ replica, vote: { proof } }) => ({ replica, proof }));
    slot.certificate = { ...ballot, signatures };
    this.space.outbox.persist({ ...slot.certificate, kind: "certified" });
    this.space.outbox.broadcast({ ...ballot, kind: "commit" });
    this.onCommit(this.context.replica, ballot);
  }

  onCommit(from: ReplicaId, ballot: Ballot): void {
    if (!this.isCurrent(ballot)) return;
    const slot = this.slotOf(ballot);
    slot.commits[from] = ballot;
    const votes = votersFor(slot.commits, ballot);
    if (votes.length >= this.quorum) this.decide(slot, ballot);
  }

  /** A peer says that this was decided: believed when f+1 say so. */
  onDecided(from: ReplicaId, message: Message<"decided">): void {
    if (!this.space.slots.isInWindow(message.slot)) return;
    const slot = this.slotOf(message);
    slot.hearsay[from] = message;
    if (votersFor(slot.hearsay, message).length > this.context.f) this.decide(slot, message);
  }

  private decide(slot: Slot, voted: Value): void {
    if (slot.decided !== null) return;
    const value = valueIn(voted);
    this.space.outbox.persist({ kind: "decided", space: this.space.id, slot: slot.slot, ...value });
    this.space.decided(slot, value);
  }
}
