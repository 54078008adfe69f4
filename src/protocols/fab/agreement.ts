// How FaB's replicas agree (Martin and Alvisi, TDSC 2006, §5): PROPOSE and ACCEPTED; if that takes
// too long, signed ACCEPTED and COMMITPROOF; and what view changes need of them. What a new view
// must order is in recovery.ts; everything else is what every protocol with a leader has.

import type { Request } from "../../codec/index.js";
import { type Digest, equalBytes, type ReplicaId, unreachable } from "../../core/index.js";
import {
  type Agreement,
  type Ballot,
  type Batch,
  batchBytes,
  batchDigest,
  type LeaderReplica,
  type Plan,
  type Proposal,
  type Vote,
} from "../../parts/index.js";
import {
  type CommitProof,
  type Fab,
  type FabNewView,
  type FabRecord,
  type FabReport,
  proven,
} from "./messages.js";
import { OrderLog, type Slot } from "./order-log.js";
import { decide, Past } from "./recovery.js";

/** The timer of the slow path. */
const slowPath = "slow path";

/**
 * State: the log of the view's proposals and votes (`log`); what this replica accepted and has
 * proofs of, in any view (`past`).
 */
export class FabAgreement implements Agreement<Fab> {
  private readonly replica: LeaderReplica<Fab>;
  private readonly log: OrderLog;
  private readonly past = new Past();
  /** When the timer of the slow path runs out that was set last. */
  private slowPathAt = 0;
  /** How long the fast path is given: longer where it has come in time after all. */
  private fastPathMs: number;
  /** The slow path decided first last time: both begin at once. */
  private isFastPathLate = false;

  constructor(replica: LeaderReplica<Fab>) {
    this.replica = replica;
    this.fastPathMs = replica.context.timing.fastPathMs;
    this.log = new OrderLog(replica.context.n, replica.context.f);
  }

  onMessage(message: Fab["message"]): void {
    switch (message.kind) {
      case "propose":
        return this.onPropose(message);
      case "accepted":
        return this.onAccepted(message);
      case "signed-accepted":
        return this.onSignedAccepted(message);
      case "commit-proof":
        return this.onCommitProof(message);
      default:
        return unreachable(message);
    }
  }

  // PROPOSE

  propose(order: number, batch: Batch): void {
    const ballot = { view: this.replica.view, order, batch: batchDigest(batch, this.hash) };
    const requests = batch as Request[];
    const slot = this.accept(ballot, requests);
    this.replica.outbox.broadcast(this.proposal(ballot, requests));
    this.support(slot);
  }

  private proposal({ view, order, batch }: Ballot, requests: Request[]): Fab["message"] {
    const ballot = { view, order, batch };
    const proof = this.replica.context.identity.authenticate(proven.propose(ballot, this.hash));
    return { ...ballot, proof, requests, kind: "propose" };
  }

  private onPropose(message: Proposal): void {
    const { view, order, batch, requests } = message;
    const { outbox } = this.replica;
    if (!this.replica.isVotable(view, order)) return outbox.drop("a proposal out of its time");
    const known = this.log.get(order)?.batch ?? null;
    if (known !== null) {
      if (!equalBytes(known, batch)) outbox.drop("a second proposal for an order");
      return;
    }
    if (!this.replica.hasRoom) return outbox.drop("no room for another proposal");
    this.support(this.accept({ view, order, batch }, requests));
    this.replica.watch();
  }

  /** Takes a proposal into the log, durably: from now on this replica answers for its batch. */
  private accept(ballot: Ballot, requests: Request[]): Slot {
    this.replica.batches.put(ballot.batch, requests, ballot.order);
    this.replica.outbox.persist({ ...ballot, requests, kind: "accepted" });
    return this.note(ballot);
  }

  /** A proposal counts as its leader's ACCEPTED. */
  private note({ view, order, batch }: Ballot): Slot {
    const slot = this.log.slotOf(order);
    slot.batch = batch;
    slot.acceptedAt = this.replica.now;
    slot.accepted.cast(this.replica.leaderOf(view), batch);
    this.past.accept({ view, order, batch });
    this.replica.proposed = Math.max(this.replica.proposed, order);
    return slot;
  }

  // ACCEPTED, and the fast path

  /** Says that this replica accepted what stands in a slot. */
  private support(slot: Slot): void {
    if (!this.replica.isLeading) {
      slot.acceptance = this.authenticated("accepted", this.ballotOf(slot));
      this.replica.outbox.broadcast({ ...slot.acceptance, kind: "accepted" });
      slot.accepted.cast(this.self, slot.batch!);
    }
    if (this.isFastPathLate) this.sign(slot);
    else this.limitFastPath(this.fastPathMs);
    this.advance(slot);
  }

  private onAccepted({ view, order, batch, replica }: Vote): void {
    if (!this.replica.isCurrent(view, order)) return;
    const slot = this.log.slotOf(order);
    slot.accepted.cast(replica, batch);
    this.advance(slot);
  }

  // Signed ACCEPTED, and the slow path

  private limitFastPath(ms: number): void {
    if (this.replica.now < this.slowPathAt) return;
    this.slowPathAt = this.replica.now + ms;
    this.replica.outbox.setTimer(slowPath, ms);
  }

  onTimeout(timer: string): void {
    if (timer !== slowPath) return;
    const { now } = this.replica;
    const open = this.log.proposed().filter((slot) => this.isOpen(slot));
    const msLeft = ({ acceptedAt }: Slot) => acceptedAt + this.fastPathMs - now;
    for (const slot of open) {
      if (msLeft(slot) > 0) continue;
      this.sign(slot);
      this.advance(slot);
    }
    const waits = open.map(msLeft).filter((ms) => ms > 0);
    if (waits.length > 0) this.limitFastPath(Math.min(...waits));
  }

  private isOpen({ order, signature }: Slot): boolean {
    if (signature !== null || order <= this.replica.state.executed) return false;
    return this.log.decidedAt(order) === null;
  }

  private sign(slot: Slot): void {
    if (slot.signature !== null || slot.batch === null || !this.replica.views.isInView) return;
    const { identity } = this.replica.context;
    const ballot = this.ballotOf(slot);
    const proof = identity.sign(proven.accepted(ballot, this.hash));
    slot.signature = { ...ballot, replica: this.self, proof };
    slot.signed.set(this.self, slot.signature);
    this.replica.outbox.broadcast({ ...slot.signature, kind: "signed-accepted" });
  }

  /** Who hears a signed ACCEPTED signs as well: for somebody the fast path took too long. */
  private onSignedAccepted(vote: Vote): void {
    if (!this.replica.isCurrent(vote.view, vote.order)) return;
    const slot = this.log.slotOf(vote.order);
    slot.signed.set(vote.replica, vote);
    this.sign(slot);
    this.onAccepted(vote);
  }

  // COMMITPROOF

  /** Votes were added: is there a commit proof, or a decision? */
  private advance(slot: Slot): void {
    if (slot.commitProof === null && slot.batch !== null && this.replica.views.isInView) {
      const proof = this.log.proofOf(slot, this.ballotOf(slot));
      if (proof !== null) this.sendCommitProof(slot, proof);
    }
    if (!slot.isDecided && this.log.decidedAt(slot.order) !== null) this.onDecided(slot);
    this.replica.votesAdded(slot.order);
  }

  /** Which path was first says what the next order needs. */
  private onDecided(slot: Slot): void {
    slot.isDecided = true;
    this.isFastPathLate = this.log.decidedFast(slot) === null;
    if (this.isFastPathLate || slot.signature === null) return;
    this.fastPathMs = Math.min(2 * this.fastPathMs, this.replica.context.timing.patienceMs / 4);
  }

  private sendCommitProof(slot: Slot, proof: CommitProof): void {
    this.past.prove(proof);
    this.replica.outbox.persist({ ...proof, kind: "proved" });
    slot.commitProof = this.authenticated("commitProof", proof);
    slot.proved.cast(this.self, proof.batch);
    this.replica.outbox.broadcast({ ...slot.commitProof, kind: "commit-proof" });
  }

  private onCommitProof({ view, order, batch, replica }: Vote): void {
    if (!this.replica.isCurrent(view, order)) return;
    const slot = this.log.slotOf(order);
    slot.proved.cast(replica, batch);
    this.advance(slot);
  }

  private authenticated(kind: "accepted" | "commitProof", { view, order, batch }: Ballot): Vote {
    const ballot = { view, order, batch };
    const proof = this.replica.context.identity.authenticate(proven[kind](ballot, this.hash));
    return { ...ballot, replica: this.self, proof };
  }

  private ballotOf({ order, batch }: Slot): Ballot {
    return { view: this.replica.views.entered, order, batch: batch! };
  }

  private get self(): ReplicaId {
    return this.replica.context.replica;
  }

  private get hash() {
    return this.replica.context.hash;
  }

  decidedAt(order: number): Digest | null {
    return this.log.decidedAt(order);
  }

  holders(order: number, digest: Digest): readonly ReplicaId[] {
    return this.log.acceptors(order, digest);
  }

  hasBeyond(order: number): boolean {
    return this.log.hasBeyond(order);
  }

  forget(upTo: number): void {
    this.log.forget(upTo);
    this.past.forget(upTo);
  }

  /** A peer that does not get on may need the slow path. */
  resend(peer: ReplicaId, order: number): number {
    const slot = this.log.get(order);
    if (slot === undefined) return 0;
    const { outbox } = this.replica;
    const bytes = this.resendProposal(peer, slot);
    this.sign(slot);
    const { acceptance, signature, commitProof } = slot;
    if (acceptance !== null) outbox.send(peer, { ...acceptance, kind: "accepted" });
    if (signature !== null) outbox.send(peer, { ...signature, kind: "signed-accepted" });
    if (commitProof !== null) outbox.send(peer, { ...commitProof, kind: "commit-proof" });
    return bytes;
  }

  private resendProposal(peer: ReplicaId, slot: Slot): number {
    if (!this.replica.isLeading || slot.batch === null) return 0;
    const requests = this.replica.batches.get(slot.batch) as Request[] | null;
    if (requests === null) return 0;
    this.replica.outbox.send(peer, this.proposal(this.ballotOf(slot), requests));
    return batchBytes(requests);
  }

  // Recovery: VIEW-CHANGE and NEW-VIEW

  report(to: number): FabReport {
    const { identity, replica } = this.replica.context;
    const { stable } = this.replica.state;
    const { allAccepted: accepted, allProofs: proofs } = this.past;
    const content = { replica, to, stable, accepted, proofs };
    return { ...content, proof: identity.sign(proven.report(content, this.hash)) };
  }

  decide(reports: readonly FabReport[]): Plan {
    return decide(reports, this.replica.context, this.replica.noop);
  }

  announce(view: number, reports: readonly FabReport[]): FabNewView {
    const content = { view, reports: [...reports] };
    const proof = this.replica.context.identity.sign(proven.newView(content, this.hash));
    return { ...content, proof };
  }

  reporters(reports: readonly FabReport[], order: number, digest: Digest): ReplicaId[] {
    const isIt = (one: Ballot) => one.order === order && equalBytes(one.batch, digest);
    return reports.flatMap(({ replica, accepted, proofs }) => {
      const signers = proofs.find(isIt)?.acceptances.map((acceptance) => acceptance.replica) ?? [];
      return accepted.some(isIt) ? [replica, ...signers] : signers;
    });
  }

  /** The plan counts as the leader's proposals: whoever enters the view accepts them. */
  follow({ base, batches }: Plan): void {
    this.log.clear();
    this.isFastPathLate = false; // peers still enter the view
    const { view, state } = this.replica;
    batches.forEach((batch, index) => {
      const order = base + 1 + index;
      if (order <= state.checkpoints.stable.order) return;
      this.support(this.note({ view, order, batch }));
    });
  }

  // Coming back

  replay(record: Fab["record"]): void {
    switch (record.kind) {
      case "accepted":
        this.replica.batches.put(record.batch, record.requests, record.order);
        return this.replayBallot(record);
      case "ballots":
        return record.ballots.forEach((ballot) => this.replayBallot(ballot));
      case "proved":
        return this.replayProof(record);
      default:
        return unreachable(record);
    }
  }

  private replayBallot(ballot: Ballot): void {
    if (ballot.order <= this.replica.state.checkpoints.stable.order) return;
    if (ballot.view === this.replica.views.entered) this.support(this.note(ballot));
    else this.past.accept(ballot);
  }

  private replayProof(proof: CommitProof): void {
    if (proof.order <= this.replica.state.checkpoints.stable.order) return;
    if (proof.view !== this.replica.views.entered) return this.past.prove(proof);
    this.sendCommitProof(this.log.slotOf(proof.order), proof);
  }

  retained(): readonly FabRecord[] {
    const kept: FabRecord[] = [{ kind: "ballots", ballots: this.past.allAccepted }];
    for (const { view, order, batch, acceptances } of this.past.allProofs) {
      kept.push({ kind: "proved", view, order, batch, acceptances });
    }
    return kept;
  }
}
