// Requests with MAC authenticators (architecture.md §5): a client can make one that is valid here
// and invalid there. So a replica's own check counts for itself only, and a request is ordered when
// f+1 replicas endorse it: one of them is correct, and everyone else can verify their trusted MACs.
// A lying client delays itself.

import {
  attestationSchema,
  container,
  decodeWith,
  encodeWith,
  list,
  type Request,
  type WireAttestation,
} from "../../codec/index.js";
import { type Digest, type ReplicaId, toHex } from "../../core/index.js";

const certificate = container({ endorsements: list(attestationSchema, 64) });

/** A request's authenticator among replicas: the endorsements of f+1 of them. */
export const encodeEndorsements = (endorsements: readonly WireAttestation[]): Uint8Array =>
  encodeWith(certificate, { endorsements: [...endorsements] });

/** Null if the bytes are not a list of endorsements. */
export const decodeEndorsements = (authenticator: Uint8Array): readonly WireAttestation[] | null =>
  decodeWith(certificate, authenticator)?.endorsements ?? null;

interface Candidate {
  request: Request | null;
  readonly endorsements: Map<ReplicaId, WireAttestation>;
  /** Who mentioned it first: it takes one of that replica's places here. */
  readonly by: ReplicaId;
}

/** Requests on their way to being endorsed; bounded for each replica that mentions them. */
export class Endorsements {
  private readonly candidates = new Map<string, Candidate>();
  private readonly mentioned: number[];
  private readonly needed: number;
  private readonly placesMax: number;

  constructor(n: number, needed: number, placesMax: number) {
    this.needed = needed;
    this.placesMax = placesMax;
    this.mentioned = new Array<number>(n).fill(0);
  }

  /** This replica verified its part of the client's authenticator. */
  addRequest(request: Request, digest: Digest, self: ReplicaId): void {
    this.candidate(digest, self).request ??= request;
  }

  /** A replica vouches for the request of that digest. */
  add(digest: Digest, endorsement: WireAttestation): void {
    const { instance } = endorsement;
    this.candidate(digest, instance).endorsements.set(instance, endorsement);
  }

  /**
   * The request, as replicas send it to each other, once it is here and endorsed by enough; it
   * leaves then.
   */
  take(digest: Digest): Request | null {
    const key = toHex(digest);
    const candidate = this.candidates.get(key);
    if (!candidate?.request || candidate.endorsements.size < this.needed) return null;
    this.remove(key, candidate);
    const endorsements = [...candidate.endorsements.values()].slice(0, this.needed);
    const { body } = candidate.request;
    return { body, authenticator: encodeEndorsements(endorsements) };
  }

  private candidate(digest: Digest, by: ReplicaId): Candidate {
    const key = toHex(digest);
    let candidate = this.candidates.get(key);
    if (candidate === undefined) {
      if (this.mentioned[by]! >= this.placesMax) this.forgetOldest(by);
      candidate = { request: null, endorsements: new Map(), by };
      this.candidates.set(key, candidate);
      this.mentioned[by]! += 1;
    }
    return candidate;
  }

  private forgetOldest(by: ReplicaId): void {
    for (const [key, candidate] of this.candidates) {
      if (candidate.by === by) return this.remove(key, candidate);
    }
  }

  private remove(key: string, candidate: Candidate): void {
    this.candidates.delete(key);
    this.mentioned[candidate.by]! -= 1;
  }
}
