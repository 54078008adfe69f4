// What must be authentic in a message, and what may be looked at to say so.

import type { ReplicaAuthentication } from "./identity.js";
import type { ClientId, Digest, Hash, ReplicaId } from "./ids.js";
import type { Limits } from "./limits.js";
import type { Attestation } from "./trusted-counter.js";

/** Something in a message that must be authentic before a machine may see it. */
export type Claim =
  | { readonly kind: "attestation"; readonly attestation: Attestation; readonly digest: Digest }
  | {
      readonly kind: "client";
      readonly client: ClientId;
      readonly digest: Digest;
      readonly authenticator: Uint8Array;
    }
  | {
      readonly kind: "replica";
      readonly replica: ReplicaId;
      readonly digest: Digest;
      /** The bytes as they stand in the message. */
      readonly proof: Uint8Array;
      /** Made by `Identity.sign`; else by `authenticate`. */
      readonly isTransferable: boolean;
    };

/** How clients prove who they are; architecture.md §5. */
export type ClientAuthentication = "trusted-mac" | "signature" | "mac";

/** What `claims` may look at. */
export interface ClaimContext {
  readonly n: number;
  readonly f: number;
  readonly hash: Hash;
  readonly limits: Limits;
  readonly clientAuthentication: ClientAuthentication;
  readonly replicaAuthentication: ReplicaAuthentication | null;
}
