// What is explored, and how far.

import type {
  ClientAuthentication,
  ClientId,
  Limits,
  Protocol,
  ReplicaAuthentication,
  ReplicaId,
  Service,
  Timing,
} from "../../core/index.js";
import type { AlwaysProperty } from "./facts.js";

/** A bundle that a client submits: one operation, in the client's first session. */
export interface ExploredRequest {
  readonly client: ClientId;
  readonly operation: Uint8Array;
  /** The replicas it may reach; default: all. */
  readonly to?: readonly ReplicaId[];
}

/** What goes wrong, besides the network. */
export interface ExploredFaults {
  /** These replicas may crash, so often all together, before any record is stored, and restart. */
  readonly crashes?: { readonly replicas: readonly ReplicaId[]; readonly times: number };
  /** This replica is two: honest machines with one identity and one trusted counter. */
  readonly twins?: ReplicaId;
  /** These replicas never do anything. */
  readonly silent?: readonly ReplicaId[];
}

/** How far the search goes. */
export interface Bounds {
  /** Steps from the beginning. */
  readonly depth: number;
  readonly states: number;
  /** How many states the `eventually` property is tried on. */
  readonly continuations: number;
  /** Rounds of a continuation: all messages arrive, then each replica's next timer runs out. */
  readonly rounds: number;
}

export const defaultBounds: Bounds = {
  depth: 1000,
  states: 5_000_000,
  continuations: 200,
  rounds: 100,
};

/** What makes the search smaller without changing what it finds. */
export interface Reductions {
  /**
   * Histories of a replica that lead to equal data are one state. Without it, every history is a
   * state of its own, and each message reaches a replica at most once in it.
   */
  readonly merge: boolean;
  /** Of steps of different replicas that commute, one order is tried (sleep sets). */
  readonly sleep: boolean;
  /** Turns of a replica that nobody else can notice wait until they matter (quiet.ts). */
  readonly quiet: boolean;
}

export const allReductions: Reductions = { merge: true, sleep: true, quiet: true };

export interface ExploreOptions {
  readonly protocol: Protocol;
  readonly service: () => Service;
  readonly n: number;
  readonly requests: readonly ExploredRequest[];
  readonly clientAuthentication?: ClientAuthentication;
  readonly replicaAuthentication?: ReplicaAuthentication;
  readonly limits?: Partial<Limits>;
  readonly timing?: Partial<Timing>;
  /** How often each timer may run out at a replica: for all alike, or replica by replica. */
  readonly timers?: Readonly<Record<string, number | readonly number[]>>;
  readonly faults?: ExploredFaults;
  /** Default: what replicas say when they start has arrived before the search begins. */
  readonly start?: "settled" | "raw";
  readonly bounds?: Partial<Bounds>;
  readonly reductions?: Partial<Reductions>;
  /** Default: all. */
  readonly always?: readonly AlwaysProperty[];
  /** Marks that some state must reach; see `Report.reached` for how they read. */
  readonly sometimes?: readonly string[];
  /** Whether to check that every request is answered once faults end. Default: true. */
  readonly eventually?: boolean;
}
