// How a replica's proofs of what it said travel inside messages, and what they are over.

import type { Digest, ReplicaId } from "../core/index.js";
import { macInput } from "./bundle.js";
import { byteList } from "./schema.js";

/** Of an authenticator's MAC for one receiver: HMAC-SHA-256, cut to 128 bits. */
export const proofMacBytes = 16;

/** An authenticator for 64 replicas; a signature or a trusted MAC is shorter. */
export const proofBytesMax = 64 * proofMacBytes;

/** A proof: what `Identity` gives. */
export const proofSchema = byteList(proofBytesMax);

const replicaDomain = Array.from("troth/replica/1", (character) => character.charCodeAt(0));

/**
 * What a replica signs or authenticates when it says something with this digest. It names the
 * speaker: two share the key of an authenticator's MAC.
 */
export const replicaProofInput = (replica: ReplicaId, digest: Digest): Uint8Array =>
  macInput(replicaDomain, replica, digest);
