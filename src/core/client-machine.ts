// A client's session is a pure machine as well: a protocol may supply its own, where clients take
// part in it.

import type { Claim, ClaimContext } from "./claims.js";
import type { ClientId, ReplicaId, SessionId } from "./ids.js";

/** What the machine of one session is made of. */
export interface ClientMachineContext extends ClaimContext {
  readonly client: ClientId;
  readonly session: SessionId;
  /** The client's proof over a bundle's bytes. Pure: no clock, no randomness. */
  readonly authenticate: (body: Uint8Array) => Uint8Array;
  /**
   * Whether a replica said what its signature is under. Pure. For what a machine may have to show
   * to others and need not believe: what it believes is checked before `step`, as `claims` says.
   */
  readonly isAuthentic: (claim: Claim) => boolean;
  /** Unanswered bundles at a time; at most the replicas' `sessionWindow`. */
  readonly windowBundles: number;
  /** Bytes of unanswered bundles at a time; one bundle may go over it. */
  readonly windowBytes: number;
  /** A bundle unanswered for so long is sent again; doubled while nothing is answered … */
  readonly retryMs: number;
  /** … up to this. */
  readonly retryMsMax: number;
}

/**
 * One session of a client, from its first bundle until it expires. As a replica's machine it has no
 * clock, socket, randomness or promise: its host gives it one input at a time, and carries out the
 * effects in their order.
 */
export interface ClientMachine<Message> {
  /** The number that the next bundle gets: they are numbered from 1. */
  readonly nextNumber: number;
  /** Nothing may be submitted until something is delivered. */
  readonly isFull: boolean;
  /** The view whose leader is believed in; null while none is known. */
  readonly view: number | null;

  /** `now` is in milliseconds, from any origin, and never decreases. */
  step(now: number, input: ClientInput<Message>): readonly ClientEffect<Message>[];
}

export type ClientInput<Message> =
  /** One bundle, to get the number `nextNumber`. Not while the session is full. */
  | { readonly kind: "submit"; readonly operations: readonly Uint8Array[] }
  /**
   * A message whose claims the host has verified. `from` is who the connection belongs to, not what
   * the message says.
   */
  | { readonly kind: "message"; readonly from: ReplicaId; readonly message: Message }
  /**
   * A connection to the replica was opened: what was sent before may be lost. `tookMs`: how long
   * that took at the first attempt, as a measure of how far away it is.
   */
  | { readonly kind: "connected"; readonly replica: ReplicaId; readonly tookMs?: number }
  /** A timer set by `set-timer` ran out. */
  | { readonly kind: "timeout"; readonly timer: string };

export type ClientEffect<Message> =
  | { readonly kind: "send"; readonly to: ReplicaId; readonly message: Message }
  /** To every replica. */
  | { readonly kind: "broadcast"; readonly message: Message }
  /**
   * Setting a timer that runs replaces it. The host lets it run out somewhat later, so that not all
   * clients try again at the same moment.
   */
  | { readonly kind: "set-timer"; readonly timer: string; readonly afterMs: number }
  | { readonly kind: "cancel-timer"; readonly timer: string }
  | ({ readonly kind: "deliver" } & AcceptedAnswer)
  /** The bundle took effect, but the replicas no longer keep its results. */
  | { readonly kind: "lost"; readonly number: number }
  /**
   * The replicas forgot the session: that was the answer to bundle `number`. The machine is
   * finished; nothing outstanding will be answered.
   */
  | { readonly kind: "expired"; readonly number: number }
  /** The replica did what a correct one would not have done; `reason` is a short fixed text. */
  | { readonly kind: "blame"; readonly replica: ReplicaId; readonly reason: string }
  /**
   * Something worth counting happened, as a short fixed text: "retry", "fast path". A host may drop
   * it.
   */
  | { readonly kind: "observe"; readonly event: string };

/** A bundle's results, one an operation, and who vouched for them: so many that they are true. */
export interface AcceptedAnswer {
  readonly number: number;
  readonly results: readonly Uint8Array[];
  readonly replicas: readonly ReplicaId[];
}
