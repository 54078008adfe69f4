// Verifies what messages claim, before a machine sees them (architecture.md §3, "authenticity
// before step").

import { createHmac, timingSafeEqual } from "node:crypto";
import { clientKeyInput, clientMacInput } from "../codec/index.js";
import {
  type Claim,
  type ClientAuthentication,
  InvariantError,
  type TrustedCounter,
} from "../core/index.js";
import type { ReplicaProofs } from "./replica-proofs.js";
import type { SignatureVerifier } from "./signature-verifier.js";

type ClientClaim = Extract<Claim, { readonly kind: "client" }>;

/** A verdict, at once or later. */
export type Verdict = boolean | Promise<boolean>;

const macBytes = 32;

export interface AuthenticatorOptions {
  readonly replica: number;
  readonly n: number;
  /** Clients are numbered below this; no other is believed. */
  readonly clients: number;
  readonly clientAuthentication: ClientAuthentication;
  readonly counter: TrustedCounter;
  readonly proofs: ReplicaProofs;
  /** For "mac": what this replica's keys with its clients derive from. */
  readonly clientMacKey: Uint8Array | null;
  /** For "signature". */
  readonly signatures: SignatureVerifier | null;
}

/**
 * Decides whether all claims of a message are true. Only signatures take more than a turn.
 */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #clientKeys = new Map<number, Uint8Array>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  verify(claims: readonly Claim[]): Verdict {
    const pending: Promise<boolean>[] = [];
    for (const claim of claims) {
      const verdict = this.#verifyOne(claim);
      if (verdict === false) return false;
      if (verdict !== true) pending.push(verdict);
    }
    if (pending.length === 0) return true;
    return Promise.all(pending).then((verdicts) => verdicts.every(Boolean));
  }

  #verifyOne(claim: Claim): Verdict {
    switch (claim.kind) {
      case "attestation":
        return this.#options.counter.verify(claim.attestation, claim.digest);
      case "client":
        return this.#verifyClient(claim);
      case "replica":
        return this.#options.proofs.verify(claim);
    }
  }

  #verifyClient(claim: ClientClaim): Verdict {
    const { clients, clientAuthentication, counter, signatures } = this.#options;
    const { client, digest, authenticator } = claim;
    if (client >= clients) return false;
    switch (clientAuthentication) {
      case "trusted-mac":
        return counter.verifyClient(client, digest, authenticator);
      case "mac":
        return this.#verifyMac(claim);
      case "signature":
        if (signatures === null) throw new InvariantError("no verifier for client signatures");
        return signatures.verify("client", client, digest, authenticator);
    }
  }

  /** Checks this replica's part of the authenticator: one MAC per replica, in their order. */
  #verifyMac({ client, digest, authenticator }: ClientClaim): boolean {
    const { n, replica } = this.#options;
    if (authenticator.length !== n * macBytes) return false;
    const part = authenticator.subarray(replica * macBytes, (replica + 1) * macBytes);
    const mac = hmac(this.#clientKey(client), clientMacInput(client, digest));
    return timingSafeEqual(mac, part);
  }

  /** One for each client of the configuration at most. */
  #clientKey(client: number): Uint8Array {
    let key = this.#clientKeys.get(client);
    if (key === undefined) {
      const { clientMacKey } = this.#options;
      if (clientMacKey === null) throw new InvariantError("no key for client MACs");
      key = hmac(clientMacKey, clientKeyInput(client));
      this.#clientKeys.set(client, key);
    }
    return key;
  }
}

const hmac = (key: Uint8Array, input: Uint8Array): Uint8Array =>
  createHmac("sha256", key).update(input).digest();
