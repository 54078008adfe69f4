// The one idea: a replica is a pure machine, one input in, a list of effects out. Hosts do
// everything else.

import type { ClientId, ReplicaId, SessionId } from "./ids.js";
import type { SavedImage, StateImage } from "./service.js";

/**
 * A state machine with no clock, socket, disk, randomness or promise. Its host gives it
 * authenticated input, one at a time, and carries out the effects in their order.
 *
 * Guarantee asked of every host, the *barrier*: effects form one stream, and no `send`,
 * `broadcast`, `reply` or `deliver` leaves before every earlier `persist` is durable (thesis §6.5:
 * store the message with its certificate before sending it).
 */
export interface Machine<Message, Durable> {
  /** `now` is in milliseconds, from any origin, never decreasing between restarts. */
  step(now: number, input: Input<Message, Durable>): readonly Effect<Message, Durable>[];
}

export type Input<Message, Durable> =
  /**
   * Always the first input. `snapshot` and `journal` are what an earlier life left; both empty on
   * the first start.
   */
  | {
      readonly kind: "start";
      readonly snapshot: SavedImage | null;
      readonly journal: Iterable<Durable>;
    }
  /** A message whose claims the host has verified. `from` is null when it came from a client. */
  | { readonly kind: "message"; readonly from: ReplicaId | null; readonly message: Message }
  /** A timer set by `set-timer` ran out. */
  | { readonly kind: "timeout"; readonly timer: string }
  /**
   * The trusted counter may certify further than when it last refused, or at last again. Only with
   * freshness `leases`; who does not act on it may try again at any later time.
   */
  | { readonly kind: "leased" };

export type Effect<Message, Durable> =
  | { readonly kind: "send"; readonly to: ReplicaId; readonly message: Message }
  /** To every other replica. */
  | { readonly kind: "broadcast"; readonly message: Message }
  /** To one session of a client, if it is connected. */
  | {
      readonly kind: "reply";
      readonly client: ClientId;
      readonly session: SessionId;
      readonly message: Message;
    }
  /** A barrier: what follows in the stream waits until the record is durable. */
  | { readonly kind: "persist"; readonly record: Durable }
  /**
   * The state may be saved: `image` with the records of `retain` replaces everything persisted
   * before, atomically. The host does so when its journal has grown enough; at once, before
   * anything else is persisted, if `required`.
   */
  | {
      readonly kind: "checkpoint";
      readonly image: StateImage;
      readonly retain: readonly Durable[];
      readonly required: boolean;
    }
  /** Setting a timer that runs replaces it. `afterMs: 0` means: at the end of the host's turn. */
  | { readonly kind: "set-timer"; readonly timer: string; readonly afterMs: number }
  | { readonly kind: "cancel-timer"; readonly timer: string }
  /** The only window for checkers, metrics and drawings; a host may drop it. */
  | { readonly kind: "observe"; readonly event: Observation };

/** Where a protocol without one total order decides something: a slot of a replica's space. */
export interface Instance {
  readonly space: number;
  readonly slot: number;
}

/** Something worth knowing happened inside a machine. */
export type Observation =
  /**
   * `digest` is the batch's; agreement means that no two correct replicas observe different ones
   * for an order. Where the order is partial, `order` only counts what this replica executed, and
   * they must not observe different ones for an instance.
   */
  | {
      readonly event: "executed";
      readonly order: number;
      readonly digest: Uint8Array;
      readonly operations: number;
      readonly instance?: Instance;
    }
  /** One bundle took effect (once only, or exactly-once is broken). */
  | {
      readonly event: "applied";
      readonly client: ClientId;
      readonly session: SessionId;
      readonly number: number;
      /** Where the order is partial: what is executed. */
      readonly instance?: Instance;
    }
  | { readonly event: "checkpoint"; readonly order: number; readonly digest: Uint8Array }
  | { readonly event: "stable"; readonly order: number }
  | { readonly event: "view"; readonly view: number; readonly status: "changing" | "established" }
  | { readonly event: "suspect"; readonly view: number }
  /** Orders that were executed tentatively were undone: those beyond `order`, so many. */
  | { readonly event: "undone"; readonly order: number; readonly orders: number }
  | { readonly event: "transfer"; readonly order: number; readonly status: "started" | "finished" }
  /**
   * The trusted counter refuses to certify: this replica listens, executes and answers, but no
   * longer votes.
   */
  | { readonly event: "mute" }
  /**
   * Input that a correct sender would not have sent, or that came too late; dropped. `reason` is a
   * short fixed text.
   */
  | { readonly event: "dropped"; readonly reason: string };

/** What a person is shown of a running replica; see `troth status`. */
export interface ReplicaStatus {
  readonly view: number;
  readonly role: "leader" | "follower" | "changing view" | "catching up" | "mute";
  /** The last order executed. */
  readonly executed: number;
  /**
   * What exactly was executed, where the number of orders does not tell: replicas with equal texts
   * executed the same.
   */
  readonly frontier?: string;
  /**
   * How many of the orders up to there may have to be undone, or how many more may have been
   * answered already; none if not said.
   */
  readonly tentative?: number;
  /** The last stable checkpoint. */
  readonly stable: number;
  /** Operations executed since the start. */
  readonly operations: number;
}

/** A machine that is a replica. */
export interface ReplicaMachine<Message, Durable> extends Machine<Message, Durable> {
  status(): ReplicaStatus;
}
