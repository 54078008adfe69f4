// A replica of ezBFT (thesis chapter 4, as protocols.md §4 corrects it): requests on their way in,
// the spaces in which they are ordered, execution by dependencies, and states at barriers.
/* oxlint-disable max-lines -- to be made two before the protocol is in the catalogue */

import { bundleOf, decodeWith, encodeWith, type Request } from "../../codec/index.js";
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
} from "../../core/index.js";
import {
  type Annex,
  type Answer,
  type Batch,
  batchDigest,
  type Checkpoint,
  checkpointDigest,
  type Committed,
  DependencyGraph,
  type Execution,
  type Footprint,
  footprintOf,
  InterferenceIndex,
  Outbox,
  ReplicatedState,
  restDigest,
  type StateHost,
  toReplyMessage,
} from "../../parts/index.js";
import {
  barrierDigest,
  type EzbftMessage,
  type EzbftRecord,
  type Frontier,
  frontierSchema,
  type Message,
  type Order,
  type Shown,
  type Value,
} from "./messages.js";
import { Pending } from "./pending.js";
import type { Slot } from "./slot.js";
import { Space } from "./space.js";

/** Slots of a space that only barriers may take, so that the window can always move. */
const barrierSlots = 4;

interface Command extends Committed {
  readonly batch: Digest;
}

const replicasOf = (n: number): ReplicaId[] => Array.from({ length: n }, (_, id) => id);

export class EzbftReplica
  implements ReplicaMachine<EzbftMessage, EzbftRecord>, StateHost<Checkpoint, EzbftRecord>, Annex
{
  readonly context: ReplicaContext;
  readonly outbox = new Outbox<EzbftMessage, EzbftRecord>();
  readonly state: ReplicatedState<Checkpoint, EzbftRecord>;
  readonly noop: Digest;
  /** How many slots of a space may be unsettled. */
  readonly window: number;
  private readonly barrier: Digest;
  private readonly index: InterferenceIndex;
  private readonly graph: DependencyGraph<Command>;
  private readonly spaces: Space[];
  private readonly pending: Pending;
  private readonly batches = new Map<string, Batch>();
  private readonly awaited = new Set<string>();
  /** Of each bundle in a batch that was recorded: where. */
  private readonly underway = new Map<string, { readonly slot: Slot; readonly batch: Digest }>();
  /** What the state holds of each space, as of the last barrier. */
  frontier: Frontier;
  /** The last stable checkpoint that this replica can show, with its frontier. */
  shown: Shown;
  now = 0;
  private hasNews = false;
  private isOrdering = false;
  private barrierDueSince: number | null = null;
  /** What each peer had decided of each space when it last said so. */
  private readonly peers = new Map<ReplicaId, readonly number[]>();

  constructor(context: ReplicaContext) {
    const { n, f, hash, limits } = context;
    const zeros = (): number[] => new Array<number>(n).fill(0);
    this.context = context;
    this.noop = batchDigest([], hash);
    this.barrier = barrierDigest(hash);
    this.window = 2 * limits.checkpointOrders + barrierSlots;
    this.frontier = { done: zeros(), sequences: zeros(), checkpoints: 0 };
    this.state = new ReplicatedState<Checkpoint, EzbftRecord>(this, n - f, false, this);
    this.index = new InterferenceIndex(n);
    this.graph = new DependencyGraph(n);
    this.pending = new Pending(limits);
    this.spaces = replicasOf(n).map((id) => new Space(this, id));
    const nothing = new Uint8Array(32);
    this.shown = { stable: this.state.stable, rest: nothing, frontier: this.bytes() };
  }

  step(
    now: number,
    input: Input<EzbftMessage, EzbftRecord>,
  ): readonly Effect<EzbftMessage, EzbftRecord>[] {
    this.now = now;
    if (input.kind === "start") this.start(input);
    else if (input.kind === "message") this.onMessage(input.message, input.from);
    else if (input.kind === "timeout") this.onTimeout(input.timer);
    this.attend();
    return this.outbox.take();
  }

  /** What was recorded may be what other spaces waited for. */
  private attend(): void {
    while (this.hasNews) {
      this.hasNews = false;
      for (const space of this.spaces) space.retry();
    }
  }

  recorded(): void {
    this.hasNews = true;
  }

  private onMessage(message: EzbftMessage, from: ReplicaId | null): void {
    if (message.kind === "request") return this.onRequest(message);
    if (message.kind === "misbehaviour") return this.onMisbehaviour(message);
    if (from === null) return this.outbox.drop("not a client's message");
    switch (message.kind) {
      case "checkpoint":
        this.state.onCheckpoint(message.replica, message);
        return this.orderSoon();
      case "status":
        return this.onStatus(from, message);
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
      case "spec-reply":
        return this.outbox.drop("a reply to a replica");
      default:
        return this.onSpaceMessage(this.spaces[message.space]!, message, from);
    }
  }

  private onSpaceMessage(
    space: Space,
    message: Extract<EzbftMessage, { readonly space: number }>,
    from: ReplicaId,
  ): void {
    switch (message.kind) {
      case "spec-order":
        return space.onSpecOrder(message);
      case "ack":
        return space.onAck(message);
      case "propose":
        return space.onPropose(message);
      case "prepare":
        return space.onPrepare(message);
      case "commit":
        return space.onCommit(from, message);
      case "decided":
        return space.onDecided(from, message);
      case "fetch-order":
        return space.onFetchOrder(from, message.slot);
      case "view-change":
        return space.views.onReport(message);
      case "new-view":
        return space.views.onNewView(message);
    }
  }

  private onTimeout(timer: string): void {
    if (timer === "batch") {
      this.isOrdering = false;
      this.orderPending();
    } else if (timer === "status") {
      this.outbox.setTimer("status", this.context.timing.statusMs);
      this.tick();
    }
  }

  private tick(): void {
    this.sayStatus();
    this.state.tick();
    for (const space of this.spaces) {
      space.views.retry();
      space.watch();
      space.resend();
    }
    this.awaited.clear();
    for (const space of this.spaces) {
      for (const slot of space.all()) if (!this.isExecuted(slot)) space.supply(slot);
    }
    this.orderBarrier();
    this.orderPending();
    this.recorded();
  }

  private isExecuted({ space, slot }: Slot): boolean {
    return this.graph.isExecuted(space, slot);
  }

  // REQUEST: whoever is asked orders it, unless somebody does already

  private onRequest(request: Request): void {
    const bundle = bundleOf(request)!;
    const { executor } = this.state;
    const answer = executor.answer(bundle);
    if (answer !== null) return this.reply(answer);
    if (bundle.number <= executor.settled(bundle)) {
      return this.outbox.drop("an answered request, its reply forgotten");
    }
    const underway = this.underway.get(toHex(request.digest ?? this.context.hash(request.body)));
    if (underway !== undefined && this.isStillUnderway(underway)) return;
    if (this.pending.add(request) === "full") {
      return this.outbox.drop("too many requests pending");
    }
    this.orderSoon();
  }

  private isStillUnderway({
    slot,
    batch,
  }: {
    readonly slot: Slot;
    readonly batch: Digest;
  }): boolean {
    const { recorded } = slot;
    return recorded !== null && equalBytes(recorded, batch) && !this.isExecuted(slot);
  }

  /** Orders at the end of the turn, so that what came together is ordered together. */
  orderSoon(): void {
    if (this.isOrdering) return;
    this.isOrdering = true;
    this.outbox.setTimer("batch", 0);
  }

  private orderPending(): void {
    const own = this.spaces[this.context.replica]!;
    while (this.mayOrder(own, this.window - barrierSlots)) {
      // At most W of an owner's slots wait to be executed (protocols.md (h)).
      if (own.top - this.graph.frontier[own.id]! >= this.context.limits.pipeline) return;
      const batch = this.pending.takeBatch((request) => this.isNews(request));
      if (batch.length === 0) return;
      own.order(batchDigest(batch, this.context.hash), batch);
      this.recorded();
    }
  }

  private isNews(request: Request): boolean {
    const bundle = bundleOf(request)!;
    return bundle.number > this.state.executor.settled(bundle);
  }

  private mayOrder(own: Space, slots: number): boolean {
    return own.isOpen && own.top < own.base + slots && !this.state.isFetching;
  }

  // Interference

  /** What comes before a batch here; of its own space only what stands before it. */
  dependenciesOf(digest: Digest, batch: Batch, space: number, slot: number): number[] {
    const found = this.index.dependencies(this.footprint(digest, batch));
    found[space] = Math.min(found[space]!, slot - 1);
    return found;
  }

  private footprint(digest: Digest, batch: Batch): Footprint {
    if (equalBytes(digest, this.barrier)) return "everything";
    return footprintOf(this.context.service, batch);
  }

  /** The highest sequence number among all that dependencies stand for. */
  highestSequence(dependencies: readonly number[]): number {
    return Math.max(
      0,
      ...dependencies.map((slot, space) =>
        slot === 0 ? 0 : this.spaces[space]!.highestUpTo(slot),
      ),
    );
  }

  /** A batch stands at a slot: what follows depends on it. */
  note(slot: Slot, digest: Digest): void {
    const batch = this.batchOf(digest) ?? [];
    this.index.record(slot.space, slot.slot, this.footprint(digest, batch));
    for (const request of batch) {
      this.underway.set(toHex(request.digest ?? this.context.hash(request.body)), {
        slot,
        batch: digest,
      });
    }
  }

  /** Whether all of this is known to be there: an owner signed an order for each slot (E7). */
  isEvident(dependencies: readonly number[]): boolean {
    return dependencies.every((slot, space) => slot <= this.spaces[space]!.top);
  }

  need(dependencies: readonly number[]): void {
    dependencies.forEach((slot, space) => {
      const other = this.spaces[space]!;
      other.needed = Math.max(other.needed, slot);
    });
  }

  fetchOrders(dependencies: readonly number[]): void {
    dependencies.forEach((slot, space) => {
      const other = this.spaces[space]!;
      if (slot > other.top) other.fetchNextOrder();
    });
  }

  // Execution (§4.3.2)

  /** An answer before the order is decided, if all that comes before it is executed: E3. */
  answerSpeculatively(order: Order, { dependencies, sequence }: Value, batch: Batch): void {
    if (this.state.isFetching || !this.graph.isClosed(dependencies)) return;
    for (const answer of this.state.executor.preview(batch)) {
      if (answer === null || answer.outcome !== "executed") continue;
      const { client, session } = answer;
      const { view: _, ...reply } = toReplyMessage(answer, 0);
      this.outbox.reply(client, session, {
        ...reply,
        kind: "spec-reply",
        order,
        dependencies: [...dependencies],
        sequence,
      });
    }
  }

  /** An instance is decided: whatever is complete now is executed. */
  commit({ space, slot }: Slot, { batch, dependencies, sequence }: Value): void {
    if (this.state.isFetching) return; // all of it, when the state is here
    const isBarrier = equalBytes(batch, this.barrier);
    const commands = this.graph.commit({ space, slot, batch, dependencies, sequence, isBarrier });
    for (const command of commands) this.execute(command);
    if (commands.length > 0) this.orderSoon();
  }

  private execute({ space, slot, batch, isBarrier, dependencies }: Command): void {
    const requests = this.batchOf(batch)!;
    if (isBarrier) this.pass(dependencies, space, slot);
    this.state.execute(batch, requests, { instance: { space, slot }, isBarrier });
  }

  /** A barrier: exactly what it depends on was executed before it, whatever else may come next. */
  private pass(dependencies: readonly number[], space: number, slot: number): void {
    const { done: before, checkpoints } = this.frontier;
    const done = before.map((last, of) => Math.max(last, dependencies[of]!));
    done[space] = Math.max(done[space]!, slot);
    const sequences = done.map((last, of) => this.spaces[of]!.highestUpTo(last));
    this.frontier = { done, sequences, checkpoints: checkpoints + 1 };
    this.barrierDueSince = null;
  }

  onExecuted(_order: number, executions: readonly Execution[]): void {
    for (const { answer } of executions) if (answer !== null) this.reply(answer);
  }

  private reply(answer: Answer): void {
    this.outbox.reply(answer.client, answer.session, toReplyMessage(answer, 0));
  }

  // Checkpoints: barriers, whose owners take turns

  private orderBarrier(): void {
    const own = this.spaces[this.context.replica]!;
    const { checkpointOrders } = this.context.limits;
    const { checkpoints } = this.state;
    const isDue =
      checkpoints.isDue(checkpoints.sinceLast) || own.top - own.base >= checkpointOrders;
    this.barrierDueSince = isDue ? (this.barrierDueSince ?? this.now) : null;
    if (this.barrierDueSince === null || this.isBarrierUnderway()) return;
    const { n, replica, timing } = this.context;
    const turn = (replica + n - (this.frontier.checkpoints % n)) % n;
    if (this.now - this.barrierDueSince < turn * timing.patienceMs) return;
    if (!this.mayOrder(own, this.window)) return;
    own.order(this.barrier, []);
    this.recorded();
  }

  private isBarrierUnderway(): boolean {
    return this.spaces.some((space) =>
      space
        .all()
        .some(
          (slot) =>
            slot.recorded !== null &&
            equalBytes(slot.recorded, this.barrier) &&
            !this.isExecuted(slot),
        ),
    );
  }

  stateCheckpoint(order: number, digest: Digest): Checkpoint {
    const { identity, hash, replica } = this.context;
    const content = { order, digest, replica };
    return { ...content, proof: identity.sign(checkpointDigest(content, hash)) };
  }

  bytes(): Uint8Array {
    return encodeWith(frontierSchema, this.frontier);
  }

  isReadable(bytes: Uint8Array): boolean {
    const { n } = this.context;
    const read = decodeWith(frontierSchema, bytes);
    return read !== null && read.done.length === n && read.sequences.length === n;
  }

  restore(bytes: Uint8Array): void {
    this.frontier = decodeWith(frontierSchema, bytes)!;
  }

  /** Truncates all spaces at the frontier of a checkpoint whose state this replica has. */
  onSettled(order: number): void {
    const own = this.state.checkpoints.own(order);
    if (own === undefined) return; // it comes by transfer
    const { pages } = own.image;
    const frontier = pages.at(-1)!.bytes();
    const digests = pages.map(({ digest }) => digest);
    const rest = restDigest(order, digests, this.context.hash);
    this.shown = { stable: this.state.stable, rest, frontier };
    this.truncate(decodeWith(frontierSchema, frontier)!);
  }

  private truncate({ done, sequences }: Frontier): void {
    this.index.forget(done);
    const kept = new Set<string>();
    for (const space of this.spaces) {
      space.forget(done[space.id]!, sequences[space.id]!);
      for (const { recorded, order, decided, certificate, prepared } of space.all()) {
        for (const one of [
          recorded,
          order?.batch,
          decided?.batch,
          certificate?.batch,
          prepared?.batch,
        ]) {
          if (one != null) kept.add(toHex(one));
        }
      }
    }
    for (const digest of this.batches.keys()) if (!kept.has(digest)) this.batches.delete(digest);
    for (const [key, { slot }] of this.underway) {
      if (slot.slot <= done[slot.space]!) this.underway.delete(key);
    }
  }

  onTransferred(): void {
    this.onSettled(this.state.stable.order);
    this.resumeExecution();
  }

  /** Goes on from the state as it is: what is decided beyond it is executed again. */
  private resumeExecution(): void {
    this.graph.restart(this.frontier.done);
    for (const space of this.spaces) for (const slot of space.all()) space.supply(slot);
    this.orderSoon();
  }

  // Batches by digest

  batchOf(digest: Digest): Batch | null {
    if (equalBytes(digest, this.noop) || equalBytes(digest, this.barrier)) return [];
    return this.batches.get(toHex(digest)) ?? null;
  }

  findBatch(): Batch | null {
    return null; // what was executed is found again by what was decided
  }

  /** Keeps a batch that this replica answers for. */
  keepBatch(digest: Digest, requests: Batch): void {
    if (this.batchOf(digest) !== null) return;
    this.batches.set(toHex(digest), requests);
    this.outbox.persist({ kind: "batch", digest, requests: [...requests] });
  }

  fetchBatch(digest: Digest): void {
    const key = toHex(digest);
    if (this.awaited.has(key)) return;
    this.awaited.add(key);
    this.outbox.broadcast({ kind: "fetch-batch", digest });
  }

  private onFetchBatch(from: ReplicaId, digest: Digest): void {
    const requests = this.batches.get(toHex(digest));
    if (requests !== undefined) {
      this.outbox.send(from, { kind: "batch", digest, requests: [...requests] });
    }
  }

  private onBatch(digest: Digest, requests: Batch): void {
    if (!this.awaited.delete(toHex(digest))) return;
    this.keepBatch(digest, requests);
    for (const space of this.spaces) {
      for (const slot of space.all()) if (!this.isExecuted(slot)) space.supply(slot);
      space.views.retry();
    }
    this.recorded();
  }

  // Where everybody stands

  sayStatus(): void {
    const stable = this.state.checkpoints.stable.order;
    this.outbox.broadcast({
      kind: "status",
      stable,
      spaces: this.spaces.map((space) => space.standing),
    });
  }

  private onStatus(from: ReplicaId, { stable, spaces }: Message<"status">): void {
    const before = this.peers.get(from);
    this.peers.set(
      from,
      spaces.map(({ decided }) => decided),
    );
    if (stable < this.state.checkpoints.stable.order) this.state.sendStable(from);
    spaces.forEach((standing, id) => {
      const space = this.spaces[id]!;
      space.views.noteStatus(from, standing);
      space.views.assist(from, standing);
      if (before?.[id] === standing.decided) space.help(from, standing.decided);
    });
  }

  /** POM: two orders of one owner for one place. */
  onMisbehaviour(message: Message<"misbehaviour">): void {
    const { space, view } = message.one;
    const { views } = this.spaces[space]!;
    if (views.view !== view) return;
    this.outbox.broadcast(message);
    views.forsake(view);
  }

  // Coming back

  private start({
    snapshot,
    journal,
  }: Extract<Input<EzbftMessage, EzbftRecord>, { kind: "start" }>): void {
    if (snapshot !== null) {
      this.state.restoreSaved(snapshot);
      this.graph.restart(this.frontier.done);
      this.truncate(this.frontier);
    }
    for (const record of journal) this.replay(record);
    // What a replay says was said in an earlier life; only what it means now is worth telling.
    for (const effect of this.outbox.take()) {
      if (effect.kind === "observe") this.outbox.add(effect);
    }
    this.awaited.clear();
    this.isOrdering = false;
    this.state.resume();
    this.outbox.setTimer("status", this.context.timing.statusMs);
    this.sayStatus();
    this.recorded();
  }

  private replay(record: EzbftRecord): void {
    switch (record.kind) {
      case "executed":
      case "stable":
      case "skipped":
        return this.state.replay(record);
      case "batch":
        this.batches.set(toHex(record.digest), record.requests);
        return;
      case "acked": {
        const { order, dependencies, sequence } = record;
        const { batch } = order;
        return this.spaces[order.space]!.restoreAcked(order, { batch, dependencies, sequence });
      }
      case "decided": {
        const { space, slot, batch, dependencies, sequence } = record;
        return this.spaces[space]!.restoreDecided(slot, { batch, dependencies, sequence });
      }
      case "left":
        return this.spaces[record.space]!.views.restoreLeft(record);
      case "entered": {
        const space = this.spaces[record.space]!;
        const plan = space.views.restoreEntered(record);
        if (plan !== null) space.begin(plan);
        return;
      }
      default:
        return this.spaces[record.space]!.restoreVote(record);
    }
  }

  /** What must be kept besides the state. */
  retained(): readonly EzbftRecord[] {
    const batches = [...this.batches].map(([, requests]): EzbftRecord => {
      return {
        kind: "batch",
        digest: batchDigest(requests, this.context.hash),
        requests: [...requests],
      };
    });
    return [...batches, ...this.spaces.flatMap((space) => space.retained())];
  }

  status(): ReplicaStatus {
    const beyond = this.graph.executedBeyond().map(({ space, slot }) => `${space}.${slot}`);
    return {
      view: Math.max(...this.spaces.map(({ views }) => views.entered)),
      role: this.role(),
      executed: this.state.executed,
      frontier: [this.graph.frontier.join(), ...beyond].join(" "),
      tentative: this.unsettled,
      stable: this.state.checkpoints.stable.order,
      operations: this.state.operations,
    };
  }

  /** Instances that may have been answered, and are not executed. */
  private get unsettled(): number {
    const slots = this.spaces.flatMap((space) => space.all());
    return slots.filter((slot) => slot.recorded !== null && !this.isExecuted(slot)).length;
  }

  private role(): ReplicaStatus["role"] {
    if (this.state.isFetching) return "catching up";
    return this.spaces[this.context.replica]!.isOpen ? "leader" : "changing view";
  }
}
