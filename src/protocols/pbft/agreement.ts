// How PBFT's replicas agree (Castro and Liskov, OSDI 1999, §4; TOCS 2002, §4): PRE-PREPARE, PREPARE
// and COMMIT, and what view changes need of them. What a new view must order is in view-change.ts;
// everything else is what every protocol with a leader has.

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
  type Pbft,
  type PbftNewView,
  type PbftRecord,
  type PbftReport,
  proven,
} from "./messages.js";
import { OrderLog, type Slot } from "./order-log.js";
import { Ballots, decide } from "./view-change.js";

/**
 * State, by the paper's names: the log of the view's proposals and votes (`log`); 𝒫 and 𝒬, what
 * was prepared and pre-prepared in any view (`ballots`).
 */
export class PbftAgreement implements Agreement<Pbft> {
  private readonly replica: LeaderReplica<Pbft>;
  private readonly log: OrderLog;
  private readonly ballots = new Ballots();

  constructor(replica: LeaderReplica<Pbft>) {
    this.replica = replica;
    this.log = new OrderLog(replica.context.n, replica.context.f);
  }

  onMessage(message: Pbft["message"]): void {
    switch (message.kind) {
      case "pre-prepare":
        return this.onPrePrepare(message);
      case "prepare":
        return this.onPrepare(message);
      case "commit":
        return this.onCommit(message);
      default:
        return unreachable(message);
    }
  }

  // PRE-PREPARE

  propose(order: number, batch: Batch): void {
    const { hash, identity } = this.replica.context;
    const ballot = { view: this.replica.view, order, batch: batchDigest(batch, hash) };
    const proof = identity.authenticate(proven.prePrepare(ballot, hash));
    const message = { ...ballot, proof, requests: batch as Request[] };
    this.accept(message);
    this.replica.outbox.broadcast({ ...message, kind: "pre-prepare" });
  }

  private onPrePrepare(message: Proposal): void {
    const { view, order, batch } = message;
    const { outbox } = this.replica;
    if (!this.replica.isVotable(view, order)) return outbox.drop("a proposal out of its time");
    const known = this.log.get(order)?.batch ?? null;
    if (known !== null) {
      if (!equalBytes(known, batch)) outbox.drop("a second proposal for an order");
      return;
    }
    if (!this.replica.hasRoom) return outbox.drop("no room for another proposal");
    this.accept(message);
    this.sendPrepare(this.log.slotOf(order), message);
    this.replica.watch();
  }

  /** Takes a proposal into the log, durably: from now on this replica answers for its batch. */
  private accept(message: Proposal): void {
    const { order, batch, proof, requests } = message;
    this.replica.batches.put(batch, requests, order);
    this.replica.outbox.persist({ ...message, kind: "accepted" });
    this.note(message, proof);
  }

  private note({ view, order, batch }: Ballot, proof: Uint8Array | null): Slot {
    const slot = this.log.slotOf(order);
    slot.view = view;
    slot.batch = batch;
    slot.proof = proof;
    this.ballots.see({ view, order, batch });
    this.replica.proposed = Math.max(this.replica.proposed, order);
    return slot;
  }

  // PREPARE

  private sendPrepare(slot: Slot, ballot: Ballot): void {
    slot.prepare = this.vote("prepare", ballot);
    slot.prepares.cast(this.replica.context.replica, ballot.batch);
    this.replica.outbox.broadcast({ ...slot.prepare, kind: "prepare" });
    this.advance(slot);
  }

  private vote(kind: "prepare" | "commit", { view, order, batch }: Ballot): Vote {
    const { identity, hash, replica } = this.replica.context;
    const ballot = { view, order, batch };
    return { ...ballot, replica, proof: identity.authenticate(proven[kind](ballot, hash)) };
  }

  private onPrepare({ view, order, batch, replica }: Vote): void {
    if (!this.replica.isCurrent(view, order)) return;
    const slot = this.log.slotOf(order);
    slot.prepares.cast(replica, batch);
    this.advance(slot);
  }

  // COMMIT

  /** Votes were added: is the order prepared, or committed? */
  private advance(slot: Slot): void {
    if (slot.commit === null && this.replica.views.isInView && this.log.isPrepared(slot)) {
      this.sendCommit(slot, { view: this.replica.view, order: slot.order, batch: slot.batch! });
    }
    this.replica.votesAdded(slot.order);
  }

  private sendCommit(slot: Slot, { view, order, batch }: Ballot): void {
    const ballot = { view, order, batch };
    this.ballots.prepare(ballot);
    this.replica.outbox.persist({ ...ballot, kind: "prepared" });
    slot.commit = this.vote("commit", ballot);
    slot.commits.cast(this.replica.context.replica, batch);
    this.replica.outbox.broadcast({ ...slot.commit, kind: "commit" });
  }

  private onCommit({ view, order, batch, replica }: Vote): void {
    if (!this.replica.isCurrent(view, order)) return;
    const slot = this.log.slotOf(order);
    slot.commits.cast(replica, batch);
    this.advance(slot);
  }

  decidedAt(order: number): Digest | null {
    return this.log.committedAt(order);
  }

  holders(order: number, digest: Digest): readonly ReplicaId[] {
    return this.log.committers(order, digest);
  }

  hasBeyond(order: number): boolean {
    return this.log.hasBeyond(order);
  }

  forget(upTo: number): void {
    this.log.forget(upTo);
    this.ballots.forget(upTo);
  }

  resend(peer: ReplicaId, order: number): number {
    const slot = this.log.get(order);
    if (slot === undefined) return 0;
    const { outbox } = this.replica;
    const bytes = this.resendProposal(peer, slot);
    if (slot.prepare !== null) outbox.send(peer, { ...slot.prepare, kind: "prepare" });
    if (slot.commit !== null) outbox.send(peer, { ...slot.commit, kind: "commit" });
    return bytes;
  }

  private resendProposal(peer: ReplicaId, { order, batch, proof }: Slot): number {
    if (!this.replica.isLeading || batch === null || proof === null) return 0;
    const requests = this.replica.batches.get(batch) as Request[] | null;
    if (requests === null) return 0;
    const ballot = { view: this.replica.view, order, batch };
    this.replica.outbox.send(peer, { ...ballot, proof, requests, kind: "pre-prepare" });
    return batchBytes(requests);
  }

  // VIEW-CHANGE and NEW-VIEW

  report(to: number): PbftReport {
    const { identity, hash, replica } = this.replica.context;
    const { stable } = this.replica.state;
    const { allPrepared: prepared, allSeen: seen } = this.ballots;
    const content = { replica, to, stable, prepared, seen };
    return { ...content, proof: identity.sign(proven.report(content, hash)) };
  }

  decide(reports: readonly PbftReport[]): Plan | null {
    return decide(reports, this.replica.context.f, this.replica.noop);
  }

  announce(view: number, reports: readonly PbftReport[]): PbftNewView {
    const { identity, hash } = this.replica.context;
    const content = { view, reports: [...reports] };
    return { ...content, proof: identity.sign(proven.newView(content, hash)) };
  }

  reporters(reports: readonly PbftReport[], order: number, digest: Digest): ReplicaId[] {
    const hasIt = ({ seen }: PbftReport) =>
      seen.some((ballot) => ballot.order === order && equalBytes(ballot.batch, digest));
    return reports.filter(hasIt).map(({ replica }) => replica);
  }

  follow({ base, batches }: Plan): void {
    this.log.clear();
    const { view, isLeading } = this.replica;
    batches.forEach((batch, index) => {
      const ballot = { view, order: base + 1 + index, batch };
      if (!this.replica.state.isInWindow(ballot.order)) return;
      const slot = this.note(ballot, null);
      if (!isLeading) this.sendPrepare(slot, ballot);
    });
  }

  // Coming back

  replay(record: Pbft["record"]): void {
    switch (record.kind) {
      case "accepted":
        this.replica.batches.put(record.batch, record.requests, record.order);
        return this.replayProposal(record);
      case "prepared":
        return this.replayPrepared(record);
      case "seen":
        for (const ballot of record.ballots) this.ballots.see(ballot);
        return;
      default:
        return unreachable(record);
    }
  }

  private replayProposal(message: Proposal): void {
    if (message.order <= this.replica.state.checkpoints.stable.order) return;
    if (message.view !== this.replica.views.entered) return this.ballots.see(message);
    const slot = this.note(message, message.proof);
    const isOwn = this.replica.leaderOf(message.view) === this.replica.context.replica;
    if (!isOwn) this.sendPrepare(slot, message);
  }

  private replayPrepared(ballot: Ballot): void {
    if (ballot.order <= this.replica.state.checkpoints.stable.order) return;
    if (ballot.view !== this.replica.views.entered) return this.ballots.prepare(ballot);
    this.sendCommit(this.log.slotOf(ballot.order), ballot);
  }

  retained(): readonly PbftRecord[] {
    const kept: PbftRecord[] = [{ kind: "seen", ballots: this.ballots.allSeen }];
    // As a view begins, a state may be saved while the log is still that of the one before.
    for (const { view, order, batch, proof } of this.log.proposed()) {
      const requests = this.replica.batches.get(batch!) as Request[] | null;
      if (proof === null || requests === null) continue;
      kept.push({ view, order, batch: batch!, proof, requests, kind: "accepted" });
    }
    for (const ballot of this.ballots.allPrepared) kept.push({ ...ballot, kind: "prepared" });
    return kept;
  }
}
