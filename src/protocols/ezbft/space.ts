// One instance space at one replica: its owner's orders, the slow path's votes, and changes of its
// owner. In the order of thesis §4.3, as protocols.md §4 corrects it.
/* oxlint-disable max-lines -- to be made two before the protocol is in the catalogue */

import { type Digest, equalBytes, type ReplicaContext, type ReplicaId } from "../../core/index.js";
import { type Batch, ViewChanger, type ViewChangeHost } from "../../parts/index.js";
import {
  type Ballot,
  type EzbftRecord,
  type Message,
  type NewOwner,
  type Order,
  ownerOf,
  type Proposal,
  proven,
  type Report,
  type SpecOrder,
  type Standing,
  type Value,
} from "./messages.js";
import { combined, type OwnerPlan, planOf } from "./owner-change.js";
import type { EzbftReplica } from "./replica.js";
import { beginSlot, emptySlot, type Slot, votersFor } from "./slot.js";

/** Slots said again to one peer, or to all, at a time. */
const resendSlots = 32;

export class Space implements ViewChangeHost<Report, NewOwner, OwnerPlan> {
  readonly id: number;
  readonly views: ViewChanger<Report, NewOwner, OwnerPlan>;
  private readonly replica: EzbftReplica;
  private readonly slots = new Map<number, Slot>();
  /** Orders that came before what they build on. */
  private readonly early = new Map<number, SpecOrder>();
  /** Everything up to here is settled by a stable checkpoint. */
  base = 0;
  /** The highest sequence number up to there. */
  private baseSequence = 0;
  /** Everything up to here is recorded … */
  top = 0;
  /** … and decided. */
  decided = 0;
  /** Somebody waits for everything up to here. */
  needed = 0;
  /** Since when the first slot that is not decided is waited for; null while none is. */
  private blockedSince: number | null = null;
  private enteredAt = 0;
  /** Owners that failed since the space was last seen to work. */
  private failures = 0;
  private settled = 0;

  constructor(replica: EzbftReplica, id: number) {
    const { n, f } = replica.context;
    this.replica = replica;
    this.id = id;
    this.views = new ViewChanger(this, n - f);
  }

  get context(): ReplicaContext {
    return this.replica.context;
  }

  get outbox(): EzbftReplica["outbox"] {
    return this.replica.outbox;
  }

  get now(): number {
    return this.replica.now;
  }

  leaderOf(view: number): ReplicaId {
    return ownerOf(this.id, view, this.context.n);
  }

  get owner(): ReplicaId {
    return this.leaderOf(this.views.entered);
  }

  /** Whether its own replica may order here. */
  get isOpen(): boolean {
    return this.views.isInView && this.owner === this.id;
  }

  private get quorum(): number {
    return this.context.n - this.context.f;
  }

  get(slot: number): Slot | undefined {
    return this.slots.get(slot);
  }

  all(): Slot[] {
    return [...this.slots.values()].toSorted((a, b) => a.slot - b.slot);
  }

  private slotOf(slot: number): Slot {
    let known = this.slots.get(slot);
    if (known === undefined) {
      known = emptySlot(this.id, slot, this.now, this.context.n);
      this.slots.set(slot, known);
    }
    return known;
  }

  private isInWindow(slot: number): boolean {
    return slot > this.base && slot <= this.base + this.replica.window;
  }

  /** Of the view this replica is in, while it is in it. */
  private isVotable({ view, slot }: { readonly view: number; readonly slot: number }): boolean {
    return this.views.isInView && this.isCurrent({ view, slot });
  }

  /** Votes of the last view entered count for ever: what a quorum decided stays decided. */
  private isCurrent({ view, slot }: { readonly view: number; readonly slot: number }): boolean {
    return view === this.views.entered && this.isInWindow(slot);
  }

  // SPECORDER (§4.3.1, steps 2 and 3)

  /** As its owner, orders a batch at the next slot. */
  order(batch: Digest, requests: Batch): void {
    const { identity, hash } = this.context;
    const dependencies = this.replica.dependenciesOf(batch, requests, this.id, this.top + 1);
    const ballot: Ballot = {
      space: this.id,
      slot: this.top + 1,
      view: this.views.entered,
      batch,
      dependencies,
      sequence: 1 + this.replica.highestSequence(dependencies),
    };
    const order = { ...ballot, proof: identity.sign(proven.order(ballot, hash)) };
    const message = { ...order, requests: [...requests] };
    this.replica.keepBatch(batch, requests);
    this.record(order, requests);
    this.outbox.broadcast({ ...message, kind: "spec-order" });
    this.answer(this.slotOf(order.slot), requests);
  }

  onSpecOrder(message: SpecOrder): void {
    if (!this.isVotable(message)) return;
    const known = this.slots.get(message.slot);
    if (known?.order?.view === message.view) return this.compare(known.order, message);
    if (message.slot <= this.top) return; // a plan, or a decision, stands there
    const early = this.early.get(message.slot);
    if (early?.view === message.view) return this.compare(early, message);
    this.early.set(message.slot, message);
    this.takeEarly();
  }

  private compare(one: Order, other: Order): void {
    const { hash } = this.context;
    if (equalBytes(proven.order(one, hash), proven.order(other, hash))) return;
    this.outbox.drop("two orders of one owner");
    const bare = ({ space, slot, view, batch, dependencies, sequence, proof }: Order): Order => {
      return { space, slot, view, batch, dependencies, sequence, proof };
    };
    this.replica.onMisbehaviour({ kind: "misbehaviour", one: bare(one), other: bare(other) });
  }

  /** Records orders in their sequence, once all that they name is known to be there (E7). */
  takeEarly(): void {
    for (;;) {
      const next = this.early.get(this.top + 1);
      if (next === undefined) return;
      if (!this.isVotable(next)) {
        this.early.delete(next.slot);
        return;
      }
      if (!this.replica.isEvident(next.dependencies)) return;
      this.early.delete(next.slot);
      const { requests, ...rest } = next;
      const { space, slot, view, batch, dependencies, sequence, proof } = rest;
      this.replica.keepBatch(batch, requests);
      this.record({ space, slot, view, batch, dependencies, sequence, proof }, requests);
      this.answer(this.slotOf(slot), requests);
      this.replica.recorded();
    }
  }

  private record(order: Order, requests: Batch): void {
    const { space, batch } = order;
    const own = this.replica.dependenciesOf(batch, requests, space, order.slot);
    const dependencies = order.dependencies.map((slot, of) => Math.max(slot, own[of]!));
    const sequence = Math.max(order.sequence, 1 + this.replica.highestSequence(dependencies));
    this.outbox.persist({ kind: "acked", order, dependencies, sequence });
    this.restoreAcked(order, { batch, dependencies, sequence });
  }

  /** A SPECORDER was answered so. */
  restoreAcked(order: Order, answer: Value): void {
    if (!this.isInWindow(order.slot)) return;
    const slot = this.slotOf(order.slot);
    const { space, view } = order;
    slot.order = order;
    slot.answer = answer;
    if (view === this.views.entered) slot.said = { space, slot: order.slot, view, ...answer };
    this.noteRecorded(slot, answer);
  }

  private noteRecorded(slot: Slot, value: Value): void {
    if (slot.recorded === null || !equalBytes(slot.recorded, value.batch)) {
      this.replica.note(slot, value.batch);
      slot.recorded = value.batch;
    }
    if (slot.decided === null || slot.decided === value) slot.sequence = value.sequence;
    this.replica.need(value.dependencies);
    this.advanceTop();
  }

  private advanceTop(): void {
    while (this.slots.get(this.top + 1)?.recorded != null) this.top += 1;
  }

  // SPECREPLY, to the client and to the owner

  private answer(slot: Slot, requests: Batch): void {
    const { order, answer } = slot;
    if (order === null || answer === null) return;
    this.replica.answerSpeculatively(order, answer, requests);
    this.sayAck(slot);
  }

  private sayAck({ said }: Slot): void {
    if (said === null) return;
    const { identity, hash, replica } = this.context;
    const proof = identity.sign(proven.ack(said, hash));
    const ack = { ...said, replica, proof, kind: "ack" } as const;
    if (this.owner === replica) this.onAck(ack);
    else this.outbox.send(this.owner, ack);
  }

  /** As the owner: once 2f+1 have said what comes before an instance, that is put to the vote. */
  onAck(ack: Message<"ack">): void {
    const slot = this.slots.get(ack.slot);
    if (!this.isVotable(ack) || this.owner !== this.context.replica || slot === undefined) return;
    const { replica, batch, dependencies, sequence, proof } = ack;
    slot.opinions[replica] = { replica, batch, dependencies, sequence, proof };
    this.propose(slot);
  }

  private propose(slot: Slot): void {
    const { said, proposal } = slot;
    if (said === null || proposal !== null || this.owner !== this.context.replica) return;
    const opinions = slot.opinions.filter(
      (one) =>
        one !== null &&
        equalBytes(one.batch, said.batch) &&
        this.replica.isEvident(one.dependencies),
    );
    if (opinions.length < this.quorum) return;
    const { space, view, batch } = said;
    const chosen = opinions.slice(0, this.quorum).map((one) => {
      const { replica, dependencies, sequence, proof } = one!;
      return { replica, dependencies, sequence, proof };
    });
    const made = { space, slot: slot.slot, view, batch, opinions: chosen };
    slot.proposal = made;
    this.outbox.persist({ ...made, kind: "proposed" });
    this.outbox.broadcast({ ...made, kind: "propose" });
    this.tryPrepare(slot);
  }

  // The slow path decides by agreement (protocols.md (c))

  onPropose(message: Proposal): void {
    if (!this.isVotable(message)) return;
    const slot = this.slotOf(message.slot);
    slot.proposal ??= message;
    this.tryPrepare(slot);
  }

  /** Votes for a proposal, once its batch and all that it names are here. */
  private tryPrepare(slot: Slot): void {
    const { proposal } = slot;
    if (proposal === null || !this.isVotable(proposal)) return;
    const value = combined(proposal.batch, proposal.opinions, this.context.f);
    if (this.replica.batchOf(value.batch) === null) return;
    if (this.replica.isEvident(value.dependencies)) this.prepare(slot, value);
  }

  /** One PREPARE for each slot and view. */
  private prepare(slot: Slot, { batch, dependencies, sequence }: Value): void {
    const view = this.views.entered;
    if (slot.prepared?.view === view || slot.certificate?.view === view) return;
    slot.prepared = { space: this.id, slot: slot.slot, view, batch, dependencies, sequence };
    this.replica.need(dependencies);
    this.outbox.persist({ ...slot.prepared, kind: "prepared" });
    this.sayPrepare(slot.prepared, true);
  }

  private sayPrepare(ballot: Ballot, isFirst: boolean): void {
    const { identity, hash, replica } = this.context;
    const proof = identity.sign(proven.prepare(ballot, hash));
    const message = { ...ballot, replica, proof, kind: "prepare" } as const;
    this.outbox.broadcast(message);
    if (isFirst) this.onPrepare(message);
  }

  onPrepare(message: Message<"prepare">): void {
    if (!this.isCurrent(message)) return;
    const slot = this.slotOf(message.slot);
    slot.prepares[message.replica] = message;
    if (!this.views.isInView || slot.certificate?.view === message.view) return;
    const votes = votersFor(slot.prepares, message, this.context.hash);
    if (votes.length < this.quorum) return;
    const { space, view, batch, dependencies, sequence } = message;
    const ballot = { space, slot: slot.slot, view, batch, dependencies, sequence };
    const signatures = votes
      .slice(0, this.quorum)
      .map(({ replica, vote: { proof } }) => ({ replica, proof }));
    slot.certificate = { ...ballot, signatures };
    this.outbox.persist({ ...slot.certificate, kind: "certified" });
    this.outbox.broadcast({ ...ballot, kind: "commit" });
    this.onCommit(this.context.replica, ballot);
  }

  onCommit(from: ReplicaId, ballot: Ballot): void {
    if (!this.isCurrent(ballot)) return;
    const slot = this.slotOf(ballot.slot);
    slot.commits[from] = ballot;
    if (votersFor(slot.commits, ballot, this.context.hash).length >= this.quorum) {
      this.settle(slot, ballot);
    }
  }

  /** A peer says that this was decided: believed when f+1 say so. */
  onDecided(from: ReplicaId, message: Message<"decided">): void {
    if (!this.isInWindow(message.slot)) return;
    const slot = this.slotOf(message.slot);
    slot.hearsay[from] = message;
    const { hash, f } = this.context;
    if (votersFor(slot.hearsay, message, hash).length > f) this.settle(slot, message);
  }

  private settle(slot: Slot, { batch, dependencies, sequence }: Value): void {
    if (slot.decided !== null) return;
    const value = { batch, dependencies, sequence };
    this.outbox.persist({ kind: "decided", space: this.id, slot: slot.slot, ...value });
    this.restoreDecided(slot.slot, value);
  }

  restoreDecided(number: number, value: Value): void {
    if (!this.isInWindow(number)) return;
    const slot = this.slotOf(number);
    if (slot.decided !== null) return;
    slot.decided = value;
    this.supply(slot);
  }

  /** Hands a decision over for execution, if its batch is here. */
  supply(slot: Slot): void {
    const { decided } = slot;
    if (decided === null) return;
    if (this.replica.batchOf(decided.batch) === null) return this.replica.fetchBatch(decided.batch);
    this.noteRecorded(slot, decided);
    this.advanceDecided();
    this.replica.commit(slot, decided);
    this.replica.recorded();
  }

  private advanceDecided(): void {
    let slot = this.slots.get(this.decided + 1);
    while (slot?.decided != null && slot.recorded !== null) {
      slot.highest = Math.max(this.highestUpTo(this.decided), slot.sequence);
      this.decided += 1;
      this.settled += 1;
      this.blockedSince = null;
      slot = this.slots.get(this.decided + 1);
    }
    // It works again, whoever owns it.
    if (this.settled >= 2 * this.replica.window) this.failures = this.settled = 0;
  }

  /** The highest sequence number recorded of the space, up to a slot. */
  highestUpTo(last: number): number {
    let highest = 0;
    for (let slot = last; slot > this.base; slot -= 1) {
      const known = this.slots.get(slot);
      if (known?.highest != null) return Math.max(highest, known.highest);
      if (known !== undefined) highest = Math.max(highest, known.sequence);
    }
    return Math.max(highest, this.baseSequence);
  }

  /** What is new elsewhere may be what something here waited for. */
  retry(): void {
    this.takeEarly();
    for (const slot of this.slots.values()) {
      if (slot.decided !== null) continue;
      this.propose(slot);
      this.tryPrepare(slot);
    }
  }

  // OWNERCHANGE and NEWOWNER (§4.3.5, protocols.md (d))

  report(to: number): Report {
    const { identity, hash, replica } = this.context;
    const entries = this.all()
      .filter(({ answer, certificate }) => answer !== null || certificate !== null)
      .map(({ slot, order, answer, certificate }) => ({
        slot,
        acked: order === null || answer === null ? [] : [{ view: order.view, ...answer }],
        prepared: certificate === null ? [] : [certificate],
      }));
    const { shown } = this.replica;
    const content = { replica, space: this.id, to, shown, top: this.wantedTop, entries };
    return { ...content, proof: identity.sign(proven.report(content, hash)) };
  }

  /** Everything up to here is to be settled, whoever owns the space. */
  private get wantedTop(): number {
    const early = Math.max(0, ...this.early.keys());
    const last = Math.max(this.top, this.needed, early, ...this.slots.keys());
    return Math.min(last, this.base + this.replica.window);
  }

  decide(reports: readonly Report[]): OwnerPlan {
    const { f, n } = this.context;
    const { noop, window } = this.replica;
    return planOf(reports, { f, n, noop, window });
  }

  announce(view: number, reports: readonly Report[]): NewOwner {
    const { identity, hash } = this.context;
    const content = { space: this.id, view, reports: [...reports] };
    return { ...content, proof: identity.sign(proven.newView(content, hash)) };
  }

  fetchMissing({ slots }: OwnerPlan): number {
    const missing = slots.filter(
      ({ slot, value }) => slot > this.base && this.replica.batchOf(value.batch) === null,
    );
    for (const { value } of missing) this.replica.fetchBatch(value.batch);
    return missing.length;
  }

  onLeft(): void {
    this.failures += 1;
    this.blockedSince = null;
    this.early.clear();
  }

  onEntered(plan: OwnerPlan): void {
    this.replica.state.adoptStable(plan.shown.stable);
    this.begin(plan);
    this.replica.recorded();
    this.replica.orderSoon();
  }

  /** What a plan has for each slot is prepared again, or put to the vote as if it were new. */
  begin({ slots, top }: OwnerPlan): void {
    this.enteredAt = this.now;
    this.blockedSince = null;
    this.early.clear();
    for (const slot of this.slots.values()) beginSlot(slot);
    for (const slot of this.all()) {
      if (slot.slot <= top || slot.decided !== null) continue;
      slot.recorded = null; // its requests may be ordered elsewhere
      this.slots.delete(slot.slot);
    }
    this.top = Math.max(this.base, Math.min(this.top, top));
    for (const { slot, value, isPrepared } of slots) {
      if (!this.isInWindow(slot)) continue;
      if (isPrepared) this.prepare(this.stand(slot, value), value);
      else this.sayAgain(this.stand(slot, value), value);
    }
    this.advanceTop();
  }

  private stand(number: number, value: Value): Slot {
    const slot = this.slotOf(number);
    if (slot.decided === null) this.noteRecorded(slot, value);
    return slot;
  }

  /** The dependency round: what interferes here comes before it too; its number stays. */
  private sayAgain(slot: Slot, { batch, dependencies, sequence }: Value): void {
    const requests = this.replica.batchOf(batch) ?? [];
    const own = this.replica.dependenciesOf(batch, requests, this.id, slot.slot);
    slot.said = {
      space: this.id,
      slot: slot.slot,
      view: this.views.entered,
      batch,
      dependencies: dependencies.map((last, of) => Math.max(last, own[of]!)),
      sequence,
    };
    this.outbox.persist({ ...slot.said, kind: "again" });
    this.sayAck(slot);
  }

  sayStatus(): void {
    this.replica.sayStatus();
  }

  // Patience, and coming back to the owner (protocols.md (g))

  private get patienceMs(): number {
    const { patienceMs, patienceMsMax } = this.context.timing;
    return Math.min(patienceMs * 2 ** Math.min(this.failures, 20), patienceMsMax);
  }

  private get isBlocked(): boolean {
    return this.decided < this.wantedTop;
  }

  /** Time passed: is the owner to be suspected, or may the space be given back? */
  watch(): void {
    const { views } = this;
    if (this.isBlocked) {
      const since = views.isInView ? (this.blockedSince ??= this.now) : views.readySince;
      if (since === null || this.now - since < this.patienceMs) return;
      if (views.wanted === views.view) views.suspect();
      this.blockedSince = this.now;
      return;
    }
    this.blockedSince = null;
    if (!views.isInView || this.owner === this.id) return;
    if (this.now - this.enteredAt < this.patienceMs) return;
    const { n } = this.context;
    views.wish(views.view + n - (views.view % n));
  }

  get standing(): Standing {
    const { view, entered, wanted } = this.views;
    return { view, entered, suspects: wanted, decided: this.decided };
  }

  /** Says again what has not led to a decision for a while. */
  resend(): void {
    const { statusMs } = this.context.timing;
    let count = 0;
    for (const slot of this.all()) {
      if (slot.decided !== null || this.now - slot.since < statusMs) continue;
      if ((count += 1) > resendSlots) return;
      this.resendSlot(slot);
    }
    this.fetchMissingOrders();
  }

  /** Asks for the orders that others here build on. */
  private fetchMissingOrders(): void {
    const next = this.early.get(this.top + 1);
    if (next !== undefined) return this.replica.fetchOrders(next.dependencies);
    if (this.wantedTop > this.top) this.fetchNextOrder();
    for (const { decided, proposal } of this.slots.values()) {
      if (decided !== null || proposal === null) continue;
      for (const { dependencies } of proposal.opinions) this.replica.fetchOrders(dependencies);
    }
  }

  fetchNextOrder(): void {
    this.outbox.broadcast({ kind: "fetch-order", space: this.id, slot: this.top + 1 });
  }

  private resendSlot(slot: Slot): void {
    const { order, said, proposal, prepared, certificate } = slot;
    const view = this.views.entered;
    if (!this.views.isInView) return;
    const isOwner = this.owner === this.context.replica;
    if (isOwner && order?.view === view) this.sendOrder(order, null);
    if (isOwner && proposal !== null) this.outbox.broadcast({ ...proposal, kind: "propose" });
    if (!isOwner && said !== null) this.sayAck(slot);
    if (prepared?.view === view) this.sayPrepare(prepared, false);
    if (certificate?.view !== view) return;
    const { signatures: _, ...ballot } = certificate;
    this.outbox.broadcast({ ...ballot, kind: "commit" });
  }

  /** An order, as its owner signed it; to everybody if no peer is named. */
  private sendOrder(order: Order, peer: ReplicaId | null): void {
    const requests = this.replica.batchOf(order.batch);
    if (requests === null) return;
    const message: Message<"spec-order"> = {
      ...order,
      requests: requests as SpecOrder["requests"],
      kind: "spec-order",
    };
    if (peer === null) this.outbox.broadcast(message);
    else this.outbox.send(peer, message);
  }

  onFetchOrder(from: ReplicaId, number: number): void {
    for (let slot = number; slot < number + resendSlots; slot += 1) {
      const order = this.slots.get(slot)?.order ?? null;
      if (order !== null) this.sendOrder(order, from);
    }
  }

  /** To a peer that does not get on: what was decided. */
  help(peer: ReplicaId, had: number): void {
    for (let number = had + 1; number <= had + resendSlots; number += 1) {
      const decided = this.slots.get(number)?.decided ?? null;
      if (decided === null) continue;
      this.outbox.send(peer, { kind: "decided", space: this.id, slot: number, ...decided });
    }
  }

  // The window moves, and coming back

  /** Everything up to a slot is settled, the highest sequence number there being this. */
  forget(upTo: number, sequence: number): void {
    this.base = Math.max(this.base, upTo);
    this.baseSequence = Math.max(this.baseSequence, sequence);
    this.top = Math.max(this.top, upTo);
    this.decided = Math.max(this.decided, upTo);
    for (const slot of this.slots.keys()) if (slot <= upTo) this.slots.delete(slot);
    for (const slot of this.early.keys()) if (slot <= upTo) this.early.delete(slot);
    this.advanceTop();
    this.advanceDecided();
  }

  /** What this replica said of a slot, in an earlier life. */
  restoreVote(
    record: Extract<EzbftRecord, { kind: "again" | "proposed" | "prepared" | "certified" }>,
  ): void {
    if (!this.isInWindow(record.slot)) return;
    const slot = this.slotOf(record.slot);
    const isNow = record.view === this.views.entered;
    switch (record.kind) {
      case "again":
        if (isNow) slot.said = record;
        return;
      case "proposed":
        if (isNow) slot.proposal = record;
        return;
      case "prepared":
        slot.prepared = record;
        return;
      case "certified":
        slot.certificate = record;
        return;
    }
  }

  retained(): EzbftRecord[] {
    const kept: EzbftRecord[] = this.views.retained();
    for (const one of this.all()) {
      const { order, answer, said, proposal, prepared, certificate, decided } = one;
      if (order !== null && answer !== null) kept.push({ kind: "acked", order, ...answer });
      if (said !== null && said.view !== order?.view) kept.push({ ...said, kind: "again" });
      if (proposal !== null && this.leaderOf(proposal.view) === this.context.replica) {
        kept.push({ ...proposal, kind: "proposed" });
      }
      if (prepared !== null) kept.push({ ...prepared, kind: "prepared" });
      if (certificate !== null) kept.push({ ...certificate, kind: "certified" });
      if (decided === null) continue;
      kept.push({ kind: "decided", space: this.id, slot: one.slot, ...decided });
    }
    return kept;
  }
}
