// How Zyzzyva's replicas agree (Kotla et al., SOSP 2007 and TOCS 2009): they execute what their
// leader orders at once, and answer; whether an order stands is for clients to find out, and for
// replicas at times (certification.ts). With what history a view begins is in view-change.ts, and
// how it is established in establishment.ts; the rest is what every protocol with a leader has.

import type { Request } from "../../codec/index.js";
import { type Digest, equalBytes, type ReplicaId, replicaIds } from "../../core/index.js";
import {
  type Agreement,
  type Answer,
  type Batch,
  batchBytes,
  batchDigest,
  extendHistory,
  type LeaderReplica,
  type Plan,
  toReplyMessage,
} from "../../parts/index.js";
import { Answers } from "./answers.js";
import { Certification } from "./certification.js";
import { Establishment } from "./establishment.js";
import { Evidence } from "./evidence.js";
import {
  type Entry,
  type OrderReq,
  proven,
  type Report,
  type SignedOrder,
  type SignedPoint,
  type Zyzzyva,
  type ZyzzyvaMessage,
  type ZyzzyvaNewView,
  type ZyzzyvaRecord,
} from "./messages.js";
import { decide } from "./view-change.js";

/** Bytes of orders sent to one that lacks them, at a time. */
const fillBytes = 1 << 20;

type Message<K extends ZyzzyvaMessage["kind"]> = Extract<ZyzzyvaMessage, { kind: K }>;

/**
 * State, by the paper's names: the history of ORDER-REQs, and the longest commit certificate
 * (`evidence`); what others say of theirs (`certification`); orders that came too early (`early`).
 */
export class ZyzzyvaAgreement implements Agreement<Zyzzyva> {
  private readonly replica: LeaderReplica<Zyzzyva>;
  private readonly evidence = new Evidence();
  private readonly establishment: Establishment;
  private readonly certification: Certification;
  private readonly answers = new Answers();
  /** Orders of the view that came before their predecessors. */
  private readonly early = new Map<number, OrderReq>();
  /** Who was shown another history lately, and bytes sent to those who asked: both are bounded. */
  private readonly shownTo = new Set<ReplicaId>();
  private readonly filledFor = new Map<ReplicaId, number>();
  /** Where the last hole begins that the leader was asked to fill. */
  private hole = 0;

  constructor(replica: LeaderReplica<Zyzzyva>) {
    this.replica = replica;
    this.certification = new Certification(replica, this.evidence);
    this.establishment = new Establishment(replica, (digest, batch) =>
      this.speculate(digest, batch),
    );
  }

  private get state() {
    return this.replica.state;
  }

  private get speculation() {
    return this.replica.state.speculation!;
  }

  private get isEstablished(): boolean {
    return this.certification.isEstablished;
  }

  /** Whether this replica executed all it can show, and nothing else. */
  private get isInStep(): boolean {
    const { speculated, isFetching } = this.state;
    if (!this.isEstablished || isFetching || speculated !== this.evidence.top) return false;
    const history = this.speculation.historyAt(speculated)!;
    this.evidence.startFrom((order) => this.speculation.historyAt(order));
    return equalBytes(history, this.evidence.history);
  }

  onMessage(message: Zyzzyva["message"], from: ReplicaId): void {
    switch (message.kind) {
      case "order-req":
        return this.onOrderReq(message);
      case "reached":
        if (this.certification.onReached(message)) return;
        return this.show(message.replica, message.order);
      case "certified":
        return this.certification.onCertified(from, message);
      case "fill-hole":
        return this.onFillHole(from, message);
      case "misbehaviour":
        return this.onMisbehaviour(message);
      case "view-confirm":
        return this.onViewConfirm(from, message);
      case "established":
        return this.establish(this.establishment.onCertificate(message));
      case "spec-response":
      case "local-commit":
      case "commit":
        return this.replica.outbox.drop("not for replicas");
    }
  }

  onClientMessage(message: Zyzzyva["message"]): void {
    if (message.kind === "commit") this.onCommit(message);
    else if (message.kind === "misbehaviour") this.onMisbehaviour(message);
    else this.replica.outbox.drop("not a client's message");
  }

  // ORDER-REQ: the leader orders, everybody executes at once

  isReady(): boolean {
    return this.isInStep && this.state.speculated === this.replica.proposed;
  }

  propose(order: number, batch: Batch): void {
    const { hash, identity } = this.replica.context;
    const digest = batchDigest(batch, hash);
    const history = extendHistory(this.evidence.history, digest, hash);
    const content = { view: this.replica.view, order, history, batch: digest };
    const proof = identity.sign(proven.order(content, hash));
    const message = { ...content, proof, requests: batch as Request[] };
    this.replica.outbox.broadcast({ ...message, kind: "order-req" });
    this.accept(message);
  }

  private onOrderReq(message: OrderReq): void {
    const { view, order, history } = message;
    const { outbox } = this.replica;
    if (!this.replica.isVotable(view, order)) return outbox.drop("an order out of its time");
    const known = this.orderKnown(view, order);
    if (known !== null) {
      if (!equalBytes(known.history, history)) this.expose(known, message);
      return;
    }
    if (order <= this.state.executed) return; // decided before this came
    if (!this.replica.hasRoom) return outbox.drop("no room for another proposal");
    this.early.set(order, message);
    this.replica.watch();
    this.takeEarly();
    if (order > this.state.speculated) this.askForHole(order - 1);
  }

  /** What the leader signed for an order, as far as this replica knows. */
  private orderKnown(view: number, order: number): SignedOrder | null {
    const early = this.early.get(order);
    if (early !== undefined) return early;
    const entry = this.isEstablished ? this.evidence.get(order) : undefined;
    return entry === undefined || entry.proof === null
      ? null
      : { view, order, history: entry.history, batch: entry.batch, proof: entry.proof };
  }

  /** Executes what follows on what was executed. */
  private takeEarly(): void {
    while (this.replica.views.isInView && this.isInStep) {
      const next = this.early.get(this.state.speculated + 1);
      if (next === undefined) break;
      this.early.delete(next.order);
      const { hash } = this.replica.context;
      const history = extendHistory(this.evidence.history, next.batch, hash);
      if (!equalBytes(history, next.history)) {
        this.replica.outbox.drop("an order after another history");
        break;
      }
      this.accept(next);
    }
  }

  /** From now on this replica answers for the order: it is stored before anything is said. */
  private accept(message: OrderReq): void {
    const { order, batch, requests } = message;
    this.replica.batches.put(batch, requests, order);
    this.replica.outbox.persist({ ...message, kind: "accepted" });
    this.evidence.add({ order, batch, history: message.history, proof: message.proof });
    this.replica.proposed = Math.max(this.replica.proposed, order);
    this.speculate(batch, requests);
    this.respond(order, message);
    this.certification.executed(order);
  }

  private speculate(digest: Digest, batch: Batch): void {
    const executions = this.speculation.speculate(digest, batch);
    this.replica.onSpeculated(executions);
    this.answers.place(this.state.speculated, executions);
  }

  // SPEC-RESPONSE

  private respond(order: number, said: SignedOrder): void {
    const own = this.certification.ownPoint(order, said.history);
    for (const { answer, applied } of this.speculation.executionsAt(order)) {
      if (answer !== null && applied) this.sendResponse(answer, said, own);
    }
  }

  private sendResponse(answer: Answer, said: SignedOrder, own: SignedPoint): void {
    const { client, session, number } = answer;
    const { outcome, results } = toReplyMessage(answer, said.view);
    const { view, order, history, batch, proof } = said;
    this.replica.outbox.reply(client, session, {
      kind: "spec-response",
      view,
      order,
      history,
      batch,
      proof,
      client,
      session,
      number,
      outcome,
      results,
      replica: own.replica,
      signature: own.proof,
    });
  }

  answer(answer: Answer, isAsked: boolean): void {
    if (!isAsked) {
      if (this.answers.decided(answer)) this.replica.intake.reply(answer);
      return;
    }
    if (this.state.isFetching) return; // what it answers from is about to be replaced
    const order = this.answers.placeOf(answer);
    if (order !== null) this.answerAgain(answer, order);
    else if (answer.outcome === "executed" || this.speculation.length === 0) {
      this.replica.intake.reply(answer);
    } else this.answers.refuse(answer, this.state.speculated);
  }

  private answerAgain(answer: Answer, order: number): void {
    this.answers.await(answer);
    const entry = this.isInStep ? this.evidence.get(order) : undefined;
    if (entry === undefined || entry.proof === null || !this.replica.views.isInView) return;
    const said = { ...entry, view: this.replica.view, proof: entry.proof };
    this.sendResponse(answer, said, this.certification.ownPoint(order, entry.history));
  }

  // COMMIT: a client shows a certificate

  private onCommit({ certificate, client, session, number }: Message<"commit">): void {
    const { view, order, history } = certificate;
    if (!this.certification.isCurrent(view))
      return this.replica.outbox.drop("a certificate of another view");
    const name = { client, session, number };
    if (order <= this.state.executed) {
      const answer = this.state.executor.answer(name); // decided before it was shown
      return answer === null ? undefined : this.answer(answer, true);
    }
    if (order > this.evidence.top) return this.askForHole(order);
    if (!this.evidence.has(order, history)) {
      return this.replica.outbox.drop("a certificate of another history");
    }
    this.certification.keep(certificate);
    this.replica.outbox.reply(client, session, {
      kind: "local-commit",
      ...name,
      view,
      order,
      history,
    });
  }

  /** Somebody has another history: what the leader signed here proves which of us it deceives. */
  private show(to: ReplicaId, order: number): void {
    if (this.shownTo.has(to)) return;
    this.shownTo.add(to);
    for (const entry of this.evidence.all()) {
      if (entry.order <= order && entry.order > this.state.executed) this.sendOrder(to, entry);
    }
  }

  decidedAt(order: number): Digest | null {
    return this.certification.decidedAt(order);
  }

  holders(): readonly ReplicaId[] {
    return this.everybody();
  }

  private everybody(): ReplicaId[] {
    return replicaIds(this.replica.context.n);
  }

  hasBeyond(order: number): boolean {
    return !this.isEstablished || this.evidence.top > order || this.early.size > 0;
  }

  onExecuted(order: number): void {
    const entry = this.evidence.get(order);
    const digest = this.state.digestAt(order)!;
    if (entry !== undefined && !equalBytes(entry.batch, digest)) this.evidence.refute(order);
    for (const answer of this.answers.takeRefusals(order)) this.replica.intake.reply(answer);
  }

  onCaughtUp(): void {
    if (this.state.isFetching) return;
    if (this.isEstablished) this.catchUp();
    else this.establish(this.establishment.advance());
    this.takeEarly();
  }

  /** Executes again what this replica has shown that it executed: after a restart. */
  private catchUp(): void {
    this.evidence.startFrom((order) => this.speculation.historyAt(order));
    while (this.state.speculated < this.evidence.top) {
      const order = this.state.speculated + 1;
      const entry = this.evidence.get(order);
      const batch = entry === undefined ? null : this.replica.findBatch(entry.batch, order);
      const before = this.speculation.historyAt(order - 1);
      if (entry === undefined || batch === null || before === null) return;
      const history = extendHistory(before, entry.batch, this.replica.context.hash);
      if (!equalBytes(history, entry.history)) return this.evidence.refute(order);
      this.speculate(entry.batch, batch);
    }
  }

  forget(upTo: number): void {
    this.evidence.forget(upTo);
    this.certification.forget(upTo);
    for (const order of this.early.keys()) if (order <= upTo) this.early.delete(order);
  }

  // FILL-HOLE

  /** Asks the leader for what comes before something known; later everybody is asked. */
  private askForHole(to: number): void {
    const from = this.state.speculated + 1;
    if (this.hole === from || from > to || !this.replica.views.isInView) return;
    this.hole = from;
    const { leader, view } = this.replica.views;
    if (leader !== this.replica.context.replica) {
      this.replica.outbox.send(leader, { kind: "fill-hole", view, from, to });
    }
  }

  private onFillHole(peer: ReplicaId, { view, from, to }: Message<"fill-hole">): void {
    if (!this.isEstablished || view !== this.evidence.established.view) return;
    let bytes = this.filledFor.get(peer) ?? 0;
    for (let order = from; order <= Math.min(to, this.evidence.top); order += 1) {
      const entry = this.evidence.get(order);
      if (entry === undefined || bytes > fillBytes) break;
      bytes += this.sendOrder(peer, entry);
    }
    this.filledFor.set(peer, bytes);
  }

  private sendOrder(peer: ReplicaId, { order, history, batch, proof }: Entry): number {
    const requests = this.replica.batches.get(batch) as Request[] | null;
    if (requests === null || proof === null || peer === this.replica.context.replica) return 0;
    const { view } = this.evidence.established;
    const content = { view, order, history, batch, proof };
    this.replica.outbox.send(peer, { ...content, requests, kind: "order-req" });
    return batchBytes(requests);
  }

  /** A peer that does not get on: what it may lack of this order, and what is said of it. */
  resend(peer: ReplicaId, order: number): number {
    const entry = this.certification.entryAt(order);
    if (entry === undefined) return 0;
    this.certification.resend(peer, entry);
    return this.certification.isLackedBy(peer, order) ? this.sendOrder(peer, entry) : 0;
  }

  onTick(): void {
    this.establishment.tick();
    this.shownTo.clear();
    this.filledFor.clear();
    if (!this.certification.isCurrent(this.replica.view)) return;
    const gapEnd = Math.max(this.certification.top, ...this.early.keys());
    if (gapEnd > this.state.speculated && this.isInStep) {
      const { view } = this.replica;
      const from = this.state.speculated + 1;
      this.replica.outbox.broadcast({ kind: "fill-hole", view, from, to: gapEnd });
    }
    this.hole = 0;
    this.certification.tick();
  }

  // Proof of misbehaviour

  private expose(one: SignedOrder, other: SignedOrder): void {
    const { view, order } = one;
    this.replica.outbox.observe({ event: "dropped", reason: "two orders of one leader" });
    const bare = ({ history, batch, proof }: SignedOrder): SignedOrder => ({
      view,
      order,
      history,
      batch,
      proof,
    });
    this.onMisbehaviour({ kind: "misbehaviour", one: bare(one), other: bare(other) });
  }

  private onMisbehaviour(message: Message<"misbehaviour">): void {
    if (message.one.view !== this.replica.view) return;
    this.replica.outbox.broadcast(message);
    this.replica.views.forsake(message.one.view);
  }

  // VIEW-CHANGE, NEW-VIEW and VIEW-CONFIRM

  report(to: number): Report {
    const { identity, hash, replica } = this.replica.context;
    const content = { replica, to, stable: this.state.stable, ...this.evidence.show() };
    return { ...content, proof: identity.sign(proven.report(content, hash)) };
  }

  decide(reports: readonly Report[]): Plan {
    return decide(reports, this.replica.context.f, this.replica.context.hash);
  }

  announce(view: number, reports: readonly Report[]): ZyzzyvaNewView {
    const { identity, hash } = this.replica.context;
    const content = { view, reports: [...reports] };
    return { ...content, proof: identity.sign(proven.newView(content, hash)) };
  }

  /** Whoever confirmed the view before has its batches, and need not be among those who report. */
  reporters(): readonly ReplicaId[] {
    return this.everybody();
  }

  /** Leaves the history of the view before as far as the new one begins with another. */
  follow(plan: Plan): void {
    this.early.clear();
    this.certification.restart();
    this.hole = 0;
    this.state.rollback(this.establishment.begin(plan));
  }

  onUndone(order: number): void {
    this.answers.undo(order);
  }

  private onViewConfirm(from: ReplicaId, message: SignedPoint): void {
    if (message.view === this.evidence.established.view) {
      this.replica.outbox.send(from, { ...this.evidence.established, kind: "established" });
    } else this.establish(this.establishment.onConfirm(message));
  }

  /**
   * 2f+1 replicas begin the view alike: from now on it may be ordered and answered in. What it
   * begins with stands once as many know that it is established, as with all that follows.
   */
  private establish(begun: ReturnType<Establishment["advance"]>): void {
    if (begun === null) return;
    const { certificate, after, start, base } = begun;
    this.evidence.begin(certificate, after, start, base);
    this.replica.outbox.persist(this.evidence.record);
    this.replica.outbox.broadcast({ ...certificate, kind: "established" });
    this.certification.sayReached(certificate.order);
    this.replica.execute();
  }

  // Coming back

  replay(record: Zyzzyva["record"]): void {
    switch (record.kind) {
      case "accepted":
        return this.replayAccepted(record);
      case "certified":
        if (record.view === this.evidence.established.view) this.evidence.commit = record;
        return;
      case "established":
        return this.replayEstablished(record);
    }
  }

  private replayAccepted(message: OrderReq): void {
    const { view, order, batch, requests } = message;
    if (order <= this.state.checkpoints.stable.order) return;
    this.replica.batches.put(batch, requests, order);
    if (view !== this.evidence.established.view || order !== this.evidence.top + 1) return;
    this.evidence.add({ order, batch, history: message.history, proof: message.proof });
    this.replica.proposed = Math.max(this.replica.proposed, order);
  }

  private replayEstablished(record: Extract<ZyzzyvaRecord, { kind: "established" }>): void {
    const { certificate, after, start } = record;
    let history = start;
    const base = record.base.map((batch, index) => {
      history = extendHistory(history, batch, this.replica.context.hash);
      return { order: after + 1 + index, batch, history, proof: null };
    });
    this.evidence.begin(certificate, after, start, base);
    this.evidence.forget(this.state.checkpoints.stable.order);
    this.establishment.end(certificate.view);
  }

  retained(): readonly ZyzzyvaRecord[] {
    const { view } = this.evidence.established;
    const kept: ZyzzyvaRecord[] = [this.evidence.record];
    for (const { order, batch, history, proof } of this.evidence.all()) {
      const requests = this.replica.batches.get(batch) as Request[] | null;
      if (requests === null || proof === null) continue;
      kept.push({ view, order, history, batch, proof, requests, kind: "accepted" });
    }
    const { commit } = this.evidence;
    if (commit !== null) kept.push({ ...commit, kind: "certified" });
    return kept;
  }
}
