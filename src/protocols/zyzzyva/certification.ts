// What replicas find out without clients, so that checkpoints can be taken and nobody waits for a
// client that lies: who executed the same, and who has stored a certificate of it (Kotla et al.,
// TOCS 2009, §3.4).

import { type Digest, equalBytes, type ReplicaId } from "../../core/index.js";
import type { LeaderReplica } from "../../parts/index.js";
import type { Evidence } from "./evidence.js";
import {
  type Certificate,
  type Entry,
  type Point,
  proven,
  type SignedPoint,
  type Zyzzyva,
} from "./messages.js";
import { Tally } from "./tally.js";

/** Replicas compare how far they are so many times between two checkpoints. */
const comparisons = 4;

/** Commit certificates and decisions of the view entered last, once it is established. */
export class Certification {
  private readonly replica: LeaderReplica<Zyzzyva>;
  private readonly evidence: Evidence;
  private readonly tally: Tally;
  /** Everything up to this order is decided. */
  private decidedTo = 0;
  /** The last order that the leader named for comparing: all say whether they are that far. */
  private named = 0;
  /** The last order when time passed last, and the time before. */
  private topBefore = 0;
  private topEarlier = 0;

  constructor(replica: LeaderReplica<Zyzzyva>, evidence: Evidence) {
    const { n, f } = replica.context;
    this.replica = replica;
    this.evidence = evidence;
    this.tally = new Tally(n, n - f);
  }

  /** Whether the view entered last is established: what is ordered in it is executed. */
  get isEstablished(): boolean {
    return this.evidence.established.view === this.replica.views.entered;
  }

  /** Whether a view is the one that this replica is in, and it is established. */
  isCurrent(view: number): boolean {
    return this.replica.views.isInView && this.isEstablished && view === this.replica.view;
  }

  /** What this replica can show of an order in the view entered last. */
  entryAt(order: number): Entry | undefined {
    return this.isEstablished ? this.evidence.get(order) : undefined;
  }

  /** The last order that somebody claims to have executed or seen certified. */
  get top(): number {
    return this.tally.top;
  }

  /** This replica's signature under a point that it executed in the established view. */
  ownPoint(order: number, history: Digest): SignedPoint {
    const { identity, hash, replica } = this.replica.context;
    const known = this.tally.reachedBy(replica, order);
    if (known !== null && equalBytes(known.history, history)) return known;
    const point = { view: this.evidence.established.view, order, history };
    const own = { ...point, replica, proof: identity.sign(proven.reached(point, hash)) };
    this.tally.noteReached(own);
    return own;
  }

  /** Stores the longest commit certificate. */
  keep(certificate: Certificate): void {
    if (certificate.order <= (this.evidence.commit?.order ?? 0)) return;
    this.evidence.commit = certificate;
    this.replica.outbox.persist({ ...certificate, kind: "certified" });
  }

  /** An order was executed: sometimes that is worth saying. */
  executed(order: number): void {
    if (this.isCompared(order) || order === this.named) this.sayReached(order);
    this.certify(order);
  }

  private isCompared(order: number): boolean {
    const { checkpointOrders } = this.replica.context.limits;
    return order % Math.max(1, Math.floor(checkpointOrders / comparisons)) === 0;
  }

  sayReached(order: number): void {
    const entry = this.evidence.get(order);
    if (entry === undefined) return;
    const own = this.ownPoint(order, entry.history);
    this.replica.outbox.broadcast({ ...own, kind: "reached" });
  }

  /** Somebody says what it executed; false if that is something else than here. */
  onReached(message: SignedPoint): boolean {
    const { view, order, history } = message;
    if (!this.replica.isCurrent(view, order)) return true;
    this.tally.noteReached(message);
    const known = this.entryAt(order);
    if (known !== undefined && !equalBytes(known.history, history)) return false;
    if (message.replica === this.replica.views.leader) this.name(order);
    this.certify(order);
    return true;
  }

  /** The leader named an order: everybody says so when it is that far. */
  private name(order: number): void {
    if (order <= this.named) return;
    this.named = order;
    if (this.isCurrent(this.replica.view)) this.sayReached(order);
  }

  /** So many executed the same: that is a commit certificate, and said so. */
  private certify(order: number): void {
    const entry = this.evidence.get(order);
    if (entry === undefined || !this.isCurrent(this.replica.view)) return;
    if (order <= (this.evidence.commit?.order ?? 0)) return;
    const { view } = this.evidence.established;
    const certificate = this.tally.certificate(view, order, entry.history);
    if (certificate === null) return;
    this.keep(certificate);
    this.sayCertified();
  }

  private sayCertified(): void {
    const { commit } = this.evidence;
    if (commit === null) return;
    const { view, order, history } = commit;
    this.tally.noteCertified(this.replica.context.replica, order, history);
    this.replica.outbox.broadcast({ view, order, history, kind: "certified" });
    this.advance(order);
  }

  onCertified(from: ReplicaId, { view, order, history }: Point): void {
    if (!this.replica.isCurrent(view, order)) return;
    this.tally.noteCertified(from, order, history);
    this.advance(order);
  }

  private advance(order: number): void {
    const entry = this.entryAt(order);
    if (entry === undefined || !this.tally.isDecided(order, entry.history)) return;
    this.decidedTo = Math.max(this.decidedTo, order);
    this.replica.execute();
  }

  decidedAt(order: number): Digest | null {
    return order <= this.decidedTo ? (this.evidence.get(order)?.batch ?? null) : null;
  }

  /** What a peer that does not get on may lack of what is said about an order. */
  resend(peer: ReplicaId, { order, history }: Entry): void {
    const { outbox } = this.replica;
    const { established, top, commit } = this.evidence;
    const isSaid = this.isCompared(order) || order === this.named || order === top;
    if (isSaid || order === established.order) {
      outbox.send(peer, { ...this.ownPoint(order, history), kind: "reached" });
    }
    if (commit?.order === order) {
      const { view } = commit;
      outbox.send(peer, { view, order, history: commit.history, kind: "certified" });
    }
  }

  /** Whether a peer lacks an order, as it seems: it had the time to say that it executed it. */
  isLackedBy(peer: ReplicaId, order: number): boolean {
    return order <= this.topEarlier && order > this.tally.highestOf(peer);
  }

  /** Time passed: says again what is not decided yet. */
  tick(): void {
    const { top, commit } = this.evidence;
    const { executed } = this.replica.state;
    for (let order = executed + 1; order < top; order += 1) {
      if (this.isCompared(order)) this.sayReached(order);
    }
    if (this.replica.isLeading) this.named = top;
    if (this.named > executed) this.sayReached(this.named);
    this.topEarlier = this.topBefore;
    this.topBefore = top;
    if ((commit?.order ?? 0) > executed) this.sayCertified();
  }

  forget(upTo: number): void {
    this.tally.forget(upTo);
  }

  /** A view begins: what was said in the one before is over. */
  restart(): void {
    this.tally.clear();
    this.named = 0;
    this.topBefore = 0;
    this.topEarlier = 0;
  }
}
