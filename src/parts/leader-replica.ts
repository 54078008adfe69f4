// A replica of a protocol with a leader, but for how its replicas agree on an order: that is the
// protocol's. Here is what all of them need: requests and batches on their way in, execution in
// order, checkpoints and state transfer, suspicion and view changes, helping peers that are behind,
// and coming back after a restart.

import type { Request } from "../codec/index.js";
import {
  type Digest,
  type Effect,
  equalBytes,
  type Input,
  type ReplicaContext,
  type ReplicaId,
  type ReplicaMachine,
  type ReplicaStatus,
  toHex,
} from "../core/index.js";
import type { Agreement, Dialect, MessageIn, RecordIn } from "./agreement.js";
import { type Batch, batchDigest } from "./batch.js";
import { BatchStore, type HeldBatch } from "./batch-store.js";
import type { Answer, Execution, Executor } from "./executor.js";
import { Hearsay } from "./hearsay.js";
import { Intake, type IntakeHost } from "./intake.js";
import {
  type Ballot,
  type Checkpoint,
  checkpointDigest,
  isLeaderMessage,
  isLeaderRecord,
  type LeaderMessage,
  leaderOf,
  type LeaderRecord,
  type Status,
} from "./leader-messages.js";
import { Outbox } from "./outbox.js";
import { Patience } from "./patience.js";
import type { Plan } from "./plan.js";
import { ReplicatedState, type StateHost } from "./replicated-state.js";
import { ThroughputFloor } from "./throughput-floor.js";
import { ViewChanger, type ViewChangeHost } from "./view-changer.js";

/** Orders executed in a view after which its leader has proved itself: back-off ends. */
const provenOrders = 64;

/** Orders resent to a stalled peer at a time, and their bytes. */
const resendOrders = 128;
const resendBytes = 1 << 20;

/** Whether a record has a batch in it, with its digest. */
const holdsBatch = (record: object): record is Ballot => "requests" in record && "batch" in record;

/** All of a replica but its {@link Agreement}. */
export class LeaderReplica<D extends Dialect>
  implements
    ReplicaMachine<MessageIn<D>, RecordIn<D>>,
    IntakeHost,
    StateHost<Checkpoint, RecordIn<D>>,
    ViewChangeHost<D["report"], D["newView"], Plan>
{
  readonly context: ReplicaContext;
  readonly outbox = new Outbox<MessageIn<D>, RecordIn<D>>();
  readonly views: ViewChanger<D["report"], D["newView"], Plan>;
  readonly state: ReplicatedState<Checkpoint, RecordIn<D>>;
  readonly intake: Intake;
  readonly batches = new BatchStore();
  /** The digest of an empty batch: an order at which nothing happens. */
  readonly noop: Digest;
  private readonly agreement: Agreement<D>;
  private readonly hearsay: Hearsay;
  private readonly patience: Patience;
  private readonly floor: ThroughputFloor;
  now = 0;
  /** The last order that this replica proposed as leader, or that a leader proposed to it. */
  proposed = 0;
  private ordersInView = 0;
  /** Bytes of batches held since before the view began. */
  private bytesLeftBehind = 0;
  private isBatching = false;
  /** When the timer of patience is due; null while it is not set. */
  private watchUntil: number | null = null;
  /** How far each peer had come when it last said so, and when it was last helped. */
  private readonly peers = new Map<ReplicaId, { had: number; helpedAt: number }>();

  /** `speculates`: whether orders are executed before they are decided. */
  constructor(
    context: ReplicaContext,
    agreementOf: (replica: LeaderReplica<D>) => Agreement<D>,
    { speculates } = { speculates: false },
  ) {
    const { n, f, hash, timing } = context;
    this.context = context;
    this.noop = batchDigest([], hash);
    this.state = new ReplicatedState(this, n - f, speculates);
    this.views = new ViewChanger(this, n - f);
    this.intake = new Intake(this);
    this.hearsay = new Hearsay(n, f);
    this.patience = new Patience(timing);
    this.floor = new ThroughputFloor(timing, n);
    this.agreement = agreementOf(this);
  }

  step(
    now: number,
    input: Input<MessageIn<D>, RecordIn<D>>,
  ): readonly Effect<MessageIn<D>, RecordIn<D>>[] {
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

  private onMessage(message: MessageIn<D>, from: ReplicaId | null): void {
    if (!isLeaderMessage(message)) {
      if (from === null) this.agreement.onClientMessage?.(message);
      else this.agreement.onMessage(message, from);
      return;
    }
    const shared = message as LeaderMessage<D["report"], D["newView"]>;
    if (shared.kind === "request") return this.onRequest(shared);
    if (from === null) return this.outbox.drop("not a client's message");
    switch (shared.kind) {
      case "checkpoint":
        this.state.onCheckpoint(shared.replica, shared);
        return this.propose();
      case "view-change":
        return this.views.onReport(shared);
      case "new-view":
        return this.views.onNewView(shared);
      case "status":
        return this.onStatus(from, shared);
      case "decided":
        return this.onDecided(from, shared.order, shared.batch);
      case "fetch-batch":
        return this.onFetchBatch(from, shared.digest);
      case "batch":
        return this.onBatch(shared.digest, shared.requests);
      case "fetch-manifest":
      case "manifest":
      case "fetch-pages":
      case "pages":
        return this.state.onMessage(shared, from);
      case "reply":
        return this.outbox.drop("a reply to a replica");
    }
  }

  private onTimeout(timer: string): void {
    if (timer === "batch") {
      this.isBatching = false;
      this.propose();
    } else if (timer === "patience") {
      this.watchUntil = null;
      this.onPatience();
    } else if (timer === "status") {
      this.outbox.setTimer("status", this.context.timing.statusMs);
      this.sayStatus();
      this.intake.forward();
      this.state.tick();
      this.batches.askAgain();
      this.views.retry();
      this.agreement.onTick?.();
      this.execute();
      this.compare();
      this.watch();
    } else {
      this.agreement.onTimeout?.(timer);
    }
  }

  // Requests, and their batches

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

  /** Answers a client: as the protocol does, or with the reply that all protocols have. */
  answer(answer: Answer, isAsked: boolean): void {
    if (this.agreement.answer === undefined) this.intake.reply(answer);
    else this.agreement.answer(answer, isAsked);
  }

  /** Proposes at the end of the turn, so that what came together is ordered together. */
  batchSoon(): void {
    if (this.isBatching) return;
    this.isBatching = true;
    this.outbox.setTimer("batch", 0);
  }

  /** The leader assigns the next orders. */
  private propose(): void {
    while (this.isLeading && this.mayPropose()) {
      const batch = this.intake.pending.takeBatch();
      if (batch.length === 0) return;
      this.agreement.propose(this.proposed + 1, batch);
    }
  }

  private mayPropose(): boolean {
    const { limits } = this.context;
    return (
      this.intake.pending.hasUnproposed &&
      (this.agreement.isReady?.() ?? true) &&
      this.state.isInWindow(this.proposed + 1) &&
      this.proposed - Math.max(this.state.reached, this.state.speculated) < limits.pipeline &&
      this.bytesOfView < 2 * limits.checkpointBytes
    );
  }

  /** Whether a backup takes another proposal: a leader that exceeds its limits is not served. */
  get hasRoom(): boolean {
    return this.bytesOfView <= 4 * this.context.limits.checkpointBytes;
  }

  /** What a view's leader made this replica hold; not what earlier leaders left behind. */
  private get bytesOfView(): number {
    return this.batches.bytes - this.bytesLeftBehind;
  }

  /** Messages of the view this replica is in, while it is in it. */
  isVotable(view: number, order: number): boolean {
    return this.views.isInView && this.isCurrent(view, order);
  }

  /** Votes of the last view entered count for ever: what a quorum decided stays decided. */
  isCurrent(view: number, order: number): boolean {
    return view === this.views.entered && this.state.isInWindow(order);
  }

  // Execution

  /** Votes for an order were added. */
  votesAdded(order: number): void {
    if (order === this.state.executed + 1) this.execute();
  }

  /** Executes decided orders in sequence. */
  execute(): void {
    while (!this.state.isFetching) {
      const order = this.state.executed + 1;
      const digest = this.agreement.decidedAt(order) ?? this.hearsay.at(order);
      if (digest === null) break;
      const batch = this.findBatch(digest, order);
      if (batch === null) {
        const holders = this.agreement.holders(order, digest);
        this.fetchBatch(digest, order, [...holders, ...this.hearsay.witnesses(order, digest)]);
        break;
      }
      this.state.execute(digest, batch);
    }
    this.agreement.onCaughtUp?.();
    this.propose();
  }

  onExecuted(order: number, executions: readonly Execution[]): void {
    this.agreement.onExecuted?.(order);
    this.patience.progressed();
    this.intake.settle(executions);
    if (this.state.speculation === null) this.floor.took(executions.length);
    this.ordersInView += 1;
    if (this.ordersInView === provenOrders) this.patience.reset();
  }

  /** Executed tentatively: nobody waits for these requests to be ordered any longer. */
  onSpeculated(executions: readonly Execution[]): void {
    this.intake.forget(executions);
    this.floor.took(executions.length);
  }

  /** What was undone waits to be ordered again. */
  onUndone(order: number, batches: readonly Batch[]): void {
    this.agreement.onUndone?.(order);
    for (const request of batches.flat()) {
      if (this.intake.isUnanswered(request)) this.intake.admit(request);
    }
  }

  /** A peer executed this order with this batch (protocols.md P3): believed when f+1 say so. */
  private onDecided(from: ReplicaId, order: number, batch: Digest): void {
    if (!this.state.isInWindow(order) || order <= this.state.executed) return;
    this.hearsay.note(from, order, batch);
    this.execute();
  }

  // Batches by digest

  /**
   * The batch that stands at an order. It stays until that order is stable, durably, however early
   * it was proposed before: a liar may propose a batch twice.
   */
  findBatch(digest: Digest, order: number): Batch | null {
    if (equalBytes(digest, this.noop)) return [];
    const requests = this.batches.get(digest) as Request[] | null;
    if (requests !== null && this.batches.heldFor(digest)! < order) {
      this.batches.put(digest, requests, order);
      this.outbox.persist({ kind: "batch", digest, requests });
    }
    return requests;
  }

  private fetchBatch(digest: Digest, order: number, holders: readonly ReplicaId[]): void {
    for (const holder of holders) {
      const isToBeAsked = this.batches.await(digest, order, holder);
      if (isToBeAsked && holder !== this.context.replica) {
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

  // Checkpoints

  stateCheckpoint(order: number, digest: Digest): Checkpoint {
    const { identity, hash, replica } = this.context;
    const content = { order, digest, replica };
    return { ...content, proof: identity.sign(checkpointDigest(content, hash)) };
  }

  onSettled(order: number): void {
    this.agreement.forget(order);
    this.batches.forget(order);
    this.bytesLeftBehind = Math.min(this.bytesLeftBehind, this.batches.bytes);
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

  // View changes

  report(to: number): D["report"] {
    return this.agreement.report(to);
  }

  decide(reports: readonly D["report"][]): Plan | null {
    return this.agreement.decide(reports);
  }

  announce(view: number, reports: readonly D["report"][]): D["newView"] {
    return this.agreement.announce(view, reports);
  }

  fetchMissing({ base, batches }: Plan, { view, reports }: D["newView"]): number {
    const stable = this.state.checkpoints.stable.order;
    let missing = 0;
    batches.forEach((digest, index) => {
      const order = base + 1 + index;
      if (order <= stable || this.findBatch(digest, order) !== null) return;
      missing += 1;
      const reporters = this.agreement.reporters(reports, order, digest);
      this.fetchBatch(digest, order, [this.leaderOf(view), ...reporters]);
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
    this.floor.viewBegan(this.now);
    this.patience.restart(this.now);
    this.intake.restart();
    this.execute();
    this.watch();
  }

  private follow(plan: Plan): void {
    this.bytesLeftBehind = this.batches.bytes;
    this.proposed = Math.max(plan.last, this.state.checkpoints.stable.order);
    this.agreement.follow(plan);
  }

  // Patience

  /** Keeps one timer for the oldest request, or for the new view while changing. */
  watch(): void {
    const remainingMs = this.remainingPatienceMs();
    if (remainingMs === null) return;
    const waitMs = Math.max(1, remainingMs);
    // Sooner than it was set for: back-off has ended.
    if (this.watchUntil !== null && this.watchUntil <= this.now + waitMs) return;
    this.watchUntil = this.now + waitMs;
    this.outbox.setTimer("patience", waitMs);
  }

  /** Null while there is nothing to be impatient about. */
  private remainingPatienceMs(): number | null {
    const since = this.views.isInView ? this.waitingSince() : this.views.readySince;
    return since === null ? null : this.patience.remainingMs(since, this.now);
  }

  /** Since when a request waits, or a proposal that is not executed. */
  private waitingSince(): number | null {
    const isBlocked = this.agreement.hasBeyond(this.state.reached);
    return this.patience.waitingSince(this.intake.pending.oldest, isBlocked, this.now);
  }

  private onPatience(): void {
    if (this.remainingPatienceMs() === 0) {
      this.views.suspect();
      this.patience.restart(this.now);
    }
    this.watch();
  }

  /** Suspects a leader that tries nobody's patience, and is slower than leaders before it. */
  private compare(): void {
    const waiting = this.views.isInView ? this.intake.pending.size : 0;
    if (this.floor.look(this.now, waiting)) this.views.suspect();
  }

  // Where everybody stands, and retransmission

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
      if (entered === this.views.entered) bytes += this.agreement.resend(peer, order);
    }
  }

  // Coming back

  private start({
    snapshot,
    journal,
  }: Extract<Input<MessageIn<D>, RecordIn<D>>, { kind: "start" }>): void {
    if (snapshot !== null) this.state.restoreSaved(snapshot);
    for (const record of journal) this.replay(record);
    // What a replay says was said in an earlier life; only what it means now is worth telling.
    for (const effect of this.outbox.take()) {
      if (effect.kind === "observe") this.outbox.add(effect);
    }
    this.bytesLeftBehind = this.batches.bytes;
    this.patience.restart(this.now);
    this.state.resume();
    this.outbox.setTimer("status", this.context.timing.statusMs);
    this.sayStatus();
    this.execute();
    this.watch();
  }

  private replay(record: RecordIn<D>): void {
    if (!isLeaderRecord(record)) return this.agreement.replay(record);
    const shared = record as LeaderRecord<D["report"], D["newView"]>;
    switch (shared.kind) {
      case "executed":
      case "stable":
      case "skipped":
        return this.state.replay(shared);
      case "left":
        return this.views.restoreLeft(shared);
      case "entered": {
        const plan = this.views.restoreEntered(shared);
        if (plan === null) return;
        // What it builds on is recorded after it, if at all; its orders lie in that window.
        const { stable } = plan;
        const isAhead = stable.order > this.state.checkpoints.stable.order;
        if (isAhead) this.state.replay({ ...stable, kind: "skipped" });
        return this.follow(plan);
      }
      case "batch": {
        const window = 2 * this.context.limits.checkpointOrders;
        const last = this.state.checkpoints.stable.order + window;
        return this.batches.put(shared.digest, shared.requests, last);
      }
    }
  }

  /** What must be kept besides the state. */
  retained(): readonly RecordIn<D>[] {
    const votes = this.agreement.retained();
    return [...this.views.retained(), ...this.otherBatches(votes), ...votes];
  }

  /**
   * All batches that these records do not hold, or hold for an earlier order: whoever executed,
   * reported or confirmed one must be able to give it.
   */
  private otherBatches(records: readonly RecordIn<D>[]): readonly RecordIn<D>[] {
    const within = new Map<string, number>();
    for (const record of records as readonly object[]) {
      if (holdsBatch(record)) within.set(toHex(record.batch), record.order);
    }
    const isLater = ({ digest, order }: HeldBatch) => order > (within.get(toHex(digest)) ?? 0);
    const others = this.batches.all().filter(isLater);
    const kept = others.map(
      ({ digest, batch }): LeaderRecord<D["report"], D["newView"]> => ({
        kind: "batch",
        digest,
        requests: batch as Request[],
      }),
    );
    return kept as readonly RecordIn<D>[];
  }

  status(): ReplicaStatus {
    return {
      view: this.views.view,
      role: this.role(),
      executed: this.state.speculated,
      tentative: this.state.speculated - this.state.executed,
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
