// How replicas prove to each other what they said, without a trusted counter's certificates.

import { InvariantError } from "./assert.js";
import type { Digest } from "./ids.js";

/**
 * How replicas prove to each other what they said.
 *
 * - `signature`: every statement is signed with Ed25519.
 * - `mac`: what is sent directly carries an authenticator, one MAC for each receiver; what must be
 *   passed on is signed.
 * - `trusted-mac`: every statement carries a MAC of the trusted module, which any other module can
 *   check, and only the module of its speaker can make.
 */
export type ReplicaAuthentication = "signature" | "mac" | "trusted-mac";

export const replicaAuthentications = [
  "signature",
  "mac",
  "trusted-mac",
] as const satisfies readonly ReplicaAuthentication[];

/**
 * Whether what proves a replica's statement is a signature: then clients, who share no key with
 * replicas and have no trusted module, can check it as well.
 */
export function isSignedByReplica(
  isTransferable: boolean,
  authentication: ReplicaAuthentication | null,
): boolean {
  return authentication === "signature" || (authentication === "mac" && isTransferable);
}

/** What makes a replica's statements its own. */
export interface Identity {
  /**
   * A proof that every replica can check and pass on to others: a signature, or a trusted MAC.
   */
  sign(digest: Digest): Uint8Array;
  /**
   * A proof for those it is sent to directly, made as the cluster's replica authentication says:
   * perhaps an authenticator, which convinces each receiver but cannot be passed on.
   */
  authenticate(digest: Digest): Uint8Array;
}

/** For protocols that list no replica authentication: asking it for a proof is a defect. */
export const absentIdentity: Identity = {
  sign: () => refuse(),
  authenticate: () => refuse(),
};

function refuse(): never {
  throw new InvariantError("this protocol lists no replica authentication");
}
