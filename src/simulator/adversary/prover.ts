// How a lying replica uses its own identity: whatever it says in the end, it proves, and as often
// as it likes; what others said, it cannot.

import { proofMacBytes } from "../../codec/index.js";
import {
  type Claim,
  type ClaimContext,
  equalBytes,
  type Protocol,
  type ReplicaContext,
  type ReplicaId,
  type Tagged,
} from "../../core/index.js";
import { copyOf, places } from "./mutate.js";

type ReplicaClaim = Extract<Claim, { readonly kind: "replica" }>;

/** Statements that hold proven statements that hold proven statements, and one more. */
const depthMax = 4;

export class Prover {
  readonly #protocol: Protocol;
  readonly #context: ReplicaContext;
  readonly #claimContext: ClaimContext;
  /** Whose proof some bytes of a message are. */
  readonly #speakers = new WeakMap<Uint8Array, ReplicaId>();

  constructor(protocol: Protocol, context: ReplicaContext) {
    this.#protocol = protocol;
    this.#context = context;
    this.#claimContext = context;
  }

  get self(): ReplicaId {
    return this.#context.replica;
  }

  /** Learns whose proofs stand in a message. */
  note(message: Tagged, from: ReplicaId): void {
    for (const { proof, replica } of this.#claims(message, from)) {
      this.#speakers.set(proof, replica);
    }
  }

  /** Whose proof these bytes of a message were when it was noted; undefined: nobody's. */
  speakerOf(field: unknown): ReplicaId | undefined {
    return field instanceof Uint8Array ? this.#speakers.get(field) : undefined;
  }

  /** Whether a message holds a proof of its own: another such message may have one as well. */
  says(message: Tagged): boolean {
    return this.#claims(message, this.self).some(({ replica }) => replica === this.self);
  }

  /**
   * The message with a right proof for all that this replica says in it, itself where that is so
   * already. An authenticator that is right for somebody stays.
   */
  reproved<M extends Tagged>(message: M): M {
    if (this.#context.replicaAuthentication === null) return message;
    let latest = message;
    // The inner first: what is outside may be over the proofs inside.
    for (let depth = 0; depth < depthMax; depth++) {
      // A copy remembers no digests of what it was before.
      const copy = copyOf(this.#protocol.messages, latest) as M;
      const wrong = this.#wrongIn(copy);
      if (wrong.size === 0) break;
      for (const { value, put } of places(copy)) {
        const right = value instanceof Uint8Array ? wrong.get(value) : undefined;
        if (right !== undefined) put(right);
      }
      latest = copy;
    }
    return latest;
  }

  /**
   * The message with authenticators of its own that not everybody believes: those that `spoils`
   * names find nothing for them.
   */
  partly<M extends Tagged>(message: M, spoils: (receiver: ReplicaId) => boolean): M {
    if (this.#context.replicaAuthentication !== "mac") return message;
    const copy = copyOf(this.#protocol.messages, message) as M;
    const direct = this.#claims(copy, this.self).filter(
      ({ replica, isTransferable }) => replica === this.self && !isTransferable,
    );
    const proofs = new Set(direct.map(({ proof }) => proof));
    for (const { value, put } of places(copy)) {
      if (!(value instanceof Uint8Array && proofs.has(value))) continue;
      put(value.map((byte, at) => (spoils(Math.floor(at / proofMacBytes)) ? ~byte : byte)));
    }
    return copy;
  }

  #claims(message: Tagged, from: ReplicaId): readonly ReplicaClaim[] {
    if (this.#context.replicaAuthentication === null) return [];
    const claims = this.#protocol.claims(message, from, this.#claimContext) ?? [];
    return claims.filter((claim) => claim.kind === "replica");
  }

  #wrongIn(message: Tagged): Map<Uint8Array, Uint8Array> {
    const wrong = new Map<Uint8Array, Uint8Array>();
    for (const { replica, digest, proof, isTransferable } of this.#claims(message, this.self)) {
      if (replica !== this.self) continue;
      const { identity } = this.#context;
      const right = isTransferable ? identity.sign(digest) : identity.authenticate(digest);
      const isShared = !isTransferable && this.#context.replicaAuthentication === "mac";
      const isRight = isShared ? isRightForSome(proof, right) : equalBytes(proof, right);
      if (!isRight) wrong.set(proof, right);
    }
    return wrong;
  }
}

/** Whether some receiver would believe an authenticator. */
function isRightForSome(proof: Uint8Array, right: Uint8Array): boolean {
  if (proof.length !== right.length) return false;
  for (let start = 0; start < right.length; start += proofMacBytes) {
    const end = start + proofMacBytes;
    if (equalBytes(proof.subarray(start, end), right.subarray(start, end))) return true;
  }
  return false;
}
