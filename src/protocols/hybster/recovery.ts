// Helping peers that are behind, catching up oneself, and coming back after a restart (protocols.md
// §0, §7.1).

import { fromWire, type Request, toWire, type WireAttestation } from "../../codec/index.js";
import {
  type Attestation,
  type Digest,
  equalBytes,
  type ReplicaContext,
  type ReplicaId,
  type SavedImage,
  type StateImage,
} from "../../core/index.js";
import {
  type Batch,
  batchBytes,
  type BatchStore,
  type Checkpoints,
  type Executor,
  type Outbox,
  serveState,
  type StateTransfer,
} from "../../parts/index.js";
import {
  certified,
  type Checkpoint,
  type Commit,
  type HybsterMessage,
  type HybsterRecord,
  type Prepare,
  type Stable,
  type Status,
} from "./messages.js";
import type { OrderLog } from "./order-log.js";
import { batchAt, type Decision, type History, topOf } from "./view-change.js";
import type { ViewChanger } from "./view-changer.js";

/** Orders resent to a stalled peer at a time, and their bytes. */
const resendOrders = 128;
const resendBytes = 1 << 20;

type RecoveryMessage = Extract<
  HybsterMessage,
  { kind: "fetch-batch" | "batch" | "fetch-manifest" | "manifest" | "fetch-pages" | "pages" }
>;

/** What recovery needs of the replica it belongs to. */
export interface RecoveryHost {
  readonly context: ReplicaContext;
  readonly outbox: Outbox<HybsterMessage, HybsterRecord>;
  readonly views: ViewChanger;
  readonly log: OrderLog;
  readonly batches: BatchStore;
  readonly checkpoints: Checkpoints<Checkpoint>;
  readonly executor: Executor;
  readonly transfer: StateTransfer;
  readonly now: number;
  executed: number;
  acted: number;
  stable(): Stable;
  moveWindow(stable: Stable): void;
  addCheckpoint(image: StateImage, digest: Digest): void;
  executeBatch(order: number, digest: Digest, batch: Batch, bytes: number): void;
  clearLog(): void;
  /** The state was replaced by a transferred one. */
  onTransferred(): void;
}

/** The part of a Hybster replica that has nothing to do while all goes well. */
export class Recovery {
  private readonly replica: RecoveryHost;
  /** How far each peer had come when it last said so. */
  private readonly lastHad = new Map<ReplicaId, number>();
  /**
   * When each peer was last helped: a peer that asks without end is answered at the pace of STATUS.
   */
  private readonly lastHelped = new Map<ReplicaId, number>();
  /** A checkpoint that is stable elsewhere and not reached here, and since when. */
  private ahead: { readonly stable: Stable; readonly since: number } | null = null;
  /** The last certificate of each counter, for the journal. */
  private readonly positions = new Map<number, Extract<HybsterRecord, { kind: "position" }>>();

  constructor(replica: RecoveryHost) {
    this.replica = replica;
  }

  onMessage(message: RecoveryMessage, from: ReplicaId): void {
    const { outbox, transfer, batches, views, checkpoints, context, now } = this.replica;
    switch (message.kind) {
      case "fetch-batch": {
        const requests = this.findAnywhere(message.digest) as Request[] | null;
        if (requests === null) return;
        return outbox.send(from, { kind: "batch", digest: message.digest, requests });
      }
      case "batch":
        if (batches.take(message.digest, message.requests)) views.retry(now);
        return;
      case "fetch-manifest":
      case "fetch-pages": {
        const image = checkpoints.own(message.order)?.image;
        const answer = serveState(message, image, context.limits);
        return answer === null ? this.sendStable(from) : outbox.send(from, answer);
      }
      case "manifest":
        transfer.onManifest(message);
        return this.finishTransfer();
      case "pages":
        transfer.onPages(from, message);
        return this.finishTransfer();
    }
  }

  /** The batch of an order that this replica holds, by its digest. */
  findBatch(digest: Digest, order: number): Batch | null {
    const slot = this.replica.log.get(order);
    if (slot?.prepare && equalBytes(slot.prepare.batch, digest)) return slot.batch;
    return this.replica.batches.get(digest);
  }

  private findAnywhere(digest: Digest): Batch | null {
    const stored = this.replica.batches.get(digest);
    if (stored !== null) return stored;
    const slots = this.replica.log.proposed();
    return slots.find(({ prepare }) => equalBytes(prepare!.batch, digest))?.batch ?? null;
  }

  // For a view change

  /** Which batches of a history are missing; asks `from` for them. */
  fetchMissing(history: History, from: ReplicaId): number {
    const { checkpoints, batches, context, outbox } = this.replica;
    let missing = 0;
    const first = Math.max(history.established.base, checkpoints.stable.order) + 1;
    for (let order = first; order <= topOf(history); order += 1) {
      const digest = batchAt(history, order);
      if (digest === null || this.findBatch(digest, order) !== null) continue;
      missing += 1;
      batches.await(digest, order);
      if (from !== context.replica) outbox.send(from, { kind: "fetch-batch", digest });
    }
    return missing;
  }

  /** Stores the batches of a plan that no record holds yet. */
  storePlan({ base, plan }: Decision): void {
    plan.forEach((digest, index) => {
      const order = base + 1 + index;
      const requests = this.findBatch(digest, order) as Request[] | null;
      if (requests === null || this.isDurable(digest, order)) return;
      this.replica.outbox.persist({ kind: "batch", digest, requests });
    });
  }

  // For a peer

  /** Resends what a peer lacks: nothing while it makes progress by itself. */
  assist(peer: ReplicaId, status: Status): void {
    const { views, checkpoints, context, now } = this.replica;
    const sinceMs = now - (this.lastHelped.get(peer) ?? Number.NEGATIVE_INFINITY);
    if (sinceMs < context.timing.statusMs / 2) return;
    this.lastHelped.set(peer, now);
    const has = Math.min(status.executed, status.acted);
    const stalled = this.lastHad.get(peer) === has;
    this.lastHad.set(peer, has);
    const { order } = checkpoints.stable;
    if (status.stable < order) this.sendStable(peer);
    const isBehind = status.view < views.view;
    const isChanging = status.view === views.view && status.established < views.view;
    const hasMissed = status.established < views.established.view;
    if (isBehind || isChanging || hasMissed) views.assist(peer, status);
    if (stalled && status.established === views.established.view) {
      this.resendOrders(peer, has, status.view > status.established);
    }
  }

  private sendStable(peer: ReplicaId): void {
    for (const statement of this.replica.checkpoints.stable.statements) {
      this.replica.outbox.send(peer, { ...statement, kind: "checkpoint" });
    }
  }

  /**
   * PREPAREs are transferable; with them goes this replica's own COMMIT (protocols.md §0, relay),
   * and to a peer that left the view, and cannot add its own, everybody's.
   */
  private resendOrders(peer: ReplicaId, has: number, hasLeft: boolean): void {
    const { log, outbox } = this.replica;
    let bytes = 0;
    const last = has + resendOrders;
    for (let order = has + 1; order <= last && bytes < resendBytes; order += 1) {
      const slot = log.get(order);
      if (!slot?.prepare) continue;
      const requests = slot.batch as Request[];
      outbox.send(peer, { ...slot.prepare, requests, kind: "prepare" });
      if (slot.commit !== null) outbox.send(peer, { ...slot.commit, kind: "commit" });
      if (hasLeft) for (const one of slot.heard) outbox.send(peer, { ...one, kind: "commit" });
      bytes += slot.bytes;
    }
  }

  // For this replica

  noteAhead(stable: Stable): void {
    if (this.ahead !== null && this.ahead.stable.order >= stable.order) return;
    this.ahead = { stable, since: this.ahead?.since ?? this.replica.now };
  }

  /**
   * Time passed: fetch what ordinary messages did not bring; repeat statements that are not stable
   * yet.
   */
  tick(): void {
    const { checkpoints, outbox, context, transfer, now } = this.replica;
    for (const statement of checkpoints.unstable()) {
      outbox.broadcast({ ...statement, kind: "checkpoint" });
    }
    transfer.tick();
    if (this.ahead === null) return;
    const { stable, since } = this.ahead;
    if (stable.order <= checkpoints.stable.order) this.ahead = null;
    else if (now - since >= context.timing.catchUpMs) this.beginTransfer(stable);
  }

  /**
   * Fetches the state of a certified checkpoint. The window moves at once: ordering goes on
   * meanwhile.
   */
  beginTransfer(stable: Stable): void {
    const { outbox, transfer, checkpoints, executed } = this.replica;
    if (this.ahead !== null && this.ahead.stable.order <= stable.order) this.ahead = null;
    if (executed >= stable.order) checkpoints.forgetOwn();
    this.replica.moveWindow(stable);
    outbox.persist({ ...stable, kind: "skipped" });
    outbox.observe({ event: "transfer", order: stable.order, status: "started" });
    transfer.begin(stable);
  }

  /** After a replay: goes on with a transfer that the end of the earlier life cut short. */
  resumeTransfer(): void {
    const { transfer, checkpoints, executed, outbox } = this.replica;
    const { stable } = checkpoints;
    if (executed >= stable.order) return;
    outbox.observe({ event: "transfer", order: stable.order, status: "started" });
    transfer.begin(stable);
  }

  private finishTransfer(): void {
    const { transfer, executor, checkpoints, outbox, views, now } = this.replica;
    const image = transfer.takeImage();
    if (image === null) return;
    executor.restore(image);
    this.replica.executed = image.order;
    checkpoints.restartCount();
    this.replica.addCheckpoint(image, this.replica.checkpoints.stable.digest);
    outbox.add({ kind: "checkpoint", image, retain: this.retained(), required: true });
    outbox.observe({ event: "transfer", order: image.order, status: "finished" });
    views.retry(now);
    this.replica.onTransferred();
  }

  // Coming back

  notePosition(attestation: Attestation, digest: Digest): void {
    const record = { kind: "position", attestation: toWire(attestation), digest } as const;
    this.positions.set(attestation.counter, record);
  }

  /** What must be kept besides the image of the stable checkpoint. */
  retained(): HybsterRecord[] {
    const { log, views, checkpoints } = this.replica;
    const kept: HybsterRecord[] = [...this.positions.values()];
    kept.push({ ...this.replica.stable(), kind: "stable" });
    kept.push(...this.unproposed(), ...views.retained());
    for (const slot of log.proposed()) {
      if (!slot.isDurable) continue;
      const prepare = { ...slot.prepare!, requests: slot.batch as Request[] };
      if (slot.commit === null) kept.push({ ...prepare, kind: "proposed" });
      else kept.push({ prepare, commit: slot.commit, kind: "accepted" });
    }
    for (const { order } of checkpoints.unstable()) kept.push({ order, kind: "executed" });
    return kept;
  }

  /** The batches that a view change would refer to and that no proposal of this view holds. */
  private unproposed(): HybsterRecord[] {
    const { views, batches } = this.replica;
    const history = views.history();
    const kept: HybsterRecord[] = [];
    for (let order = this.replica.stable().order + 1; order <= topOf(history); order += 1) {
      const digest = batchAt(history, order);
      if (digest === null || this.isDurable(digest, order)) continue;
      const requests = batches.get(digest) as Request[] | null;
      if (requests !== null) kept.push({ kind: "batch", digest, requests });
    }
    return kept;
  }

  /** Whether a record holds the batch for that order. */
  isDurable(digest: Digest, order: number): boolean {
    const slot = this.replica.log.get(order);
    return slot !== undefined && slot.isDurable && equalBytes(slot.prepare!.batch, digest);
  }

  /**
   * Takes a replica back to where its journal ends: the counters first, raised to its own last
   * certificates, then everything else in the order in which it happened.
   */
  replay(saved: SavedImage | null, journal: readonly HybsterRecord[]): void {
    for (const record of journal) this.resumeCounters(record);
    const snapshot = saved && this.replica.executor.read(saved);
    if (snapshot !== null) {
      this.replica.executor.restore(snapshot);
      this.replica.executed = snapshot.order;
    }
    for (const record of journal) this.replayRecord(record, snapshot);
    this.dropReplayed();
  }

  /** What a replay says was said in an earlier life; only what it means now is worth telling. */
  private dropReplayed(): void {
    const { outbox } = this.replica;
    for (const effect of outbox.take()) if (effect.kind === "observe") outbox.add(effect);
  }

  private resumeCounters(record: HybsterRecord): void {
    const { hash, replica } = this.replica.context;
    switch (record.kind) {
      case "position":
        return this.resume(record.attestation, record.digest);
      case "accepted": {
        const { commit } = record;
        return this.resume(commit.attestation, certified.commit(commit.batch, hash));
      }
      case "proposed":
        if (record.attestation.instance !== replica) return;
        return this.resume(record.attestation, certified.prepare(record.batch, hash));
      case "left":
        return this.resume(record.attestation, certified.viewChange(record, hash));
      default:
        return;
    }
  }

  private resume(wire: WireAttestation, digest: Digest): void {
    const attestation = fromWire(wire);
    if (attestation === null) return;
    if (this.replica.context.counter.resume(attestation, digest)) {
      this.notePosition(attestation, digest);
    }
  }

  private replayRecord(record: HybsterRecord, snapshot: StateImage | null): void {
    const { views, batches, checkpoints, context } = this.replica;
    const stable = checkpoints.stable.order;
    switch (record.kind) {
      case "proposed":
        return this.replayProposal(record, null);
      case "accepted":
        return this.replayProposal(record.prepare, record.commit);
      case "executed":
        return this.replayUpTo(record.order);
      case "stable":
        return this.replayStable(record, snapshot);
      case "skipped":
        return this.replica.moveWindow(record);
      case "left":
        return views.restoreLeft(record);
      case "ticket":
        return views.restoreTicket(record.viewChanges);
      case "established":
        this.replica.clearLog();
        views.restoreEstablished(record);
        this.replica.acted = Math.max(record.base, stable);
        return;
      case "batch": {
        const window = 2 * context.limits.checkpointOrders;
        return batches.put(record.digest, record.requests, stable + window);
      }
      case "position":
        return;
    }
  }

  private replayProposal(prepare: Prepare, commit: Commit | null): void {
    const { log, checkpoints, context } = this.replica;
    if (prepare.order <= checkpoints.stable.order) return;
    const slot = log.propose(prepare, prepare.requests);
    slot.isDurable = true;
    slot.commit = commit;
    if (commit !== null) log.vote(prepare.order, context.replica, commit.batch);
    this.replica.acted = prepare.order;
  }

  /**
   * Up to a stable checkpoint all is committed: it is executed again, and must give the certified
   * state.
   */
  private replayStable(stable: Stable, snapshot: StateImage | null): void {
    const { checkpoints, executor } = this.replica;
    if (snapshot?.order === stable.order) {
      this.replica.addCheckpoint(snapshot, executor.digest(snapshot));
    }
    this.replayUpTo(stable.order);
    const own = checkpoints.own(stable.order);
    if (own !== undefined && equalBytes(own.digest, stable.digest)) {
      this.replica.moveWindow(stable);
    } else {
      this.ahead = { stable, since: Number.NEGATIVE_INFINITY };
    }
  }

  private replayUpTo(order: number): void {
    while (this.replica.executed < order && this.replayOrder(this.replica.executed + 1));
  }

  private replayOrder(order: number): boolean {
    const { log, views, batches } = this.replica;
    const slot = log.get(order);
    const digest = slot?.prepare?.batch ?? views.batchAt(order);
    const batch = slot?.prepare ? slot.batch : digest && batches.get(digest);
    if (digest === null || batch === null) return false;
    this.replica.executeBatch(order, digest, batch, batchBytes(batch));
    return true;
  }
}
