// One instance space at one replica: its owner's orders, what this replica answers to them, and
// changes of the owner. In the order of thesis §4.3, as protocols.md §4 corrects it.

import { type Digest, equalBytes, type ReplicaContext, type ReplicaId } from "../../core/index.js";
import { type Batch, ViewChanger, type ViewChangeHost } from "../../parts/index.js";
import { Agreement } from "./agreement.js";
import {
  type Ballot,
  ballotIn,
  type EzbftRecord,
  type NewOwner,
  type Order,
  ownerOf,
  proven,
  type Report,
  type SpecOrder,
  type Standing,
  type Value,
  valueIn,
} from "./messages.js";
import { type OwnerPlan, planOf } from "./owner-change.js";
import { Reminders } from "./reminders.js";
import type { EzbftReplica } from "./replica.js";
import { beginSlot, type Slot } from "./slot.js";
import { Slots } from "./slots.js";

export class Space implements ViewChangeHost<Report, NewOwner, OwnerPlan> {
  readonly id: number;
  readonly replica: EzbftReplica;
  readonly slots: Slots;
  readonly views: ViewChanger<Report, NewOwner, OwnerPlan>;
  readonly agreement: Agreement;
  readonly reminders: Reminders;
  /** Orders that came before what they build on. */
  private readonly early = new Map<number, SpecOrder>();
  /** Somebody waits for everything up to here. */
  private needed = 0;
  /** Since when the first slot that is not decided is waited for; null while none is. */
  private blockedSince: number | null = null;
  private enteredAt = 0;
  /** Owners that failed since the space was last seen to work, and what it decided since then. */
  private failures = 0;
  private progress = 0;

  constructor(replica: EzbftReplica, id: number) {
    const { n, f } = replica.context;
    this.replica = replica;
    this.id = id;
    this.slots = new Slots(id, n, replica.window);
    this.views = new ViewChanger(this, n - f);
    this.agreement = new Agreement(this);
    this.reminders = new Reminders(this);
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

  /** Whether this replica owns the space, by itself or in another's place. */
  get isOwner(): boolean {
    return this.owner === this.context.replica;
  }

  /** Whether its own replica may order here. */
  get isOpen(): boolean {
    return this.views.isInView && this.owner === this.id;
  }

  need(slot: number): void {
    this.needed = Math.max(this.needed, slot);
  }

  // SPECORDER (§4.3.1, steps 2 and 3)

  /** As its owner, orders a batch at the next slot. */
  order(batch: Digest, requests: Batch): void {
    const { identity, hash } = this.context;
    const { precedence } = this.replica;
    const slot = this.slots.top + 1;
    const dependencies = precedence.of(batch, requests, this.id, slot);
    const sequence = precedence.sequenceAfter(dependencies);
    const view = this.views.entered;
    const ballot: Ballot = { space: this.id, slot, view, batch, dependencies, sequence };
    const order = { ...ballot, proof: identity.sign(proven.order(ballot, hash)) };
    this.record(order, requests);
    this.outbox.broadcast({ ...order, requests: [...requests], kind: "spec-order" });
    this.answer(this.slots.get(slot)!);
  }

  onSpecOrder(message: SpecOrder): void {
    if (!this.agreement.isVotable(message)) return;
    const known = this.slots.get(message.slot);
    if (known?.order?.view === message.view) return this.compare(known.order, message);
    if (message.slot <= this.slots.top) return; // a plan, or a decision, stands there
    const early = this.early.get(message.slot);
    if (early?.view === message.view) return this.compare(early, message);
    this.early.set(message.slot, message);
    this.takeEarly();
  }

  private compare(one: Order, other: Order): void {
    const { hash } = this.context;
    if (equalBytes(proven.order(one, hash), proven.order(other, hash))) return;
    this.outbox.drop("two orders of one owner");
    const [a, b] = [withoutRequests(one), withoutRequests(other)];
    this.replica.onMisbehaviour({ kind: "misbehaviour", one: a, other: b });
  }

  /** The order to record next, if it is here and waits for what it names. */
  get nextEarly(): SpecOrder | undefined {
    return this.early.get(this.slots.top + 1);
  }

  /** Records orders in their sequence, once all that they name is known to be there (E7). */
  takeEarly(): void {
    for (let next = this.nextEarly; next !== undefined; next = this.nextEarly) {
      const isVotable = this.agreement.isVotable(next);
      if (isVotable && !this.replica.precedence.isEvident(next.dependencies)) return;
      this.early.delete(next.slot);
      if (!isVotable) return;
      this.record(withoutRequests(next), next.requests);
      this.answer(this.slots.get(next.slot)!);
      this.replica.recorded();
    }
  }

  /** What comes before it here comes before it; what its owner named does too. */
  private record(order: Order, requests: Batch): void {
    const { batch } = order;
    const { precedence, batches } = this.replica;
    const own = precedence.of(batch, requests, this.id, order.slot);
    const dependencies = order.dependencies.map((slot, of) => Math.max(slot, own[of]!));
    const sequence = Math.max(order.sequence, precedence.sequenceAfter(dependencies));
    batches.keep(batch, requests);
    this.outbox.persist({ kind: "acked", order, dependencies, sequence });
    this.restoreAcked(order, { batch, dependencies, sequence });
  }

  /** A SPECORDER was answered so. */
  restoreAcked(order: Order, answer: Value): void {
    if (!this.slots.isInWindow(order.slot)) return;
    const slot = this.slots.at(order.slot, this.now);
    slot.order = order;
    slot.answer = valueIn(answer);
    if (order.view === this.views.entered) slot.said = { ...ballotIn(order), ...slot.answer };
    this.stand(slot, slot.answer);
  }

  /** A value stands at a slot: what follows comes after it. */
  private stand(slot: Slot, value: Value): void {
    if (slot.recorded === null || !equalBytes(slot.recorded, value.batch)) {
      this.replica.note(slot, value.batch);
      slot.recorded = value.batch;
    }
    slot.sequence = value.sequence;
    this.replica.precedence.need(value.dependencies);
    this.advance();
  }

  private advance(): void {
    const count = this.slots.advance();
    if (count === 0) return;
    this.blockedSince = null;
    this.progress += count;
    // It works again, whoever owns it.
    if (this.progress >= 2 * this.replica.window) this.failures = this.progress = 0;
  }

  // SPECREPLY, to the client and to the owner

  private answer(slot: Slot): void {
    this.replica.answerSpeculatively(slot);
    this.sayAck(slot);
  }

  sayAck({ said }: Slot): void {
    if (said === null) return;
    const { identity, hash, replica } = this.context;
    const proof = identity.sign(proven.ack(said, hash));
    const ack = { ...said, replica, proof, kind: "ack" } as const;
    if (this.isOwner) this.agreement.onAck(ack);
    else this.outbox.send(this.owner, ack);
  }

  // Decisions (§4.3.2)

  /** An instance is decided. */
  decided(slot: Slot, value: Value): void {
    slot.decided = value;
    this.supply(slot);
  }

  restoreDecided(number: number, value: Value): void {
    if (!this.slots.isInWindow(number)) return;
    const slot = this.slots.at(number, this.now);
    if (slot.decided === null) this.decided(slot, valueIn(value));
  }

  /** Hands a decision over for execution, if its batch is here. */
  supply(slot: Slot): void {
    const { decided } = slot;
    const { batches } = this.replica;
    if (decided === null || this.replica.isExecuted(slot)) return;
    if (batches.get(decided.batch) === null) return batches.fetch(decided.batch);
    this.stand(slot, decided);
    this.replica.commit(slot, decided);
    this.replica.recorded();
  }

  // OWNERCHANGE and NEWOWNER (§4.3.5, protocols.md (d))

  report(to: number): Report {
    const { identity, hash, replica } = this.context;
    const entries = this.slots
      .all()
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
    const last = Math.max(this.slots.highest, this.needed, ...this.early.keys());
    return Math.min(last, this.slots.last);
  }

  decide(reports: readonly Report[]): OwnerPlan {
    const { f, n } = this.context;
    const { window, batches } = this.replica;
    return planOf(reports, { f, n, noop: batches.noop, window });
  }

  announce(view: number, reports: readonly Report[]): NewOwner {
    const { identity, hash } = this.context;
    const content = { space: this.id, view, reports: [...reports] };
    return { ...content, proof: identity.sign(proven.newView(content, hash)) };
  }

  fetchMissing({ slots }: OwnerPlan): number {
    const { batches } = this.replica;
    const missing = slots.filter(
      ({ slot, value }) => slot > this.slots.base && batches.get(value.batch) === null,
    );
    for (const { value } of missing) batches.fetch(value.batch);
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
    for (const slot of this.slots.all()) beginSlot(slot);
    this.slots.dropAbove(top);
    for (const { slot: number, value, isPrepared } of slots) {
      if (!this.slots.isInWindow(number)) continue;
      const slot = this.slots.at(number, this.now);
      if (slot.decided === null) this.stand(slot, value);
      if (isPrepared) this.agreement.prepare(slot, value);
      else this.sayAgain(slot, value);
    }
  }

  /** The dependency round: what interferes here comes before it too; its number stays. */
  private sayAgain(slot: Slot, { batch, dependencies, sequence }: Value): void {
    const { batches, precedence } = this.replica;
    const own = precedence.of(batch, batches.get(batch) ?? [], this.id, slot.slot);
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

  /** Where a peer stands. An owner that left its own view will decide nothing there. */
  onStanding(from: ReplicaId, standing: Standing): void {
    const { views } = this;
    views.noteStatus(from, standing);
    if (from === this.owner && standing.view > views.view) views.wish(views.view + 1);
    views.assist(from, standing);
  }

  // Patience, and coming back to the owner (protocols.md (g))

  private get patienceMs(): number {
    const { patienceMs, patienceMsMax } = this.context.timing;
    return Math.min(patienceMs * 2 ** Math.min(this.failures, 20), patienceMsMax);
  }

  /** Whether somebody waits for an order that did not come. */
  get isAwaited(): boolean {
    return this.wantedTop > this.slots.top;
  }

  /** Time passed: is the owner to be suspected, or may the space be given back? */
  watch(): void {
    const { views } = this;
    // A new owner that begins nothing is in the way even if nobody waits: no one may order here.
    if (!views.isInView || this.slots.decided < this.wantedTop) {
      const since = views.isInView ? (this.blockedSince ??= this.now) : views.readySince;
      if (since === null || this.now - since < this.patienceMs) return;
      if (views.wanted === views.view) views.suspect();
      this.blockedSince = this.now;
      return;
    }
    this.blockedSince = null;
    if (this.owner === this.id) return;
    if (this.now - this.enteredAt < this.patienceMs) return;
    const { n } = this.context;
    views.wish(views.view + n - (views.view % n));
  }

  get standing(): Standing {
    const { view, entered, wanted } = this.views;
    return { view, entered, suspects: wanted, decided: this.slots.decided };
  }

  // The window moves, and coming back

  /** Everything up to a slot is settled, the highest sequence number there being this. */
  forget(upTo: number, sequence: number): void {
    this.slots.forget(upTo, sequence);
    for (const slot of this.early.keys()) if (slot <= upTo) this.early.delete(slot);
  }

  /** What this replica said of a slot, in an earlier life. */
  restoreVote(
    record: Extract<EzbftRecord, { kind: "again" | "proposed" | "prepared" | "certified" }>,
  ): void {
    if (!this.slots.isInWindow(record.slot)) return;
    const slot = this.slots.at(record.slot, this.now);
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
    return [...this.views.retained(), ...this.slots.all().flatMap((slot) => this.kept(slot))];
  }

  private kept(one: Slot): EzbftRecord[] {
    const { space, slot, order, answer, said, proposal, prepared, certificate, decided } = one;
    const kept: EzbftRecord[] = [];
    if (order !== null && answer !== null) kept.push({ kind: "acked", order, ...answer });
    if (said !== null && said.view !== order?.view) kept.push({ ...said, kind: "again" });
    const isOwn = proposal !== null && this.leaderOf(proposal.view) === this.context.replica;
    if (isOwn) kept.push({ ...proposal, kind: "proposed" });
    if (prepared !== null) kept.push({ ...prepared, kind: "prepared" });
    if (certificate !== null) kept.push({ ...certificate, kind: "certified" });
    if (decided !== null) kept.push({ kind: "decided", space, slot, ...decided });
    return kept;
  }
}

const withoutRequests = (order: Order): Order => ({ ...ballotIn(order), proof: order.proof });
