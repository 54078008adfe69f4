// What a protocol with a leader has to say for itself: the rest is LeaderReplica's.

import type { Digest, ReplicaId, Tagged } from "../core/index.js";
import type { Batch } from "./batch.js";
import type { Answer } from "./executor.js";
import type { LeaderMessage, LeaderRecord } from "./leader-messages.js";
import type { Plan } from "./plan.js";
import type { NewView, Report } from "./view-changer.js";

/** What is peculiar to a protocol: its own messages and records, its VIEW-CHANGE and NEW-VIEW. */
export interface Dialect {
  readonly message: Tagged;
  readonly record: Tagged;
  readonly report: Report;
  readonly newView: NewView<this["report"]>;
}

/** All its messages. */
export type MessageIn<D extends Dialect> = D["message"] | LeaderMessage<D["report"], D["newView"]>;
/** All its records. */
export type RecordIn<D extends Dialect> = D["record"] | LeaderRecord<D["report"], D["newView"]>;

/** How a protocol's replicas agree: its phases, its part of a view change, its records. */
export interface Agreement<D extends Dialect> {
  /** One of the protocol's own messages. */
  onMessage(message: D["message"], from: ReplicaId): void;
  /** One of the protocol's own timers ran out, if it sets any. */
  onTimeout?(timer: string): void;
  /** As leader, proposes a batch for an order. */
  propose(order: number, batch: Batch): void;
  /** What is decided at an order, as far as votes show; null if nothing is. */
  decidedAt(order: number): Digest | null;
  /** Who has the batch that is decided at an order. */
  holders(order: number, digest: Digest): readonly ReplicaId[];
  /** Whether something was proposed beyond an order. */
  hasBeyond(order: number): boolean;
  /** Repeats to a peer of the same view what this replica said about an order; its bytes. */
  resend(peer: ReplicaId, order: number): number;
  /** The window moved: what is kept of orders up to this one may go. */
  forget(upTo: number): void;

  /** VIEW-CHANGE: what this replica reports when it leaves for a view, signed. */
  report(to: number): D["report"];
  /** What reports oblige the new view to order first; null if it takes more of them. */
  decide(reports: readonly D["report"][]): Plan | null;
  /** NEW-VIEW: how the leader begins a view, signed. */
  announce(view: number, reports: readonly D["report"][]): D["newView"];
  /** Which of these replicas report that they have the batch of an order of the plan. */
  reporters(reports: readonly D["report"][], order: number, digest: Digest): readonly ReplicaId[];
  /** A view begins: its plan stands for the leader's first proposals. */
  follow(plan: Plan): void;

  /** One of the protocol's own records. */
  replay(record: D["record"]): void;
  /** The protocol's own records that must outlive a checkpoint. */
  retained(): readonly RecordIn<D>[];

  // What only some protocols need

  /** One of the protocol's own messages, from a client. */
  onClientMessage?(message: D["message"]): void;
  /** Whether the leader may propose now. */
  isReady?(): boolean;
  /** An order that is decided was executed. */
  onExecuted?(order: number): void;
  /** What was executed tentatively beyond an order was undone. */
  onUndone?(order: number): void;
  /** Everything decided is executed, as far as it is known. */
  onCaughtUp?(): void;
  /** See `IntakeHost.answer`. */
  answer?(answer: Answer, isAsked: boolean): void;
  /** Time passed: says again what may have been lost. */
  onTick?(): void;
}
