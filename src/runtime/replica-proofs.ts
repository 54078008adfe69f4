// What this replica proves its statements with, and how it checks the others': signatures, MACs of
// pairs, or MACs of the trusted module.

import { createHmac, type KeyObject, sign, timingSafeEqual } from "node:crypto";
import { proofMacBytes, replicaProofInput } from "../codec/index.js";
import {
  absentIdentity,
  type Claim,
  type Digest,
  type Identity,
  InvariantError,
  origin,
  type ReplicaAuthentication,
  type ReplicaId,
  retired,
  type TrustedCounter,
} from "../core/index.js";
import type { SignatureVerifier } from "./signature-verifier.js";

type ReplicaClaim = Extract<Claim, { readonly kind: "replica" }>;

/** Makes this replica's proofs and checks those of all. */
export interface ReplicaProofs extends Identity {
  verify(claim: ReplicaClaim): boolean | Promise<boolean>;
}

export interface ReplicaProofsOptions {
  readonly replica: ReplicaId;
  readonly n: number;
  /** Null: the protocol lists none. */
  readonly authentication: ReplicaAuthentication | null;
  /** For "signature" and "mac". */
  readonly signingKey: KeyObject | null;
  readonly signatures: SignatureVerifier | null;
  /** For "mac": the key shared with each replica. */
  readonly macKeys: readonly Uint8Array[] | null;
  /** For "trusted-mac". */
  readonly counter: TrustedCounter;
}

export function replicaProofs(options: ReplicaProofsOptions): ReplicaProofs {
  const { authentication, n } = options;
  const made = proofsBy(authentication, options);
  return { ...made, verify: (claim) => claim.replica < n && made.verify(claim) };
}

function proofsBy(
  authentication: ReplicaAuthentication | null,
  options: ReplicaProofsOptions,
): ReplicaProofs {
  switch (authentication) {
    case null:
      return { ...absentIdentity, verify: () => absent("replica authentication") };
    case "signature":
      return bySignature(options);
    case "mac":
      return byMac(options);
    case "trusted-mac":
      return byTrustedMac(options);
  }
}

function bySignature({ replica, signingKey, signatures }: ReplicaProofsOptions): ReplicaProofs {
  const key = signingKey ?? absent("signing key");
  const verifier = signatures ?? absent("verifier of signatures");
  const signed = (digest: Digest) => sign(null, replicaProofInput(replica, digest), key);
  return {
    sign: signed,
    authenticate: signed,
    verify: (claim) => verifier.verify("replica", claim.replica, claim.digest, claim.proof),
  };
}

/** One MAC for each replica, in their order; each checks its own. What is passed on is signed. */
function byMac(options: ReplicaProofsOptions): ReplicaProofs {
  const { replica, n } = options;
  const keys = options.macKeys ?? absent("keys for MACs");
  const signing = bySignature(options);
  return {
    sign: (digest) => signing.sign(digest),
    authenticate(digest) {
      const input = replicaProofInput(replica, digest);
      const macs = new Uint8Array(n * proofMacBytes);
      keys.forEach((key, receiver) => macs.set(mac(key, input), receiver * proofMacBytes));
      return macs;
    },
    verify(claim) {
      if (claim.isTransferable) return signing.verify(claim);
      const { proof, digest } = claim;
      if (proof.length !== n * proofMacBytes) return false;
      const own = proof.subarray(replica * proofMacBytes, (replica + 1) * proofMacBytes);
      const input = replicaProofInput(claim.replica, digest);
      return timingSafeEqual(mac(keys[claim.replica]!, input), own);
    },
  };
}

const mac = (key: Uint8Array, input: Uint8Array): Uint8Array =>
  createHmac("sha256", key).update(input).digest().subarray(0, proofMacBytes);

/** Of the trusted instance's counters the last: it never moves, so that a MAC is all of a proof. */
const proofCounter = 7;
/** Where it stands: retired once its instance starts without a token, as any counter is. */
const standstills = [retired, origin];

function byTrustedMac({ counter: trusted }: ReplicaProofsOptions): ReplicaProofs {
  const made = (digest: Digest): Uint8Array =>
    trusted.trustedMac(proofCounter, digest)?.mac ?? absent("MAC of the trusted module");
  return {
    sign: made,
    authenticate: made,
    verify({ replica: instance, digest, proof }) {
      const fixed = { kind: "trusted-mac", instance, counter: proofCounter, mac: proof } as const;
      return standstills.some((at) => trusted.verify({ ...fixed, next: at, previous: at }, digest));
    },
  };
}

function absent(what: string): never {
  throw new InvariantError(`this replica has no ${what}`);
}
