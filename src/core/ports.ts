// What a protocol is, seen from its hosts: messages, records, claims, and a machine made from a
// context.

import type { Claim, ClaimContext, ClientAuthentication } from "./claims.js";
import type { ClientMachine, ClientMachineContext } from "./client-machine.js";
import type { Hash, ReplicaId, ClientId, SessionId } from "./ids.js";
import type { Identity, ReplicaAuthentication } from "./identity.js";
import type { Limits, Timing } from "./limits.js";
import type { ReplicaMachine } from "./machine.js";
import type { Service } from "./service.js";
import type { TrustedCounter } from "./trusted-counter.js";

/** Anything that travels or is stored: a tagged plain object. */
export interface Tagged {
  readonly kind: string;
}

/**
 * Messages to bytes and back. Canonical: equal values have equal bytes, and no other bytes decode
 * to them.
 */
export interface Codec<T extends Tagged> {
  /** The exact length of `encode(value)`. */
  size(value: T): number;
  encode(value: T): Uint8Array;
  /**
   * Writes at `offset` and returns the offset after it. `into` has room for `size(value)` bytes.
   */
  encodeInto(value: T, into: Uint8Array, offset: number): number;
  /**
   * Null if the bytes are not the canonical encoding of a value. The result may share memory with
   * `bytes`.
   */
  decode(bytes: Uint8Array): T | null;
  /** One short line for people: traces, logs. */
  describe(value: T): string;
}

/** What a replica's machine is made of. */
export interface ReplicaContext {
  readonly replica: ReplicaId;
  /** Number of replicas. */
  readonly n: number;
  /** Number of replicas that may be faulty. */
  readonly f: number;
  readonly service: Service;
  /** Of a protocol without trusted counter: `absentCounter`. */
  readonly counter: TrustedCounter;
  /** Of a protocol without replica authentication: `absentIdentity`. */
  readonly identity: Identity;
  readonly hash: Hash;
  readonly limits: Limits;
  readonly timing: Timing;
  readonly clientAuthentication: ClientAuthentication;
  /** One of those that the protocol lists; null if it lists none. */
  readonly replicaAuthentication: ReplicaAuthentication | null;
}

export type FaultModel = "crash" | "hybrid" | "byzantine";

/**
 * A protocol as the catalogue lists it and hosts run it. `M` and `D` are its messages and its
 * durable records.
 */
export interface Protocol<M extends Tagged = Tagged, D extends Tagged = Tagged> {
  readonly name: string;
  readonly faultModel: FaultModel;
  /** Where it comes from, e.g. "hybster.txt §5.2". */
  readonly paper: string;
  /** How many replicas tolerate f faults, and as people write it, e.g. "2f+1". */
  readonly replicas: (f: number) => number;
  readonly replicasText: string;
  /** The quorums in words, e.g. "f+1 of 2f+1". */
  readonly quorums: string;
  /** Message delays from a client's request to its accepted reply, without faults. */
  readonly delays: number;
  /** The order of execution it gives; it refuses services that need more. */
  readonly order: "total" | "partial";
  readonly clientAuthentications: readonly ClientAuthentication[];
  /**
   * How its replicas may prove to each other what they say, the first by default; none if all that
   * they say carries certificates of the trusted counter.
   */
  readonly replicaAuthentications: readonly ReplicaAuthentication[];
  /** Whether its machines ask their trusted counter for certificates. */
  readonly usesTrustedCounter: boolean;

  readonly messages: Codec<M>;
  readonly records: Codec<D>;

  /**
   * All that must be authentic in a message from `from` (null: a client), or null if the message is
   * malformed in itself (a certificate for another position than the message's, two votes of one
   * replica, …) and is to be dropped.
   */
  claims(message: M, from: ReplicaId | null, context: ClaimContext): readonly Claim[] | null;

  /** The machine of one replica. */
  replica(context: ReplicaContext): ReplicaMachine<M, D>;

  /** The clients' part in it. */
  readonly client: ClientSide<M>;
}

/** What clients do in a protocol; `quorumClient` of parts for those that only ask and wait. */
export interface ClientSide<M> {
  /** Replicas that must vouch for a result, at least. */
  replyQuorum(f: number): number;
  request(body: Uint8Array, authenticator: Uint8Array): M;
  /** What a replica answers to a bundle. Null if the message is no answer. */
  reply(message: M): Reply | null;
  /**
   * All that must be authentic in a message from replica `from` to a client, or null if it is
   * malformed in itself and is to be dropped. Clients can check signatures only; see
   * `isSignedByReplica`.
   */
  claims(message: M, from: ReplicaId, context: ClaimContext): readonly Claim[] | null;
  /** Whether clients have more to say than requests; not if not said. */
  readonly takesPart?: boolean;
  /** The machine of one session. */
  machine(context: ClientMachineContext): ClientMachine<M>;
}

/** What one replica answers to one bundle. */
export interface Reply {
  readonly client: ClientId;
  readonly session: SessionId;
  /** The bundle's number in its session. */
  readonly number: number;
  /** The replica's view: a hint where the leader is; not part of what must match. */
  readonly view: number;
  /**
   * `executed`: `results` has one entry an operation. `session-expired`: the session is forgotten;
   * the bundle has no effect from now on, and may have had one before.
   */
  readonly outcome: "executed" | "session-expired";
  readonly results: readonly Uint8Array[];
  /** Whether the replica may have to take it back; not if not said. */
  readonly isTentative?: boolean;
}
