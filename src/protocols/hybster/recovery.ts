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
} from "../../core/index.js";
import {
  type Batch,
  type BatchStore,
  type Outbox,
  type ReplicatedState,
} from "../../parts/index.js";
import {
  certified,
  type Checkpoint,
  type Commit,
  type HybsterMessage,
  type HybsterRecord,
  type Prepare,
  type Status,
} from "./messages.js";
import type { OrderLog } from "./order-log.js";
import { batchAt, type Decision, type History, topOf } from "./view-change.js";
import type { ViewChanger } from "./view-changer.js";

/** Orders resent to a stalled peer at a time, and their bytes. */
const resendOrders = 128;
const resendBytes = 1 << 20;

type RecoveryMessage = Extract<HybsterMessage, { kind: "fetch-batch" | "batch" }>;

/** What recovery needs of the replica it belongs to. */
export interface RecoveryHost {
  readonly context: ReplicaContext;
  readonly outbox: Outbox<HybsterMessage, HybsterRecord>;
  readonly views: ViewChanger;
  readonly log: OrderLog;
  readonly batches: BatchStore;
  readonly state: ReplicatedState<Checkpoint, HybsterRecord>;
  readonly now: number;
  acted: number;
  clearLog(): void;
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
  /** The last certificate of each counter, for the journal. */
  private readonly positions = new Map<number, Extract<HybsterRecord, { kind: "position" }>>();

  constructor(replica: RecoveryHost) {
    this.replica = replica;
  }

  onMessage(message: RecoveryMessage, from: ReplicaId): void {
    const { outbox, batches, views, now } = this.replica;
    switch (message.kind) {
      case "fetch-batch": {
        const requests = this.findAnywhere(message.digest) as Request[] | null;
        if (requests === null) return;
        return outbox.send(from, { kind: "batch", digest: message.digest, requests });
      }
      case "batch":
        if (batches.take(message.digest, message.requests)) views.retry(now);
        return;
    }
  }

  /**
   * The batch of an order, by its digest. It stays until that order is stable, however early it was
   * proposed before: a liar may propose a batch twice.
   */
  findBatch(digest: Digest, order: number): Batch | null {
    const slot = this.replica.log.get(order);
    if (slot?.prepare && equalBytes(slot.prepare.batch, digest)) return slot.batch;
    const batch = this.findAnywhere(digest);
    if (batch !== null) this.replica.batches.put(digest, batch, order);
    return batch;
  }

  /** The batch with that digest, of whatever order. */
  findAnywhere(digest: Digest): Batch | null {
    const stored = this.replica.batches.get(digest);
    if (stored !== null) return stored;
    const slots = this.replica.log.proposed();
    return slots.find(({ prepare }) => equalBytes(prepare!.batch, digest))?.batch ?? null;
  }

  // For a view change

  /** Which batches of a history are missing; asks `from` for them. */
  fetchMissing(history: History, from: ReplicaId): number {
    const { state, batches, context, outbox } = this.replica;
    let missing = 0;
    const first = Math.max(history.established.base, state.stable.order) + 1;
    for (let order = first; order <= topOf(history); order += 1) {
      const digest = batchAt(history, order);
      if (digest === null || this.findBatch(digest, order) !== null) continue;
      missing += 1;
      const isToBeAsked = batches.await(digest, order, from);
      if (isToBeAsked && from !== context.replica)
        outbox.send(from, { kind: "fetch-batch", digest });
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
    const { views, state, context, now } = this.replica;
    const sinceMs = now - (this.lastHelped.get(peer) ?? Number.NEGATIVE_INFINITY);
    if (sinceMs < context.timing.statusMs / 2) return;
    this.lastHelped.set(peer, now);
    const has = Math.min(status.executed, status.acted);
    const stalled = this.lastHad.get(peer) === has;
    this.lastHad.set(peer, has);
    if (status.stable < state.stable.order) state.sendStable(peer);
    const isBehind = status.view < views.view;
    const isChanging = status.view === views.view && status.established < views.view;
    const hasMissed = status.established < views.established.view;
    if (isBehind || isChanging || hasMissed) views.assist(peer, status);
    if (stalled && status.established === views.established.view) {
      this.resendOrders(peer, has, status.view > status.established);
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

  // Coming back

  notePosition(attestation: Attestation, digest: Digest): void {
    const record = { kind: "position", attestation: toWire(attestation), digest } as const;
    this.positions.set(attestation.counter, record);
  }

  /** What must be kept besides the state. */
  retained(): HybsterRecord[] {
    const { log, views, batches } = this.replica;
    const kept: HybsterRecord[] = [...this.positions.values()];
    // What a report of this replica or a plan that it acknowledged refers to.
    for (const { digest, batch } of batches.all()) {
      kept.push({ kind: "batch", digest, requests: batch as Request[] });
    }
    kept.push(...views.retained());
    for (const slot of log.proposed()) {
      if (!slot.isDurable) continue;
      const prepare = { ...slot.prepare!, requests: slot.batch as Request[] };
      if (slot.commit === null) kept.push({ ...prepare, kind: "proposed" });
      else kept.push({ prepare, commit: slot.commit, kind: "accepted" });
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
    if (saved !== null) this.replica.state.restoreSaved(saved);
    for (const record of journal) this.replayRecord(record);
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

  private replayRecord(record: HybsterRecord): void {
    const { views, batches, state, context } = this.replica;
    switch (record.kind) {
      case "proposed":
        return this.replayProposal(record, null);
      case "accepted":
        return this.replayProposal(record.prepare, record.commit);
      case "executed":
      case "stable":
      case "skipped":
        return state.replay(record);
      case "left":
        return views.restoreLeft(record);
      case "ticket":
        return views.restoreTicket(record.viewChanges);
      case "established":
        this.replica.clearLog();
        views.restoreEstablished(record);
        this.replica.acted = Math.max(record.base, state.stable.order);
        return;
      case "batch": {
        const window = 2 * context.limits.checkpointOrders;
        return batches.put(record.digest, record.requests, state.stable.order + window);
      }
      case "position":
        return;
    }
  }

  private replayProposal(prepare: Prepare, commit: Commit | null): void {
    const { log, state, context } = this.replica;
    if (prepare.order <= state.stable.order) return;
    const slot = log.propose(prepare, prepare.requests);
    slot.isDurable = true;
    slot.commit = commit;
    if (commit !== null) log.vote(prepare.order, context.replica, commit.batch);
    this.replica.acted = prepare.order;
  }
}
