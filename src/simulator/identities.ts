// How simulated replicas prove to each other what they said, for each replica authentication,
// symbolically: cheap, the same in every run of a seed, and out of reach of everyone but the
// speaker.

import { proofMacBytes } from "../codec/index.js";
import {
  absentIdentity,
  type Claim,
  type Digest,
  equalBytes,
  type Identity,
  isSignedByReplica,
  InvariantError,
  type ReplicaAuthentication,
  type ReplicaId,
} from "../core/index.js";
import { symbolicMac, twice } from "./mix.js";
import type { Random } from "./random.js";

type ReplicaClaim = Extract<Claim, { readonly kind: "replica" }>;

/** Makes and checks the proofs of replicas. A lying replica gets its own identity, no other. */
export interface Identities {
  of(replica: ReplicaId): Identity;
  /** Whether a replica accepts a proof; with "mac", another replica may not. */
  isGenuine(receiver: ReplicaId, claim: ReplicaClaim): boolean;
  /** Whether clients accept a claim: they can check replicas' signatures, and nothing else. */
  isGenuineToClients(claim: Claim): boolean;
}

function refuse(): never {
  throw new InvariantError("this protocol lists no replica authentication");
}

/** In place of a receiver: what everyone can check. */
const everyone = 0xffff;

export function identities(
  authentication: ReplicaAuthentication | null,
  n: number,
  parent: Random,
): Identities {
  if (authentication === null) {
    return { of: () => absentIdentity, isGenuine: refuse, isGenuineToClients: refuse };
  }
  const random = parent.fork("identities");
  const key = Int32Array.from({ length: 4 }, () => random.next());
  const mac = (speaker: ReplicaId, receiver: ReplicaId, digest: Digest): Uint8Array =>
    symbolicMac(key, speaker, receiver, digest);
  const macFor = (speaker: ReplicaId, receiver: ReplicaId, digest: Digest): Uint8Array =>
    mac(speaker, receiver, digest).subarray(0, proofMacBytes);

  const sign = (speaker: ReplicaId, digest: Digest): Uint8Array => {
    const half = mac(speaker, everyone, digest);
    return authentication === "trusted-mac" ? half : twice(half);
  };
  const authenticator = (speaker: ReplicaId, digest: Digest): Uint8Array => {
    const macs = new Uint8Array(n * proofMacBytes);
    for (let i = 0; i < n; i++) macs.set(macFor(speaker, i, digest), i * proofMacBytes);
    return macs;
  };
  const authenticate = authentication === "mac" ? authenticator : sign;

  const isSigned = ({ replica, digest, proof }: ReplicaClaim): boolean =>
    replica < n && equalBytes(sign(replica, digest), proof);

  return {
    of: (replica) => ({
      sign: (digest) => sign(replica, digest),
      authenticate: (digest) => authenticate(replica, digest),
    }),
    isGenuine(receiver, claim) {
      const { replica, digest, proof, isTransferable } = claim;
      if (isTransferable || authentication !== "mac") return isSigned(claim);
      const start = receiver * proofMacBytes;
      return (
        proof.length === n * proofMacBytes &&
        equalBytes(macFor(replica, receiver, digest), proof.subarray(start, start + proofMacBytes))
      );
    },
    isGenuineToClients: (claim) =>
      claim.kind === "replica" &&
      isSignedByReplica(claim.isTransferable, authentication) &&
      isSigned(claim),
  };
}
