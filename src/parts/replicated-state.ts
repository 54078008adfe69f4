// The replicated state of one replica: executed in order, stated at checkpoints, fetched where this
// replica fell behind, and found again after a restart. The same in every protocol that gives one
// total order.

import {
  bytes32,
  container,
  list,
  type MessageOf,
  type Schema,
  uint53,
  type ValueOf,
} from "../codec/index.js";
import {
  type Digest,
  equalBytes,
  type Instance,
  type ReplicaContext,
  type ReplicaId,
  type SavedImage,
  type StateImage,
} from "../core/index.js";
import { type Batch, batchBytes } from "./batch.js";
import { Checkpoints, type CheckpointStatement, type StableProof } from "./checkpoints.js";
import { type Annex, type Execution, Executor } from "./executor.js";
import { Speculation } from "./speculation.js";
import type { Speech } from "./speech.js";
import type { StateMessage } from "./state-messages.js";
import { serveState, StateTransfer } from "./state-transfer.js";

/** More orders than any checkpoint interval or window has. */
const ordersMax = 8192;
const replicasMax = 64;

/** The schema of a stable checkpoint, from that of a replica's statement. */
export const stableSchema = <Statement>(statement: Schema<Statement>) =>
  container({ order: uint53, digest: bytes32, statements: list(statement, replicasMax) });

/** What is stored of the state, whatever the protocol. */
export const stateRecords = <Statement>(statement: Schema<Statement>) => ({
  /**
   * Everything up to the order is decided and executed, its last batches being these: said before a
   * checkpoint is stated, so that its state can be given after a crash too.
   */
  executed: container({ order: uint53, batches: list(bytes32, ordersMax) }),
  /** A stable checkpoint up to which this replica has executed. */
  stable: stableSchema(statement),
  /** A stable checkpoint whose state this replica began to fetch. */
  skipped: stableSchema(statement),
});

type Stable<Statement> = Readonly<ValueOf<ReturnType<typeof stableSchema<Statement>>>>;
export type StateRecord<Statement> = MessageOf<ReturnType<typeof stateRecords<Statement>>>;
type CheckpointMessage<Statement> = Statement & { readonly kind: "checkpoint" };

/** Where a batch stands that has its place in a partial order. */
export interface PartialPlace {
  readonly instance: Instance;
  /** Whether everybody executed the same before it: then a checkpoint is taken. */
  readonly isBarrier: boolean;
}

/** What the state needs of the replica it belongs to. */
export interface StateHost<Statement extends CheckpointStatement, Durable> {
  readonly context: ReplicaContext;
  readonly outbox: Speech<
    StateMessage | CheckpointMessage<Statement>,
    StateRecord<Statement> | Durable
  >;
  readonly now: number;
  /** This replica's statement about a checkpoint, authenticated; null if it may not make one. */
  stateCheckpoint(order: number, digest: Digest): Statement | null;
  /** The batch with that digest, for that order, if this replica holds it. */
  findBatch(digest: Digest, order: number): Batch | null;
  /** The next order was executed: its clients want their answers. */
  onExecuted(order: number, executions: readonly Execution[]): void;
  /** What was executed tentatively beyond an order was undone: these batches. */
  onUndone?(order: number, batches: readonly Batch[]): void;
  /** The window moved: what was said and stored about orders up to this one may be forgotten. */
  onSettled(order: number): void;
  /** The state was replaced by a transferred one. */
  onTransferred(): void;
  /** What must be kept besides an image, and besides what this part keeps. */
  retained(): readonly Durable[];
}

/** Owns the state and says how far it is: executed, stable, being fetched. */
export class ReplicatedState<Statement extends CheckpointStatement, Durable> {
  readonly executor: Executor;
  readonly checkpoints: Checkpoints<Statement>;
  private readonly transfer: StateTransfer;
  /** What was executed beyond what is decided; null in protocols that do not. */
  readonly speculation: Speculation<Statement> | null;
  private readonly host: StateHost<Statement, Durable>;
  private readonly isPartial: boolean;
  /** The last order executed; or, of a partial order, how many batches. */
  executed = 0;
  /** Operations executed since the start. */
  operations = 0;
  /** What was executed above the stable checkpoint. */
  private readonly digests = new Map<number, Digest>();
  private lastCheckpoint = 0;
  /** During a replay: the state that it began from. */
  private saved: StateImage | null = null;
  /** A checkpoint that is stable elsewhere and not reached here, and since when. */
  private ahead: { readonly stable: StableProof<Statement>; readonly since: number } | null = null;

  /**
   * `quorum`: how many equal statements make a checkpoint stable. `speculates`: whether orders may
   * be executed before they are decided. `annex`: what says which part of a partial order the state
   * holds, if the order is partial.
   */
  constructor(
    host: StateHost<Statement, Durable>,
    quorum: number,
    speculates = false,
    annex: Annex | null = null,
  ) {
    const { context } = host;
    const { n, limits, hash, service } = context;
    this.host = host;
    this.executor = new Executor(service, limits, hash, speculates, annex);
    this.isPartial = annex !== null;
    this.checkpoints = new Checkpoints(n, quorum, limits);
    this.speculation = speculates ? new Speculation(this.executor, this.checkpoints) : null;
    this.transfer = new StateTransfer({
      ...context,
      send: (to, message) => host.outbox.send(to, message),
      digestOf: (order, pages) => this.executor.digestOf(order, pages),
      readPage: (index, bytes) => this.executor.readPage(index, bytes),
      readerOf: (index) => this.executor.readerOf(index),
      currentPages: () => this.executor.image(this.executed).pages,
    });
  }

  get stable(): Stable<Statement> {
    return this.checkpoints.stable as Stable<Statement>;
  }

  /** Up to where everything is decided, as far as this replica knows. */
  get reached(): number {
    return Math.max(this.executed, this.checkpoints.stable.order);
  }

  /** The last order executed, whether it is decided or not. */
  get speculated(): number {
    return this.executed + (this.speculation?.length ?? 0);
  }

  /** Up to where the state can be that of a checkpoint, or have been. */
  private get passed(): number {
    return this.isPartial ? this.lastCheckpoint : this.executed;
  }

  get isFetching(): boolean {
    return this.transfer.order !== null;
  }

  /** The ordering window: above the stable checkpoint, two checkpoint intervals long. */
  isInWindow(order: number): boolean {
    const stable = this.checkpoints.stable.order;
    return order > stable && order <= stable + 2 * this.host.context.limits.checkpointOrders;
  }

  /** Executes the next order, and takes a checkpoint if one is due. */
  execute(digest: Digest, batch: Batch, place: PartialPlace | null = null): void {
    const isOther = this.speculation?.isOther(digest) ?? false;
    if (isOther) this.rollback(this.executed);
    const { executions, image } = this.speculation?.execute(digest, batch) ?? {
      executions: this.executor.execute(batch),
      image: null,
    };
    this.executed += 1;
    if (place === null) this.digests.set(this.executed, digest);
    const { outbox } = this.host;
    const where = place === null ? {} : { instance: place.instance };
    let operations = 0;
    for (const { bundle, applied } of executions) {
      if (!applied) continue;
      const { client, session, number } = bundle;
      outbox.observe({ event: "applied", client, session, number, ...where });
      operations += bundle.operations.length;
    }
    this.operations += operations;
    outbox.observe({ event: "executed", order: this.executed, digest, operations, ...where });
    this.host.onExecuted(this.executed, executions);
    const isDue = this.checkpoints.isDueAfter(batchBytes(batch));
    if (!(place?.isBarrier ?? isDue)) return;
    this.takeCheckpoint(image ?? this.executor.image(this.executed));
  }

  /** Undoes what was executed tentatively beyond an order. */
  rollback(to: number): void {
    const undone = this.speculation?.rollback(to) ?? [];
    if (undone.length === 0) return;
    this.host.outbox.observe({ event: "undone", order: to, orders: undone.length });
    this.host.onUndone?.(to, undone);
  }

  // Checkpoints

  private takeCheckpoint(image: StateImage): void {
    this.speculation?.rebase(image);
    const digest = this.executor.digest(image);
    const { outbox } = this.host;
    outbox.observe({ event: "checkpoint", order: image.order, digest });
    outbox.persist(this.executedRecord(this.lastCheckpoint + 1, image.order));
    this.restartCount();
    const statement = this.addOwn(image, digest);
    if (statement !== null) this.onCheckpoint(this.host.context.replica, statement);
  }

  private executedRecord(first: number, order: number): StateRecord<Statement> {
    const batches: Digest[] = [];
    for (let one = first; one <= order; one += 1) {
      const digest = this.digests.get(one);
      if (digest === undefined)
        batches.length = 0; // it came by transfer, with all before it
      else batches.push(digest);
    }
    return { kind: "executed", order, batches };
  }

  private restartCount(): void {
    this.lastCheckpoint = this.executed;
    this.checkpoints.restartCount();
  }

  /** Keeps an image of this replica's state and says so to the others. */
  private addOwn(image: StateImage, digest: Digest): Statement | null {
    const statement = this.host.stateCheckpoint(image.order, digest);
    if (statement === null) return null;
    this.checkpoints.addOwn(image, digest, statement);
    this.host.outbox.broadcast({ ...statement, kind: "checkpoint" });
    return statement;
  }

  onCheckpoint(replica: ReplicaId, statement: Statement): void {
    const proof = this.checkpoints.note(replica, statement);
    if (proof !== null) this.learnStable(proof);
  }

  /** A checkpoint is stable somewhere: worth knowing, no reason to hurry. */
  learnStable(stable: StableProof<Statement>): void {
    if (stable.order <= this.checkpoints.stable.order) return;
    const own = this.checkpoints.own(stable.order);
    if (own !== undefined && equalBytes(own.digest, stable.digest)) {
      this.advance(stable, own.image);
    } else if (stable.order <= this.passed) {
      this.host.outbox.drop("this replica's own state: it differs from a certified one");
      this.fetch(stable);
    } else {
      this.noteAhead(stable);
    }
  }

  /** Moves the stable checkpoint up at once, if it is below; the state follows by transfer. */
  adoptStable(stable: StableProof<Statement>): void {
    this.learnStable(stable);
    if (stable.order > this.checkpoints.stable.order) this.fetch(stable);
  }

  private advance(stable: StableProof<Statement>, image: StateImage): void {
    const { outbox } = this.host;
    this.moveWindow(stable);
    outbox.persist({ ...this.stable, kind: "stable" });
    outbox.observe({ event: "stable", order: stable.order });
    outbox.add({ kind: "checkpoint", image, retain: this.retained(), required: false });
  }

  private moveWindow(stable: StableProof<Statement>): void {
    this.checkpoints.advance(stable);
    for (const order of this.digests.keys()) if (order <= stable.order) this.digests.delete(order);
    this.speculation?.forget(stable.order);
    this.host.onSettled(stable.order);
  }

  /** The batch that was executed at an order above the stable checkpoint; null if none was. */
  digestAt(order: number): Digest | null {
    return this.digests.get(order) ?? null;
  }

  /** The proof of the stable checkpoint, for a peer that lacks it. */
  sendStable(peer: ReplicaId): void {
    for (const statement of this.checkpoints.stable.statements) {
      this.host.outbox.send(peer, { ...statement, kind: "checkpoint" });
    }
  }

  // State transfer

  private noteAhead(stable: StableProof<Statement>): void {
    if (this.ahead !== null && this.ahead.stable.order >= stable.order) return;
    this.ahead = { stable, since: this.ahead?.since ?? this.host.now };
  }

  /**
   * Time passed: fetch what ordinary messages did not bring; repeat statements that are not stable
   * yet.
   */
  tick(): void {
    const { outbox, context, now } = this.host;
    for (const statement of this.checkpoints.unstable()) {
      outbox.broadcast({ ...statement, kind: "checkpoint" });
    }
    this.transfer.tick();
    if (this.ahead === null) return;
    const { stable, since } = this.ahead;
    if (stable.order <= this.checkpoints.stable.order) this.ahead = null;
    // Unless it got there itself meanwhile.
    else if (now - since >= context.timing.catchUpMs) this.adoptStable(stable);
  }

  /**
   * Fetches the state of a certified checkpoint. The window moves at once: ordering goes on
   * meanwhile.
   */
  private fetch(stable: StableProof<Statement>): void {
    const { outbox } = this.host;
    this.rollback(this.executed);
    if (this.ahead !== null && this.ahead.stable.order <= stable.order) this.ahead = null;
    if (this.passed >= stable.order) this.checkpoints.forgetOwn();
    this.moveWindow(stable);
    outbox.persist({ ...this.stable, kind: "skipped" });
    this.beginTransfer(stable);
  }

  private beginTransfer(stable: StableProof<Statement>): void {
    this.host.outbox.observe({ event: "transfer", order: stable.order, status: "started" });
    this.transfer.begin(stable);
  }

  onMessage(message: StateMessage, from: ReplicaId): void {
    const { outbox, context } = this.host;
    switch (message.kind) {
      case "fetch-manifest":
      case "fetch-pages": {
        const image = this.checkpoints.own(message.order)?.image;
        const answer = serveState(message, image, context.limits);
        return answer === null ? this.sendStable(from) : outbox.send(from, answer);
      }
      case "manifest":
        this.transfer.onManifest(message);
        return this.finishTransfer();
      case "pages":
        this.transfer.onPages(from, message);
        return this.finishTransfer();
    }
  }

  private finishTransfer(): void {
    const image = this.transfer.takeImage();
    if (image === null) return;
    const { outbox } = this.host;
    this.restore(image);
    this.addOwn(image, this.checkpoints.stable.digest);
    outbox.add({ kind: "checkpoint", image, retain: this.retained(), required: true });
    outbox.observe({ event: "transfer", order: image.order, status: "finished" });
    this.host.onTransferred();
  }

  private restore(image: StateImage): void {
    this.executor.restore(image);
    this.executed = image.order;
    this.speculation?.reset(image);
    this.restartCount();
  }

  // Coming back

  /** All records that must outlive an image: this part's, and the protocol's. */
  private retained(): readonly (StateRecord<Statement> | Durable)[] {
    const last = this.checkpoints.unstable().at(-1)?.order;
    const { order } = this.checkpoints.stable;
    return [
      { ...this.stable, kind: "stable" },
      ...this.host.retained(),
      ...(last === undefined ? [] : [this.executedRecord(order + 1, last)]),
    ];
  }

  /** Goes back to the state saved last. */
  restoreSaved(saved: SavedImage): void {
    const image = this.executor.read(saved);
    this.saved = image;
    this.restore(image);
  }

  /** Goes on from the saved state, record by record. */
  replay(record: StateRecord<Statement>): void {
    switch (record.kind) {
      case "executed":
        return this.replayExecuted(record.order, record.batches);
      case "stable":
        return this.replayStable(record);
      case "skipped":
        return this.moveWindow(record);
    }
  }

  private replayExecuted(last: number, batches: readonly Digest[]): void {
    batches.forEach((digest, index) => {
      const order = last - batches.length + 1 + index;
      const batch = order === this.executed + 1 ? this.host.findBatch(digest, order) : null;
      if (batch !== null) this.execute(digest, batch);
    });
  }

  /** Up to a stable checkpoint all was executed again, and must give the certified state. */
  private replayStable(stable: StableProof<Statement>): void {
    if (this.saved?.order === stable.order) {
      this.addOwn(this.saved, this.executor.digest(this.saved));
    }
    const own = this.checkpoints.own(stable.order);
    if (own !== undefined && equalBytes(own.digest, stable.digest)) this.moveWindow(stable);
    else this.ahead = { stable, since: Number.NEGATIVE_INFINITY };
  }

  /** After a replay: goes on with a transfer that the end of the earlier life cut short. */
  resume(): void {
    this.saved = null;
    const { stable } = this.checkpoints;
    if (this.passed < stable.order) this.beginTransfer(stable);
  }
}
