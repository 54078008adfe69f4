// What every simulated host lets through to its machine: messages that can be read and whose claims
// all hold, and records as the codec reads them.

import {
  type Claim,
  type ClaimContext,
  InvariantError,
  type Protocol,
  type ReplicaContext,
  type ReplicaId,
  type Tagged,
  type TrustedCounter,
} from "../core/index.js";
import type { ClientKeys } from "./client-keys.js";
import type { Identities } from "./identities.js";

/** More turns of 0 ms timers than this in one go are a machine that spins. */
export const instantTimersMax = 1000;

/** Why a message is dropped, by the kind of claim in it that does not hold. */
const forgeries = {
  attestation: "forged attestation",
  client: "forged request",
  replica: "forged statement",
} as const satisfies Record<Claim["kind"], string>;

/** Why a message is dropped. */
export type Refusal =
  | "frame too long"
  | "undecodable"
  | "malformed"
  | (typeof forgeries)[Claim["kind"]];

export interface GatekeeperOptions {
  readonly protocol: Protocol;
  readonly context: Omit<ReplicaContext, "service" | "counter">;
  readonly keys: ClientKeys;
  readonly identities: Identities;
}

/** Stands before the machine of one replica, in all its lives. */
export class Gatekeeper {
  readonly #protocol: Protocol;
  readonly #keys: ClientKeys;
  readonly #identities: Identities;
  readonly #replica: ReplicaId;
  readonly #claimContext: ClaimContext;

  constructor({ protocol, context, keys, identities }: GatekeeperOptions) {
    const { replica, n, f, hash, limits, clientAuthentication, replicaAuthentication } = context;
    this.#protocol = protocol;
    this.#keys = keys;
    this.#identities = identities;
    this.#replica = replica;
    this.#claimContext = { n, f, hash, limits, clientAuthentication, replicaAuthentication };
  }

  /** The message in the bytes, or why it is dropped. `from` is null for a client. */
  admit(from: ReplicaId | null, bytes: Uint8Array, counter: TrustedCounter): Tagged | Refusal {
    if (bytes.length > this.#claimContext.limits.frameBytesMax) return "frame too long";
    const message = this.#protocol.messages.decode(bytes);
    if (message === null) return "undecodable";
    const claims = this.#protocol.claims(message, from, this.#claimContext);
    if (claims === null) return "malformed";
    const forged = claims.find((claim) => !this.#holds(claim, counter));
    return forged === undefined ? message : forgeries[forged.kind];
  }

  #holds(claim: Claim, counter: TrustedCounter): boolean {
    switch (claim.kind) {
      case "attestation":
        return counter.verify(claim.attestation, claim.digest);
      case "client":
        return this.#keys.isAuthentic(this.#replica, counter, claim);
      case "replica":
        return this.#identities.isGenuine(this.#replica, claim);
    }
  }

  /** What the records of a journal say. @throws InvariantError if one cannot be read */
  records(journal: readonly Uint8Array[]): Tagged[] {
    return journal.map((bytes) => {
      const record = this.#protocol.records.decode(bytes);
      if (record === null) throw new InvariantError("a record does not survive its own codec");
      return record;
    });
  }
}
