// A replica of ezBFT (thesis chapter 4, as protocols.md §4 corrects it): requests on their way in,
// the spaces in which they are ordered, execution by dependencies, and states at barriers.

import { bundleOf, decodeWith, type Request } from "../../codec/index.js";
import type {
  Digest,
  Effect,
  Input,
  ReplicaContext,
  ReplicaId,
  ReplicaMachine,
  ReplicaStatus,
} from "../../core/index.js";
import {
  type Answer,
  type Batch,
  batchDigest,
  type Checkpoint,
  checkpointDigest,
  type Committed,
  DependencyGraph,
  type Execution,
  Outbox,
  ReplicatedState,
  type StateHost,
  toReplyMessage,
} from "../../parts/index.js";
import { Barriers } from "./barriers.js";
import { Batches } from "./batches.js";
import {
  type EzbftMessage,
  type EzbftRecord,
  type Frontier,
  frontierSchema,
  type Message,
  type Order,
  type Shown,
  type Value,
} from "./messages.js";
import { Precedence } from "./precedence.js";
import { Requests } from "./requests.js";
import type { Slot } from "./slot.js";
import { Space } from "./space.js";

/** Slots of a space that only barriers may take, so that the window can always move. */
const barrierSlots = 4;

interface Command extends Committed {
  readonly batch: Digest;
}

export class EzbftReplica
  implements ReplicaMachine<EzbftMessage, EzbftRecord>, StateHost<Checkpoint, EzbftRecord>
{
  readonly context: ReplicaContext;
  readonly outbox = new Outbox<EzbftMessage, EzbftRecord>();
  readonly state: ReplicatedState<Checkpoint, EzbftRecord>;
  readonly batches: Batches;
  readonly precedence: Precedence;
  /** How many slots of a space may be unsettled. */
  readonly window: number;
  private readonly graph: DependencyGraph<Command>;
  private readonly spaces: readonly Space[];
  private readonly requests: Requests;
  private readonly barriers: Barriers;
  /** The last stable checkpoint that this replica can show, with its frontier. */
  shown: Shown;
  now = 0;
  /** What is to be answered once all that comes before it is executed. */
  private readonly unanswered = new Set<Slot>();
  private hasNews = false;
  private isOrdering = false;
  /** What each peer had decided of each space when it last said so. */
  private readonly peers = new Map<ReplicaId, readonly number[]>();

  constructor(context: ReplicaContext) {
    const { n, f, hash, limits } = context;
    this.context = context;
    this.window = 2 * limits.checkpointOrders + barrierSlots;
    this.batches = new Batches(hash, this.outbox);
    this.barriers = new Barriers(context);
    this.state = new ReplicatedState<Checkpoint, EzbftRecord>(this, n - f, false, this.barriers);
    this.shown = this.barriers.showNothing(this.state.stable);
    this.graph = new DependencyGraph(n);
    this.requests = new Requests(context);
    this.spaces = Array.from({ length: n }, (_, id) => new Space(this, id));
    this.precedence = new Precedence(context, this.batches, this.spaces);
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
      for (const space of this.spaces) {
        space.takeEarly();
        space.agreement.retry();
      }
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
        return this.onBatch(message);
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
    const { agreement, views, reminders } = space;
    switch (message.kind) {
      case "spec-order":
        return space.onSpecOrder(message);
      case "ack":
        return agreement.onAck(message);
      case "propose":
        return agreement.onPropose(message);
      case "prepare":
        return agreement.onPrepare(message);
      case "commit":
        return agreement.onCommit(from, message);
      case "decided":
        return agreement.onDecided(from, message);
      case "fetch-order":
        return reminders.onFetchOrder(from, message.slot);
      case "view-change":
        return views.onReport(message);
      case "new-view":
        return views.onNewView(message);
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
    this.batches.askAgain();
    this.sayStatus();
    this.state.tick();
    for (const space of this.spaces) {
      space.views.retry();
      space.watch();
      space.reminders.resend();
    }
    this.supply();
    this.orderPending();
    this.recorded();
  }

  // REQUEST: whoever is asked orders it, unless somebody does already

  private onRequest(request: Request): void {
    const bundle = bundleOf(request)!;
    const { executor } = this.state;
    const answer = executor.answer(bundle);
    if (answer !== null) return this.reply(answer);
    if (!this.isNews(request)) {
      return this.outbox.drop("an answered request, its reply forgotten");
    }
    const slot = this.requests.slotOf(request);
    if (slot !== null && !this.isExecuted(slot)) return;
    if (this.requests.isEarly(bundle, executor.settled(bundle))) {
      return this.outbox.drop("a request whose predecessors are missing");
    }
    if (!this.requests.add(request)) return this.outbox.drop("too many requests pending");
    this.orderSoon();
  }

  private isNews(request: Request): boolean {
    const bundle = bundleOf(request)!;
    return bundle.number > this.state.executor.settled(bundle);
  }

  /** Orders at the end of the turn, so that what came together is ordered together. */
  orderSoon(): void {
    if (this.isOrdering) return;
    this.isOrdering = true;
    this.outbox.setTimer("batch", 0);
  }

  private get own(): Space {
    return this.spaces[this.context.replica]!;
  }

  private orderPending(): void {
    const { own } = this;
    this.orderBarrier();
    while (this.mayOrder(this.window - barrierSlots)) {
      // At most W of an owner's slots wait to be executed (protocols.md (h)).
      if (own.slots.top - this.graph.frontier[own.id]! >= this.context.limits.pipeline) return;
      const batch = this.requests.takeBatch((request) => this.isNews(request));
      if (batch.length === 0) return;
      own.order(batchDigest(batch, this.context.hash), batch);
      this.recorded();
    }
  }

  private mayOrder(slots: number): boolean {
    const { isOpen, slots: own } = this.own;
    return isOpen && own.top < own.base + slots && !this.state.isFetching;
  }

  /** A batch stands at a slot: what follows depends on it. */
  note(slot: Slot, digest: Digest): void {
    const batch = this.batches.get(digest) ?? [];
    if (this.batches.isBarrier(digest)) this.barriers.note(slot);
    this.precedence.note(slot, digest, batch);
    this.requests.note(slot, digest, batch);
  }

  // Execution (§4.3.2)

  isExecuted({ space, slot }: Slot): boolean {
    return this.graph.isExecuted(space, slot);
  }

  /** An answer before the order is decided, once all that comes before it is executed: E3. */
  answerSpeculatively(slot: Slot): void {
    const { order, answer, said, decided } = slot;
    if (order === null || answer === null || said?.view !== order.view || decided !== null) return;
    const isClosed = !this.state.isFetching && this.graph.isClosed(answer.dependencies);
    if (!isClosed) return void this.unanswered.add(slot);
    const batch = this.batches.get(order.batch);
    if (batch === null) return; // a checkpoint has settled it
    for (const made of this.state.executor.preview(batch)) {
      if (made?.outcome === "executed") this.replySpeculatively(order, answer, made);
    }
  }

  private replySpeculatively(order: Order, { dependencies, sequence }: Value, made: Answer): void {
    const { view: _, ...reply } = toReplyMessage(made, 0);
    this.outbox.reply(made.client, made.session, {
      ...reply,
      kind: "spec-reply",
      order,
      dependencies: [...dependencies],
      sequence,
    });
  }

  /** Something was executed: others may have waited for no more than that. */
  private answerWaiting(): void {
    const waiting = [...this.unanswered];
    this.unanswered.clear();
    for (const slot of waiting) this.answerSpeculatively(slot);
  }

  /** An instance is decided: whatever is complete now is executed. */
  commit({ space, slot }: Slot, { batch, dependencies, sequence }: Value): void {
    if (this.state.isFetching) return; // all of it, when the state is here
    const isBarrier = this.batches.isBarrier(batch);
    const commands = this.graph.commit({ space, slot, batch, dependencies, sequence, isBarrier });
    if (commands.length === 0) return;
    for (const command of commands) this.execute(command);
    this.answerWaiting();
    this.orderSoon();
  }

  private execute(command: Command): void {
    const { space, slot, batch, isBarrier } = command;
    if (isBarrier) {
      if (this.barriers.isPassed(command)) return;
      this.barriers.pass(command, (of, last) => this.spaces[of]!.slots.highestSequence(last));
    }
    this.state.execute(batch, this.batches.get(batch)!, { instance: { space, slot }, isBarrier });
  }

  onExecuted(_order: number, executions: readonly Execution[]): void {
    for (const { answer } of executions) if (answer !== null) this.reply(answer);
  }

  private reply(answer: Answer): void {
    this.outbox.reply(answer.client, answer.session, toReplyMessage(answer, 0));
  }

  /** Whatever is decided and not executed, with all that it takes. */
  private supply(): void {
    for (const space of this.spaces) for (const slot of space.slots.all()) space.supply(slot);
  }

  // Checkpoints

  private orderBarrier(): void {
    const { slots } = this.own;
    const { checkpoints } = this.state;
    const passed = this.barriers.frontier.done[this.own.id]!;
    const isLong = slots.top - passed >= this.context.limits.checkpointOrders;
    const isDue = isLong || checkpoints.isDue(checkpoints.sinceLast);
    const isUnderway = this.barriers.isUnderway(
      (slot) => this.isBarrierAt(slot) && !this.isExecuted(slot),
    );
    if (!this.barriers.isOwn(isDue && !isUnderway, this.now)) return;
    if (!this.mayOrder(this.window)) return;
    this.own.order(this.batches.barrier, []);
    this.recorded();
  }

  /** Whether a barrier stands at a slot, and not what an owner change put in its place. */
  private isBarrierAt(slot: Slot): boolean {
    return slot.recorded !== null && this.batches.isBarrier(slot.recorded);
  }

  stateCheckpoint(order: number, digest: Digest): Checkpoint {
    const { identity, hash, replica } = this.context;
    const content = { order, digest, replica };
    return { ...content, proof: identity.sign(checkpointDigest(content, hash)) };
  }

  /** Truncates all spaces at the frontier of a checkpoint whose state this replica has. */
  onSettled(order: number): void {
    const own = this.state.checkpoints.own(order);
    if (own === undefined) return; // it comes by transfer
    this.shown = this.barriers.show(this.state.stable, own.image);
    this.truncate(decodeWith(frontierSchema, this.shown.frontier)!);
  }

  private truncate({ done, sequences }: Frontier): void {
    for (const space of this.spaces) space.forget(done[space.id]!, sequences[space.id]!);
    this.precedence.forget(done);
    this.requests.forget(done);
    for (const slot of this.unanswered) {
      if (slot.slot <= done[slot.space]!) this.unanswered.delete(slot);
    }
    const slots = this.spaces.flatMap((space) => space.slots.all());
    const named = slots.flatMap(({ recorded, order, decided, certificate, prepared }) => {
      return [recorded, order?.batch, decided?.batch, certificate?.batch, prepared?.batch];
    });
    this.batches.retain(named.filter((digest) => digest != null));
  }

  /** Goes on from the state as it is: what is decided beyond it is executed again. */
  onTransferred(): void {
    this.onSettled(this.state.stable.order);
    this.graph.restart(this.barriers.frontier.done);
    this.supply();
    this.orderSoon();
  }

  // Batches by digest

  findBatch(): Batch | null {
    return null; // what was executed is found again by what was decided
  }

  private onFetchBatch(from: ReplicaId, digest: Digest): void {
    const requests = this.batches.get(digest);
    if (requests === null || requests.length === 0) return; // those everybody has
    this.outbox.send(from, { kind: "batch", digest, requests: [...requests] });
  }

  private onBatch({ digest, requests }: Message<"batch">): void {
    if (!this.batches.take(digest, requests)) return;
    this.supply();
    for (const space of this.spaces) space.views.retry();
    this.recorded();
  }

  // Where everybody stands

  sayStatus(): void {
    const stable = this.state.checkpoints.stable.order;
    const spaces = this.spaces.map((space) => space.standing);
    this.outbox.broadcast({ kind: "status", stable, spaces });
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
      space.onStanding(from, standing);
      if (before?.[id] === standing.decided) space.reminders.help(from, standing.decided);
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
      this.graph.restart(this.barriers.frontier.done);
      this.truncate(this.barriers.frontier);
    }
    for (const record of journal) this.replay(record);
    // What a replay says was said in an earlier life; only what it means now is worth telling.
    for (const effect of this.outbox.take()) {
      if (effect.kind === "observe") this.outbox.add(effect);
    }
    this.batches.askAgain();
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
        // A decision may have waited for it.
        return this.batches.restore(record.digest, record.requests) ? this.supply() : undefined;
      default:
        return this.replayOf(this.spaces[spaceOf(record)]!, record);
    }
  }

  private replayOf(space: Space, record: SpaceRecord): void {
    switch (record.kind) {
      case "acked":
        return space.restoreAcked(record.order, { ...record, batch: record.order.batch });
      case "decided":
        return space.restoreDecided(record.slot, record);
      case "left":
        return space.views.restoreLeft(record);
      case "entered": {
        const plan = space.views.restoreEntered(record);
        return plan === null ? undefined : space.begin(plan);
      }
      default:
        return space.restoreVote(record);
    }
  }

  /** What must be kept besides the state. */
  retained(): readonly EzbftRecord[] {
    return [...this.batches.retained(), ...this.spaces.flatMap((space) => space.retained())];
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
    const slots = this.spaces.flatMap((space) => space.slots.all());
    return slots.filter((slot) => slot.recorded !== null && !this.isExecuted(slot)).length;
  }

  private role(): ReplicaStatus["role"] {
    if (this.state.isFetching) return "catching up";
    return this.own.isOpen ? "leader" : "changing view";
  }
}

/** What is stored of one space. */
type SpaceRecord = Exclude<EzbftRecord, { kind: "executed" | "stable" | "skipped" | "batch" }>;

const spaceOf = (record: SpaceRecord): number =>
  record.kind === "acked" ? record.order.space : record.space;
