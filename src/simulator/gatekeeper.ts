// What every simulated host lets through to its machine: messages that can be read and whose claims
// all hold, and records as the codec reads them.

import {
  type ClaimContext,
  InvariantError,
  type Protocol,
  type ReplicaContext,
  type ReplicaId,
  type Tagged,
  type TrustedCounter,
} from "../core/index.js";
import type { ClientKeys } from "./client-keys.js";

/** More turns of 0 ms timers than this in one go are a machine that spins. */
export const instantTimersMax = 1000;

/** Why a message is dropped. */
export type Refusal =
  | "frame too long"
  | "undecodable"
  | "malformed"
  | "forged attestation"
  | "forged request";

export interface GatekeeperOptions {
  readonly protocol: Protocol;
  readonly context: Omit<ReplicaContext, "service" | "counter">;
  readonly keys: ClientKeys;
}

/** Stands before the machine of one replica, in all its lives. */
export class Gatekeeper {
  readonly #protocol: Protocol;
  readonly #keys: ClientKeys;
  readonly #replica: ReplicaId;
  readonly #claimContext: ClaimContext;

  constructor({ protocol, context, keys }: GatekeeperOptions) {
    const { replica, n, f, hash, limits, clientAuthentication } = context;
    this.#protocol = protocol;
    this.#keys = keys;
    this.#replica = replica;
    this.#claimContext = { n, f, hash, limits, clientAuthentication };
  }

  /** The message in the bytes, or why it is dropped. `from` is null for a client. */
  admit(from: ReplicaId | null, bytes: Uint8Array, counter: TrustedCounter): Tagged | Refusal {
    if (bytes.length > this.#claimContext.limits.frameBytesMax) return "frame too long";
    const message = this.#protocol.messages.decode(bytes);
    if (message === null) return "undecodable";
    const claims = this.#protocol.claims(message, from, this.#claimContext);
    if (claims === null) return "malformed";
    for (const claim of claims) {
      if (claim.kind === "attestation") {
        if (!counter.verify(claim.attestation, claim.digest)) return "forged attestation";
      } else if (!this.#keys.isAuthentic(this.#replica, counter, claim)) return "forged request";
    }
    return message;
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
