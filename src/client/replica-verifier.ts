// Verifies what replicas sign for clients, before a machine sees it.

import { createPublicKey, type KeyObject, verify } from "node:crypto";
import type { Configuration } from "../cluster/index.js";
import { replicaProofInput } from "../codec/index.js";
import {
  type Claim,
  isSignedByReplica,
  type ReplicaAuthentication,
  UsageError,
} from "../core/index.js";

/** The replicas' public keys. Nothing but their signatures is believed. */
export class ReplicaVerifier {
  readonly #authentication: ReplicaAuthentication | null;
  readonly #keys: readonly KeyObject[];

  constructor({ replicaAuthentication, replicaKeys = [] }: Configuration) {
    this.#authentication = replicaAuthentication;
    this.#keys = replicaKeys.map(publicKey);
  }

  verify(claim: Claim): boolean {
    if (claim.kind !== "replica") return false;
    const { replica, digest, proof, isTransferable } = claim;
    const key = this.#keys[replica];
    if (key === undefined || !isSignedByReplica(isTransferable, this.#authentication)) return false;
    return verify(null, replicaProofInput(replica, digest), key, proof);
  }
}

function publicKey(text: string, replica: number): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(text, "base64"), format: "der", type: "spki" });
  } catch {
    throw new UsageError(
      "CONFIGURATION_DAMAGED",
      `cluster.json has a damaged public key of replica ${replica} in replicaKeys: ` +
        "restore the file, or copy it from a replica.",
      { replica },
    );
  }
}
