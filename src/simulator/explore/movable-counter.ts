// A trusted counter that the explorer can put where a branch of the search had it: the model of
// model-counter.ts, made anew and moved up to the positions wanted. Machines cannot tell.

import {
  type Attestation,
  comparePositions,
  type ClientId,
  type Digest,
  type LeaseKeeper,
  type MultiAttestation,
  origin,
  type Position,
  type TrustedCounter,
} from "../../core/index.js";

/** Where the counters of one trusted instance stand, and whether it issued a certificate. */
export interface CounterState {
  readonly positions: readonly (readonly [counter: number, position: Position])[];
  readonly issued: boolean;
}

export const freshCounter: CounterState = { positions: [], issued: false };

const someDigest: Digest = new Uint8Array(32);

export class MovableCounter implements TrustedCounter {
  readonly instance: number;
  readonly #make: () => TrustedCounter;
  #inner: TrustedCounter;
  #issued = false;
  readonly #touched = new Set<number>();

  /** `make` gives a fresh model of the instance. */
  constructor(make: () => TrustedCounter) {
    this.#make = make;
    this.#inner = make();
    this.instance = this.#inner.instance;
  }

  get state(): CounterState {
    const positions = [...this.#touched]
      .sort((a, b) => a - b)
      .map((counter) => [counter, this.#inner.current(counter)] as const)
      .filter(([, position]) => comparePositions(position, origin) > 0);
    return { positions, issued: this.#issued };
  }

  set state({ positions, issued }: CounterState) {
    this.#inner = this.#make();
    this.#touched.clear();
    for (const [counter, position] of positions) {
      this.#touched.add(counter);
      if (issued) this.#inner.independent(counter, position, someDigest);
      else {
        const proof = this.#make().independent(counter, position, someDigest)!;
        this.#inner.resume(proof, someDigest);
      }
    }
    if (issued && positions.length === 0) this.#inner.trustedMac(0, someDigest);
    this.#issued = issued;
  }

  get leases(): LeaseKeeper | null {
    return this.#inner.leases;
  }

  limit(counter: number): Position {
    return this.#inner.limit(counter);
  }

  current(counter: number): Position {
    return this.#inner.current(counter);
  }

  independent(counter: number, next: Position, digest: Digest): Attestation | null {
    return this.#note(counter, this.#inner.independent(counter, next, digest));
  }

  continuing(counter: number, next: Position, digest: Digest): Attestation | null {
    return this.#note(counter, this.#inner.continuing(counter, next, digest));
  }

  trustedMac(counter: number, digest: Digest): Attestation | null {
    return this.#note(counter, this.#inner.trustedMac(counter, digest));
  }

  #note<T>(counter: number, issued: T | null): T | null {
    if (issued !== null) {
      this.#touched.add(counter);
      this.#issued = true;
    }
    return issued;
  }

  multi(
    kind: MultiAttestation["kind"],
    parts: readonly { readonly counter: number; readonly next: Position }[],
    digest: Digest,
  ): MultiAttestation | null {
    const issued = this.#inner.multi(kind, parts, digest);
    for (const { counter } of parts) this.#note(counter, issued);
    return issued;
  }

  verify(attestation: Attestation, digest: Digest): boolean {
    if (attestation.instance === this.instance) this.#touched.add(attestation.counter);
    return this.#inner.verify(attestation, digest);
  }

  verifyMulti(attestation: MultiAttestation, digest: Digest): boolean {
    for (const { counter } of attestation.parts) this.#touched.add(counter);
    return this.#inner.verifyMulti(attestation, digest);
  }

  verifyClient(client: ClientId, digest: Digest, mac: Uint8Array): boolean {
    return this.#inner.verifyClient(client, digest, mac);
  }

  resume(attestation: Attestation, digest: Digest): boolean {
    this.#touched.add(attestation.counter);
    return this.#inner.resume(attestation, digest);
  }
}
