// Hybster's replica (hybster.txt §5.2): the normal case in the paper's order. View changes are in
// view-changer.ts, what is done for peers that are behind and for oneself after a restart in
// recovery.ts.

import { type Request, toWire } from "../../codec/index.js";
import {
  type Attestation,
  comparePositions,
  type Digest,
  type Effect,
  equalBytes,
  type Input,
  type ReplicaContext,
  type ReplicaId,
  type ReplicaMachine,
  type ReplicaStatus,
  retired,
  unreachable,
} from "../../core/index.js";
import {
  type Batch,
  batchDigest,
  BatchStore,
  type Execution,
  type Executor,
  Intake,
  type IntakeHost,
  Outbox,
  Patience,
  ReplicatedState,
  type StateHost,
} from "../../parts/index.js";
import { quorumOf } from "./claims.js";
import {
  certified,
  type Checkpoint,
  type Commit,
  counters,
  type Header,
  type HybsterMessage,
  type HybsterRecord,
  type Prepare,
  type Status,
} from "./messages.js";
import { Endorser, type EndorserHost } from "./endorser.js";
import { OrderLog, type Slot } from "./order-log.js";
import { Recovery, type RecoveryHost } from "./recovery.js";
import { type Decision, type History, batchAt } from "./view-change.js";
import { ViewChanger, type ViewChangeHost } from "./view-changer.js";

type HybsterInput = Input<HybsterMessage, HybsterRecord>;
type HybsterEffect = Effect<HybsterMessage, HybsterRecord>;

/** Orders executed in a view after which its leader has proved itself: back-off ends. */
const provenOrders = 64;

/**
 * State, by the paper's names: the view v and whether it is established (`views`); the instances of
 * the ordering window (`log`); o_act, the last order this replica certified a message for
 * (`acted`); the stable checkpoint and the service state (`state`).
 */
export class HybsterReplica
  implements
    ReplicaMachine<HybsterMessage, HybsterRecord>,
    IntakeHost,
    EndorserHost,
    StateHost<Checkpoint, HybsterRecord>,
    ViewChangeHost,
    RecoveryHost
{
  readonly context: ReplicaContext;
  readonly outbox = new Outbox<HybsterMessage, HybsterRecord>();
  readonly views: ViewChanger;
  readonly log: OrderLog;
  readonly state: ReplicatedState<Checkpoint, HybsterRecord>;
  readonly batches = new BatchStore();
  readonly intake: Intake;
  private readonly endorser: Endorser;
  private readonly patience: Patience;
  private readonly recovery: Recovery;
  acted = 0;
  now = 0;
  private ordersInView = 0;
  /** A batch taken up that the counter would not certify yet. */
  private refused: Batch | null = null;
  private isBatching = false;
  private isWatching = false;

  constructor(context: ReplicaContext) {
    const { n, timing } = context;
    this.context = context;
    this.views = new ViewChanger(this);
    this.log = new OrderLog(n, quorumOf(n));
    this.state = new ReplicatedState(this, quorumOf(n));
    this.intake = new Intake(this);
    this.endorser = new Endorser(this);
    this.patience = new Patience(timing);
    this.recovery = new Recovery(this);
  }

  step(now: number, input: HybsterInput): readonly HybsterEffect[] {
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
        this.tryAgain();
        break;
    }
    return this.outbox.take();
  }

  private onMessage(message: HybsterMessage, from: ReplicaId | null): void {
    if (message.kind === "request") return this.onRequest(message, from);
    if (from === null) return this.outbox.drop("not a client's message");
    switch (message.kind) {
      case "endorsement":
        return this.endorser.onEndorsement(message);
      case "prepare":
        return this.onPrepare(message);
      case "commit":
        return this.onCommit(message);
      case "checkpoint":
        this.state.onCheckpoint(message.attestation.instance, message);
        return this.propose();
      case "status":
        return this.onStatus(from, message);
      case "view-change":
        return this.views.onViewChange(message, this.now);
      case "certificate":
        return this.views.onCertificate(message.viewChanges, from, this.now);
      case "new-view":
        return this.views.onNewView(message, from, this.now);
      case "acknowledgement":
        return this.views.onAcknowledgement(message);
      case "established":
        return this.views.onEstablished(message, from);
      case "fetch-batch":
      case "batch":
        return this.recovery.onMessage(message, from);
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
      this.tryAgain();
      this.watch();
    }
  }

  /** What the counter would not certify yet, and what waits for batches. */
  private tryAgain(): void {
    this.views.retry(this.now);
    this.acknowledge();
    this.execute();
    this.propose();
  }

  // §5.2.1 Ordering

  private onRequest(request: Request, from: ReplicaId | null): void {
    if (!this.intake.isNews(request)) return;
    const isVector = from === null && this.context.clientAuthentication === "mac";
    if (isVector) this.endorser.endorse(request);
    else this.intake.admit(request);
  }

  get executor(): Executor {
    return this.state.executor;
  }

  get view(): number {
    return this.views.view;
  }

  get addressee(): ReplicaId | null {
    return this.views.isEstablished ? this.views.leader : null;
  }

  /** The counter never certifies again, or not before other instances told it where it stood. */
  get isMute(): boolean {
    const { counter } = this.context;
    if (counter.leases?.isActive === false) return true;
    return comparePositions(counter.current(counters.order), retired) === 0;
  }

  get isLeading(): boolean {
    return this.views.isEstablished && this.views.leader === this.context.replica && !this.isMute;
  }

  /** Proposes at the end of the turn, so that what came together is ordered together. */
  batchSoon(): void {
    if (this.isBatching) return;
    this.isBatching = true;
    this.outbox.setTimer("batch", 0);
  }

  /** The leader assigns the next orders: first the view's plan, then new requests. */
  private propose(): void {
    while (this.isLeading && this.mayPropose()) {
      const order = this.acted + 1;
      const planned = order <= this.views.established.last;
      const batch = planned
        ? this.planned(order)
        : (this.refused ?? this.intake.pending.takeBatch());
      if (batch === null || batch.length === 0) return;
      if (!planned) this.refused = batch;
      if (!this.sendPrepare(order, batch, planned)) return;
      this.refused = null;
    }
  }

  private mayPropose(): boolean {
    const { limits } = this.context;
    const order = this.acted + 1;
    if (!this.state.isInWindow(order)) return false;
    if (order <= this.views.established.last) return true;
    const unexecuted = this.acted - this.state.reached;
    const hasRoom = this.log.bytes < 2 * limits.checkpointBytes;
    return (
      (this.refused !== null || this.intake.pending.hasUnproposed) &&
      unexecuted < limits.pipeline &&
      hasRoom
    );
  }

  /** What the view's plan says of an order; null if nothing. */
  private plannedAt(order: number): Digest | null {
    return batchAt({ established: this.views.established, prepares: [] }, order);
  }

  private planned(order: number): Batch | null {
    const digest = this.plannedAt(order);
    return digest && this.batches.get(digest);
  }

  private sendPrepare(order: number, batch: Batch, planned: boolean): boolean {
    const { hash } = this.context;
    const { view } = this.views;
    const digest = batchDigest(batch, hash);
    const attestation = this.certify(view, order, certified.prepare(digest, hash));
    if (attestation === null) return false;
    const header: Header = { view, order, batch: digest, attestation: toWire(attestation) };
    const slot = this.log.propose({ ...header, requests: [] }, batch);
    this.acted = order;
    slot.isDurable = true;
    this.outbox.persist({ ...header, requests: batch as Request[], kind: "proposed" });
    const requests = planned ? [] : (batch as Request[]);
    this.outbox.broadcast({ ...header, requests, kind: "prepare" });
    return true;
  }

  /** An order message takes the counter to exactly [view|order]; null if it refuses. */
  private certify(view: number, order: number, digest: Digest): Attestation | null {
    const attestation = this.context.counter.independent(counters.order, { view, order }, digest);
    if (attestation !== null) this.notePosition(attestation, digest);
    return attestation;
  }

  notePosition(attestation: Attestation, digest: Digest): void {
    this.recovery.notePosition(attestation, digest);
  }

  /**
   * Order messages of the last established view: acted upon while it lasts, and still learnt from
   * once it was left, for what a quorum acknowledged is committed whatever comes after.
   */
  private isCurrent(view: number, order: number): boolean {
    return view === this.views.established.view && this.state.isInWindow(order);
  }

  private onPrepare(message: Prepare): void {
    const { view, order } = message;
    if (!this.isCurrent(view, order)) return this.outbox.drop("a proposal out of its time");
    if (this.log.get(order)?.prepare) return; // the same one: the leader's counter allows no other
    const planned = this.plannedAt(order);
    if (planned !== null && !equalBytes(planned, message.batch)) {
      return this.outbox.drop("a proposal that departs from its view's plan");
    }
    const { requests } = message;
    const batch = requests.length > 0 ? requests : this.recovery.findBatch(message.batch, order);
    if (batch === null) return this.outbox.drop("a proposal without its requests");
    if (this.log.bytes > 4 * this.context.limits.checkpointBytes) {
      return this.outbox.drop("no room for another proposal");
    }
    this.log.propose(message, batch);
    this.acknowledge();
    this.execute();
  }

  /** Makes a proposal durable that this replica executes without having acknowledged it. */
  private store(slot: Slot, header: Header): void {
    const { view, order, batch, attestation } = header;
    const requests = slot.batch as Request[];
    slot.isDurable = true;
    this.outbox.persist({ view, order, batch, attestation, requests, kind: "proposed" });
  }

  /** Followers acknowledge proposals in their order, one counter value each (protocols.md H7). */
  private acknowledge(): void {
    if (!this.views.isEstablished) return; // what was reported when it was left stays all
    let slot = this.log.get(this.acted + 1);
    while (slot?.prepare && this.sendCommit(slot, slot.prepare)) {
      this.acted = slot.order;
      slot = this.log.get(this.acted + 1);
    }
  }

  /** False if the counter may not certify it yet: the order waits, it must not be skipped. */
  private sendCommit(slot: Slot, header: Header): boolean {
    const { hash, replica } = this.context;
    const { view, order, batch } = header;
    const attestation = this.certify(view, order, certified.commit(batch, hash));
    if (attestation === null) {
      const { counter } = this.context; // beyond its limit it will certify the order later
      if (comparePositions({ view, order }, counter.limit(counters.order)) > 0) return false;
      if (!slot.isDurable) this.store(slot, header);
      return true;
    }
    const prepare = { ...header, requests: slot.batch as Request[] };
    slot.isDurable = true;
    slot.commit = { view, order, batch, attestation: toWire(attestation) };
    this.log.vote(order, replica, batch);
    this.outbox.persist({ kind: "accepted", prepare, commit: slot.commit });
    const message = { ...slot.commit, kind: "commit" } as const;
    // Where a proposal and a follower's own COMMIT are a quorum, only the leader needs to hear it.
    if (quorumOf(this.context.n) === 2) this.outbox.send(this.views.leader, message);
    else this.outbox.broadcast(message);
    return true;
  }

  private onCommit(message: Commit): void {
    const { view, order } = message;
    if (!this.isCurrent(view, order)) return;
    this.log.hear(message);
    if (order === this.state.executed + 1) this.execute();
  }

  /** Executes committed orders in sequence. */
  private execute(): void {
    if (this.state.isFetching) return;
    let slot = this.log.get(this.state.executed + 1);
    while (slot?.prepare && this.log.isCommitted(slot)) {
      if (!slot.isDurable) this.store(slot, slot.prepare);
      this.state.execute(slot.prepare.batch, slot.batch);
      slot = this.log.get(this.state.executed + 1);
    }
    if (this.isLeading && this.intake.pending.hasUnproposed) this.propose();
  }

  /** The next order was executed: its clients get their answers. */
  onExecuted(_order: number, executions: readonly Execution[]): void {
    this.patience.progressed();
    this.intake.settle(executions);
    this.ordersInView += 1;
    if (this.ordersInView === provenOrders) this.patience.reset();
  }

  // §5.2.2 Checkpointing

  /** CHECKPOINT with a trusted MAC; null if the counter is retired. */
  stateCheckpoint(order: number, digest: Digest): Checkpoint | null {
    const { counter, hash } = this.context;
    const content = { order, digest };
    const attestation = counter.trustedMac(counters.mac, certified.checkpoint(content, hash));
    return attestation && { ...content, attestation: toWire(attestation) };
  }

  findBatch(digest: Digest): Batch | null {
    return this.recovery.findAnywhere(digest);
  }

  onSettled(order: number): void {
    this.log.forget(order);
    this.batches.forget(order);
    this.acted = Math.max(this.acted, order);
  }

  retained(): readonly HybsterRecord[] {
    return this.recovery.retained();
  }

  // §5.2.3 View changes: what they need of this replica

  history(): History {
    const { established } = this.views;
    const first = Math.max(established.last, this.state.stable.order) + 1;
    return { established, prepares: this.log.prepares(first) };
  }

  fetchMissing(history: History, from: ReplicaId): number {
    return this.recovery.fetchMissing(history, from);
  }

  storePlan(decision: Decision): void {
    this.recovery.storePlan(decision);
  }

  /** A new view's log is empty; the batches of the old one may be proposed again. */
  clearLog(): void {
    for (const { order, prepare, batch } of this.log.proposed()) {
      this.batches.put(prepare!.batch, batch, order);
    }
    this.log.clear();
  }

  onLeft(): void {
    this.patience.viewFailed();
    this.patience.restart(this.now);
    this.watch();
  }

  onEstablished(): void {
    this.clearLog();
    this.acted = Math.max(this.views.established.base, this.state.stable.order);
    this.ordersInView = 0;
    this.refused = null;
    this.patience.restart(this.now);
    this.intake.restart();
    this.propose();
    this.watch();
  }

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
    const since = this.views.isEstablished ? this.waitingSince() : this.views.certifiedAt;
    return since === null ? null : this.patience.remainingMs(since, this.now);
  }

  /** Since when a request waits, or what the leader owes: execution, the view's plan. */
  private waitingSince(): number | null {
    const { oldest } = this.intake.pending;
    const { reached } = this.state;
    const isStuck = this.views.established.last > reached || this.log.hasBeyond(reached);
    // Who executed the plan in another view has no other way to see that others cannot.
    const isOwed =
      this.acted < this.views.established.last && !this.log.get(this.acted + 1)?.prepare;
    const isBlocked = isStuck || isOwed;
    return this.patience.waitingSince(oldest, isBlocked, this.now);
  }

  private onPatience(): void {
    if (this.remainingPatienceMs() === 0) {
      this.views.suspect(this.now);
      this.patience.restart(this.now);
    }
    this.watch();
  }

  // Status, and coming back

  sayStatus(): void {
    this.outbox.broadcast({
      kind: "status",
      view: this.views.view,
      established: this.views.established.view,
      stable: this.state.stable.order,
      executed: this.state.executed,
      acted: this.views.isEstablished ? this.acted : this.state.executed,
      suspects: this.views.wanted,
    });
  }

  private onStatus(from: ReplicaId, status: Status): void {
    this.views.noteStatus(from, status, this.now);
    this.recovery.assist(from, status);
  }

  /** A state was transferred: go on from it. */
  onTransferred(): void {
    this.patience.progressed();
    this.views.retry(this.now);
    this.intake.restart();
    this.acknowledge();
    this.execute();
    this.watch();
  }

  private start({ snapshot, journal }: Extract<HybsterInput, { kind: "start" }>): void {
    this.recovery.replay(snapshot, [...journal]);
    this.patience.restart(this.now);
    this.state.resume();
    if (this.isMute) this.outbox.observe({ event: "mute" });
    this.outbox.setTimer("status", this.context.timing.statusMs);
    this.sayStatus();
    this.execute();
    this.propose();
  }

  status(): ReplicaStatus {
    return {
      view: this.views.view,
      role: this.role(),
      executed: this.state.executed,
      stable: this.state.stable.order,
      operations: this.state.operations,
    };
  }

  private role(): ReplicaStatus["role"] {
    if (this.isMute) return "mute";
    if (this.state.isFetching) return "catching up";
    if (!this.views.isEstablished) return "changing view";
    return this.views.leader === this.context.replica ? "leader" : "follower";
  }
}
