// What one space says again: votes that have not led to a decision, orders and decisions that a
// peer lacks, and questions for what is missing here.

import type { ReplicaId } from "../../core/index.js";
import type { Message, Order, SpecOrder } from "./messages.js";
import type { Slot } from "./slot.js";
import type { Space } from "./space.js";

/** Slots said again to one peer, or to all, at a time. */
const resendSlots = 32;

export class Reminders {
  private readonly space: Space;
  /** Whether the owner's next orders were asked for since time passed last … */
  private hasAsked = false;
  /** … and who was sent orders, and decisions: nobody is told more often, however often it asks. */
  private readonly sent = { orders: new Set<ReplicaId>(), decisions: new Set<ReplicaId>() };

  constructor(space: Space) {
    this.space = space;
  }

  /** Says again what has not led to a decision for a while, and asks for what others build on. */
  resend(): void {
    const { slots, now, context } = this.space;
    this.hasAsked = false;
    for (const peers of Object.values(this.sent)) peers.clear();
    const old = slots.undecided().filter(({ since }) => now - since >= context.timing.statusMs);
    if (this.space.views.isInView) for (const slot of old.slice(0, resendSlots)) this.repeat(slot);
    this.fetchMissing();
  }

  private repeat(slot: Slot): void {
    const { order, said, proposal, prepared, certificate } = slot;
    const { views, outbox, isOwner } = this.space;
    const view = views.entered;
    if (isOwner && order?.view === view) this.sendOrder(order, null);
    if (isOwner && proposal !== null) outbox.broadcast({ ...proposal, kind: "propose" });
    if (!isOwner && said !== null) this.space.sayAck(slot);
    if (prepared?.view === view) this.space.agreement.sayPrepare(prepared);
    if (certificate?.view !== view) return;
    const { signatures: _, ...ballot } = certificate;
    outbox.broadcast({ ...ballot, kind: "commit" });
  }

  private fetchMissing(): void {
    const { slots, isAwaited, replica } = this.space;
    const next = this.space.nextEarly;
    if (next !== undefined) replica.precedence.fetch(next.dependencies);
    else if (isAwaited) this.fetchNext();
    for (const { proposal } of slots.undecided()) {
      for (const { dependencies } of proposal?.opinions ?? [])
        replica.precedence.fetch(dependencies);
    }
  }

  /** Asks for the owner's orders that come after those recorded here. */
  fetchNext(): void {
    if (this.hasAsked) return;
    this.hasAsked = true;
    const { id, slots, outbox } = this.space;
    outbox.broadcast({ kind: "fetch-order", space: id, slot: slots.top + 1 });
  }

  onFetchOrder(from: ReplicaId, first: number): void {
    if (this.sent.orders.has(from)) return;
    this.sent.orders.add(from);
    for (let slot = first; slot < first + resendSlots; slot += 1) {
      const order = this.space.slots.get(slot)?.order ?? null;
      if (order !== null) this.sendOrder(order, from);
    }
  }

  /** An order, as its owner signed it; to everybody if no peer is named. */
  private sendOrder(order: Order, peer: ReplicaId | null): void {
    const requests = this.space.replica.batches.get(order.batch);
    if (requests === null) return;
    const message: Message<"spec-order"> = {
      ...order,
      requests: requests as SpecOrder["requests"],
      kind: "spec-order",
    };
    if (peer === null) this.space.outbox.broadcast(message);
    else this.space.outbox.send(peer, message);
  }

  /** To a peer that does not get on: what was decided. */
  help(peer: ReplicaId, had: number): void {
    if (this.sent.decisions.has(peer)) return;
    this.sent.decisions.add(peer);
    const { id, slots, outbox } = this.space;
    for (let slot = had + 1; slot <= had + resendSlots; slot += 1) {
      const decided = slots.get(slot)?.decided ?? null;
      if (decided !== null) outbox.send(peer, { kind: "decided", space: id, slot, ...decided });
    }
  }
}
