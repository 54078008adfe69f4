// PBFT's replica (Castro and Liskov, OSDI 1999, §4; TOCS 2002, §4): the normal case, checkpoints, and
// what view changes and restarts need of it. What a new view must order is in view-change.ts.

import type { Request } from "../../codec/index.js";
import {
  type Digest,
  type Effect,
  equalBytes,
  type Input,
  type ReplicaContext,
  type ReplicaId,
  type ReplicaMachine,
  type ReplicaStatus,
  unreachable,
} from "../../core/index.js";
import {
  type Batch,
  batchDigest,
  BatchStore,
  type Execution,
  type Executor,
  Hearsay,
  Intake,
  type IntakeHost,
  Outbox,
  Patience,
  ReplicatedState,
  type StateHost,
  ViewChanger,
  type ViewChangeHost,
} from "../../parts/index.js";
import { leaderOf, quorumOf } from "./claims.js";
import {
  type Ballot,
  type Checkpoint,
  type PbftMessage,
  type PbftNewView,
  type PbftRecord,
  type PbftReport,
  type PrePrepare,
  proven,
  type Status,
  type Vote,
} from "./messages.js";
import { OrderLog, type Slot } from "./order-log.js";
import { Ballots, decide, type Plan, plannedAt } from "./view-change.js";

type PbftInput = Input<PbftMessage, PbftRecord>;
type PbftEffect = Effect<PbftMessage, PbftRecord>;

/** Orders executed in a view after which its leader has proved itself: back-off ends. */
const provenOrders = 64;

/** Orders resent to a stalled peer at a time, and their bytes. */
const resendOrders = 128;
const resendBytes = 1 << 20;

/**
 * State, by the paper's names: the view v (`views`); the log of the view's proposals and votes
 * (`log`); 𝒫 and 𝒬, what was prepared and pre-prepared in any view (`ballots`); the stable
 * checkpoint and the service state (`state`).
 */
export class PbftReplica
  implements
    ReplicaMachine<PbftMessage, PbftRecord>,
    IntakeHost,
    StateHost<Checkpoint, PbftRecord>,
    ViewChangeHost<PbftReport, PbftNewView, Plan>
{
  readonly context: ReplicaContext;
  readonly outbox = new Outbox<PbftMessage, PbftRecord>();
  readonly views: ViewChanger<PbftReport, PbftNewView, Plan>;
  readonly state: ReplicatedState<Checkpoint, PbftRecord>;
  readonly log: OrderLog;
  readonly intake: Intake;
  private readonly ballots = new Ballots();
  private readonly batches = new BatchStore();
  private readonly hearsay: Hearsay;
  private readonly patience: Patience;
  private readonly noop: Digest;
  now = 0;
  /** The last order that this replica proposed as leader, or that a leader proposed to it. */
  private proposed = 0;
  private ordersInView = 0;
  private isBatching = false;
  private isWatching = false;
  /** How far each peer had come when it last said so, and when it was last helped. */
  private readonly peers = new Map<ReplicaId, { had: number; helpedAt: number }>();

  constructor(context: ReplicaContext) {
    const { n, f, hash, timing } = context;
    this.context = context;
    this.noop = batchDigest([], hash);
    this.state = new ReplicatedState(this, quorumOf(f));
    this.views = new ViewChanger(this, quorumOf(f));
    this.intake = new Intake(this);
    this.log = new OrderLog(n, f);
    this.hearsay = new Hearsay(n, f);
    this.patience = new Patience(timing);
  }

  step(now: number, input: PbftInput): readonly PbftEffect[] {
    this.now = now;
    switch (input.kind) {
      case "start":
        this.start(input);
        break;
      case "message":
        this.onMessage(input.message, input.from);
        break;
      case "timeout":
        this.onTimeout(input.timer);
        break;
      case "leased":
        break; // no trusted counter takes part
    }
    return this.outbox.take();
  }

  private onMessage(message: PbftMessage, from: ReplicaId | null): void {
    if (message.kind === "request") return this.onRequest(message);
    if (from === null) return this.outbox.drop("not a client's message");
    switch (message.kind) {
      case "pre-prepare":
        return this.onPrePrepare(message);
      case "prepare":
        return this.onPrepare(message);
      case "commit":
        return this.onCommit(message);
      case "checkpoint":
        this.state.onCheckpoint(message.replica, message);
        return this.propose();
      case "view-change":
        return this.views.onReport(message);
      case "new-view":
        return this.views.onNewView(message);
      case "status":
        return this.onStatus(from, message);
      case "decided":
        return this.onDecided(from, message.order, message.batch);
      case "fetch-batch":
        return this.onFetchBatch(from, message.digest);
      case "batch":
        return this.onBatch(message.digest, message.requests);
      case "fetch-manifest":
      case "manifest":
      case "fetch-pages":
      case "pages":
        return this.state.onMessage(message, from);
      case "reply":
        return this.outbox.drop("a reply to a replica");
      default:
        return unreachable(message);
    }
  }

  private onTimeout(timer: string): void {
    if (timer === "batch") {
      this.isBatching = false;
      this.propose();
    } else if (timer === "patience") {
      this.isWatching = false;
      this.onPatience();
    } else if (timer === "status") {
      this.outbox.setTimer("status", this.context.timing.statusMs);
      this.sayStatus();
      this.intake.forward();
      this.state.tick();
      this.batches.askAgain();
      this.views.retry();
      this.execute();
      this.watch();
    }
  }

  // REQUEST

  private onRequest(request: Request): void {
    if (this.intake.isNews(request)) this.intake.admit(request);
  }

  get executor(): Executor {
    return this.state.executor;
  }

  get view(): number {
    return this.views.view;
  }

  get addressee(): ReplicaId | null {
    return this.views.isInView ? this.views.leader : null;
  }

  get isLeading(): boolean {
    return this.views.isInView && this.views.leader === this.context.replica;
  }

  leaderOf(view: number): ReplicaId {
    return leaderOf(view, this.context.n);
  }

  /** Proposes at the end of the turn, so that what came together is ordered together. */
  batchSoon(): void {
    if (this.isBatching) return;
    this.isBatching = true;
    this.outbox.setTimer("batch", 0);
  }

  // PRE-PREPARE

  /** The leader assigns the next orders. */
  private propose(): void {
    while (this.isLeading && this.mayPropose()) {
      const batch = this.intake.pending.takeBatch();
      if (batch.length === 0) return;
      this.sendPrePrepare(this.proposed + 1, batch);
    }
  }

  private mayPropose(): boolean {
    const { limits } = this.context;
    return (
      this.intake.pending.hasUnproposed &&
      this.state.isInWindow(this.proposed + 1) &&
      this.proposed - this.state.reached < limits.pipeline &&
      this.batches.bytes < 2 * limits.checkpointBytes
    );
  }

  private sendPrePrepare(order: number, batch: Batch): void {
    const { hash, identity } = this.context;
    const ballot = { view: this.views.view, order, batch: batchDigest(batch, hash) };
    const proof = identity.authenticate(proven.prePrepare(ballot, hash));
    const message = { ...ballot, proof, requests: batch as Request[] };
    this.accept(message);
    this.outbox.broadcast({ ...message, kind: "pre-prepare" });
    this.advance(order);
  }

  private onPrePrepare(message: PrePrepare): void {
    const { view, order, batch } = message;
    if (!this.isVotable(view, order)) return this.outbox.drop("a proposal out of its time");
    const known = this.log.get(order)?.batch ?? null;
    if (known !== null) {
      if (!equalBytes(known, batch)) this.outbox.drop("a second proposal for an order");
      return;
    }
    if (this.batches.bytes > 4 * this.context.limits.checkpointBytes) {
      return this.outbox.drop("no room for another proposal");
    }
    this.accept(message);
    this.sendPrepare(this.log.slotOf(order), message);
    this.watch();
  }

  /** Messages of the view this replica is in, while it is in it. */
  private isVotable(view: number, order: number): boolean {
    return this.views.isInView && this.isCurrent(view, order);
  }

  /** Votes of the last view entered count for ever: what 2f+1 committed is decided. */
  private isCurrent(view: number, order: number): boolean {
    return view === this.views.entered && this.state.isInWindow(order);
  }

  /** Takes a proposal into the log, durably: from now on this replica answers for its batch. */
  private accept(message: PrePrepare): void {
    const { order, batch, proof, requests } = message;
    this.batches.put(batch, requests, order);
    this.outbox.persist({ ...message, kind: "accepted" });
    this.note(message, proof);
  }

  private note({ view, order, batch }: Ballot, proof: Uint8Array | null): Slot {
    const slot = this.log.slotOf(order);
    slot.batch = batch;
    slot.proof = proof;
    this.ballots.see({ view, order, batch });
    this.proposed = Math.max(this.proposed, order);
    return slot;
  }

  // PREPARE

  private sendPrepare(slot: Slot, ballot: Ballot): void {
    slot.prepare = this.vote("prepare", ballot);
    slot.prepares[this.context.replica] = ballot.batch;
    this.outbox.broadcast({ ...slot.prepare, kind: "prepare" });
    this.advance(slot.order);
  }

  private vote(kind: "prepare" | "commit", { view, order, batch }: Ballot): Vote {
    const { identity, hash, replica } = this.context;
    const ballot = { view, order, batch };
    return { ...ballot, replica, proof: identity.authenticate(proven[kind](ballot, hash)) };
  }

  private onPrepare({ view, order, batch, replica }: Vote): void {
    if (!this.isCurrent(view, order)) return;
    this.log.slotOf(order).prepares[replica] = batch;
    this.advance(order);
  }

  // COMMIT

  /** Votes were added: is the order prepared, or committed? */
  private advance(order: number): void {
    const slot = this.log.get(order);
    if (slot === undefined) return;
    if (slot.commit === null && this.views.isInView && this.log.isPrepared(slot)) {
      this.sendCommit(slot, { view: this.views.view, order, batch: slot.batch! });
    }
    if (order === this.state.executed + 1) this.execute();
  }

  private sendCommit(slot: Slot, ballot: Ballot): void {
    this.ballots.prepare(ballot);
    this.outbox.persist({ ...ballot, kind: "prepared" });
    slot.commit = this.vote("commit", ballot);
    slot.commits[this.context.replica] = ballot.batch;
    this.outbox.broadcast({ ...slot.commit, kind: "commit" });
  }

  private onCommit({ view, order, batch, replica }: Vote): void {
    if (!this.isCurrent(view, order)) return;
    this.log.slotOf(order).commits[replica] = batch;
    this.advance(order);
  }

  // Execution and REPLY

  /** Executes decided orders in sequence. */
  private execute(): void {
    while (!this.state.isFetching) {
      const order = this.state.executed + 1;
      const digest = this.log.committedAt(order) ?? this.hearsay.at(order);
      if (digest === null) break;
      const batch = this.findBatch(digest);
      if (batch === null) {
        const holders = this.log.committers(order, digest);
        this.fetchBatch(digest, order, [...holders, ...this.hearsay.witnesses(order, digest)]);
        break;
      }
      this.state.execute(digest, batch);
    }
    this.propose();
  }

  onExecuted(_order: number, executions: readonly Execution[]): void {
    this.patience.progressed();
    this.intake.settle(executions);
    this.ordersInView += 1;
    if (this.ordersInView === provenOrders) this.patience.reset();
  }

  /** A peer executed this order with this batch (protocols.md P3): believed when f+1 say so. */
  private onDecided(from: ReplicaId, order: number, batch: Digest): void {
    if (!this.state.isInWindow(order) || order <= this.state.executed) return;
    this.hearsay.note(from, order, batch);
    this.execute();
  }

  // Batches by digest

  findBatch(digest: Digest): Batch | null {
    return equalBytes(digest, this.noop) ? [] : this.batches.get(digest);
  }

  private fetchBatch(digest: Digest, order: number, holders: readonly ReplicaId[]): void {
    if (!this.batches.await(digest, order)) return;
    for (const holder of new Set(holders)) {
      if (holder !== this.context.replica) {
        this.outbox.send(holder, { kind: "fetch-batch", digest });
      }
    }
  }

  private onFetchBatch(from: ReplicaId, digest: Digest): void {
    const requests = this.batches.get(digest) as Request[] | null;
    if (requests !== null) this.outbox.send(from, { kind: "batch", digest, requests });
  }

  private onBatch(digest: Digest, requests: Request[]): void {
    if (!this.batches.take(digest, requests)) return;
    this.outbox.persist({ kind: "batch", digest, requests });
    this.views.retry();
    this.execute();
  }

  // CHECKPOINT

  stateCheckpoint(order: number, digest: Digest): Checkpoint {
    const { identity, hash, replica } = this.context;
    const content = { order, digest, replica };
    return { ...content, proof: identity.sign(proven.checkpoint(content, hash)) };
  }

  onSettled(order: number): void {
    this.log.forget(order);
    this.ballots.forget(order);
    this.batches.forget(order);
    this.hearsay.forget(order);
    this.proposed = Math.max(this.proposed, order);
  }

  /** A state was transferred: go on from it. */
  onTransferred(): void {
    this.patience.progressed();
    this.intake.restart();
    this.views.retry();
    this.execute();
    this.watch();
  }

  // VIEW-CHANGE and NEW-VIEW

  report(to: number): PbftReport {
    const { identity, hash, replica } = this.context;
    const { stable } = this.state;
    const { allPrepared: prepared, allSeen: seen } = this.ballots;
    const content = { replica, to, stable, prepared, seen };
    return { ...content, proof: identity.sign(proven.report(content, hash)) };
  }

  decide(reports: readonly PbftReport[]): Plan | null {
    return decide(reports, this.context.f, this.noop);
  }

  announce(view: number, reports: readonly PbftReport[]): PbftNewView {
    const { identity, hash } = this.context;
    const content = { view, reports: [...reports] };
    return { ...content, proof: identity.sign(proven.newView(content, hash)) };
  }

  fetchMissing(plan: Plan, { view, reports }: Omit<PbftNewView, "proof">): number {
    const stable = this.state.checkpoints.stable.order;
    let missing = 0;
    plan.batches.forEach((digest, index) => {
      const order = plan.base + 1 + index;
      if (order <= stable || this.findBatch(digest) !== null) return;
      missing += 1;
      const holders = reports.filter(({ seen }) =>
        seen.some((ballot) => ballot.order === order && equalBytes(ballot.batch, digest)),
      );
      const ids = holders.map(({ replica }) => replica);
      this.fetchBatch(digest, order, [leaderOf(view, this.context.n), ...ids]);
    });
    return missing;
  }

  onLeft(): void {
    this.patience.viewFailed();
    this.patience.restart(this.now);
    this.watch();
  }

  onEntered(plan: Plan): void {
    this.state.adoptStable(plan.stable);
    this.follow(plan);
    this.ordersInView = 0;
    this.patience.restart(this.now);
    this.intake.restart();
    this.execute();
    this.watch();
  }

  /** The view's plan stands for the leader's first proposals: they are voted for as such. */
  private follow(plan: Plan): void {
    this.log.clear();
    this.proposed = Math.max(plan.last, this.state.checkpoints.stable.order);
    const { view } = this.views;
    for (let order = plan.base + 1; order <= plan.last; order += 1) {
      if (!this.state.isInWindow(order)) continue;
      const ballot = { view, order, batch: plannedAt(plan, order)! };
      const slot = this.note(ballot, null);
      if (!this.isLeading) this.sendPrepare(slot, ballot);
    }
  }

  // Patience

  /** Keeps one timer for the oldest request, or for the new view while changing. */
  watch(): void {
    if (this.isWatching) return;
    const remainingMs = this.remainingPatienceMs();
    if (remainingMs === null) return;
    this.isWatching = true;
    this.outbox.setTimer("patience", Math.max(1, remainingMs));
  }

  /** Null while there is nothing to be impatient about. */
  private remainingPatienceMs(): number | null {
    const since = this.views.isInView ? this.waitingSince() : this.views.readySince;
    return since === null ? null : this.patience.remainingMs(since, this.now);
  }

  /** Since when a request waits, or a proposal that is not executed. */
  private waitingSince(): number | null {
    const isBlocked = this.log.hasBeyond(this.state.reached);
    return this.patience.waitingSince(this.intake.pending.oldest, isBlocked, this.now);
  }

  private onPatience(): void {
    if (this.remainingPatienceMs() === 0) {
      this.views.suspect();
      this.patience.restart(this.now);
    }
    this.watch();
  }

  // STATUS: where everybody stands, and retransmission

  sayStatus(): void {
    this.outbox.broadcast({
      kind: "status",
      view: this.views.view,
      entered: this.views.entered,
      stable: this.state.checkpoints.stable.order,
      executed: this.state.executed,
      suspects: this.views.wanted,
    });
  }

  private onStatus(from: ReplicaId, status: Status): void {
    this.views.noteStatus(from, status);
    const peer = this.peers.get(from) ?? { had: -1, helpedAt: Number.NEGATIVE_INFINITY };
    if (this.now - peer.helpedAt < this.context.timing.statusMs / 2) return;
    const isStalled = peer.had === status.executed;
    this.peers.set(from, { had: status.executed, helpedAt: this.now });
    if (status.stable < this.state.checkpoints.stable.order) this.state.sendStable(from);
    this.views.assist(from, status);
    if (isStalled) this.resend(from, status);
  }

  /** To a peer that does not get on: what was decided, and this replica's own part of the rest. */
  private resend(peer: ReplicaId, { executed, entered }: Status): void {
    let bytes = 0;
    const last = executed + resendOrders;
    for (let order = executed + 1; order <= last && bytes < resendBytes; order += 1) {
      const digest = this.state.digestAt(order);
      if (digest !== null) this.outbox.send(peer, { kind: "decided", order, batch: digest });
      const slot = this.log.get(order);
      if (slot === undefined || entered !== this.views.entered) continue;
      bytes += this.resendProposal(peer, slot);
      if (slot.prepare !== null) this.outbox.send(peer, { ...slot.prepare, kind: "prepare" });
      if (slot.commit !== null) this.outbox.send(peer, { ...slot.commit, kind: "commit" });
    }
  }

  /** The leader repeats its proposal; how many bytes that took. */
  private resendProposal(peer: ReplicaId, { order, batch, proof }: Slot): number {
    if (!this.isLeading || batch === null || proof === null) return 0;
    const requests = this.batches.get(batch) as Request[] | null;
    if (requests === null) return 0;
    const ballot = { view: this.views.view, order, batch };
    this.outbox.send(peer, { ...ballot, proof, requests, kind: "pre-prepare" });
    return requests.reduce((sum, { body }) => sum + body.length, 0);
  }

  // Coming back

  private start({ snapshot, journal }: Extract<PbftInput, { kind: "start" }>): void {
    if (snapshot !== null) this.state.restoreSaved(snapshot);
    for (const record of journal) this.replay(record);
    // What a replay says was said in an earlier life; only what it means now is worth telling.
    for (const effect of this.outbox.take()) {
      if (effect.kind === "observe") this.outbox.add(effect);
    }
    this.patience.restart(this.now);
    this.state.resume();
    this.outbox.setTimer("status", this.context.timing.statusMs);
    this.sayStatus();
    this.execute();
    this.watch();
  }

  private replay(record: PbftRecord): void {
    switch (record.kind) {
      case "accepted":
        this.batches.put(record.batch, record.requests, record.order);
        return this.replayProposal(record);
      case "prepared":
        return this.replayPrepared(record);
      case "executed":
      case "stable":
      case "skipped":
        return this.state.replay(record);
      case "left":
        return this.views.restoreLeft(record);
      case "entered": {
        const plan = this.views.restoreEntered(record);
        if (plan !== null) this.follow(plan);
        return;
      }
      case "batch": {
        const window = 2 * this.context.limits.checkpointOrders;
        const last = this.state.checkpoints.stable.order + window;
        return this.batches.put(record.digest, record.requests, last);
      }
      case "seen":
        for (const ballot of record.ballots) this.ballots.see(ballot);
        return;
    }
  }

  private replayProposal(message: PrePrepare): void {
    if (message.order <= this.state.checkpoints.stable.order) return;
    if (message.view !== this.views.entered) return this.ballots.see(message);
    const slot = this.note(message, message.proof);
    const isOwn = this.leaderOf(message.view) === this.context.replica;
    if (!isOwn) this.sendPrepare(slot, message);
  }

  private replayPrepared(ballot: Ballot): void {
    if (ballot.order <= this.state.checkpoints.stable.order) return;
    if (ballot.view === this.views.entered) this.sendCommit(this.log.slotOf(ballot.order), ballot);
    else this.ballots.prepare(ballot);
  }

  /** What must be kept besides the state. */
  retained(): readonly PbftRecord[] {
    const kept: PbftRecord[] = [...this.views.retained()];
    kept.push({ kind: "seen", ballots: this.ballots.allSeen });
    const held = new Set<Slot>();
    for (const slot of this.log.proposed()) {
      const { order, batch, proof } = slot;
      const requests = this.batches.get(batch!) as Request[] | null;
      if (proof === null || requests === null) continue;
      held.add(slot);
      const ballot = { view: this.views.entered, order, batch: batch! };
      kept.push({ ...ballot, proof, requests, kind: "accepted" });
    }
    const isHeld = ({ order, batch }: Ballot) =>
      [...held].some((slot) => slot.order === order && equalBytes(slot.batch!, batch));
    for (const ballot of this.ballots.allSeen) {
      const requests = isHeld(ballot) ? null : (this.batches.get(ballot.batch) as Request[] | null);
      if (requests !== null) kept.push({ kind: "batch", digest: ballot.batch, requests });
    }
    for (const ballot of this.ballots.allPrepared) kept.push({ ...ballot, kind: "prepared" });
    return kept;
  }

  status(): ReplicaStatus {
    return {
      view: this.views.view,
      role: this.role(),
      executed: this.state.executed,
      stable: this.state.checkpoints.stable.order,
      operations: this.state.operations,
    };
  }

  private role(): ReplicaStatus["role"] {
    if (this.state.isFetching) return "catching up";
    if (!this.views.isInView) return "changing view";
    return this.isLeading ? "leader" : "follower";
  }
}
