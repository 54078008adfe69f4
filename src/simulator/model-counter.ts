// A model of the trusted subsystem: the rules of core/trusted-counter.ts with symbolic MACs. The
// key lives in a closure; code that holds a counter, a lying replica's included, may call it and
// cannot read it.

import {
  type Attestation,
  type AttestationKind,
  assert,
  type ClientId,
  comparePositions,
  type Digest,
  equalBytes,
  type Freshness,
  type LeaseKeeper,
  type MultiAttestation,
  origin,
  type Position,
  retired,
  type ReplicaId,
  type TrustedCounter,
  type TrustedDependencies,
} from "../core/index.js";
import { Mixer, symbolicHash } from "./mix.js";
import { ModelDependencies } from "./model-dependencies.js";
import { type LeaseRules, ModelLeases } from "./model-leases.js";
import type { Random } from "./random.js";

/** What a group is set up with, the same for all its instances. */
export interface GroupOptions {
  readonly freshness: Freshness;
  readonly n: number;
  readonly f: number;
  /** How instances keep leases. Default: as decision 0008 says. */
  readonly rules?: LeaseRules;
}

/** All trusted instances of one cluster: they share a key and believe each other. */
export interface TrustedGroup {
  /**
   * A fresh instance, its counters at the origin with the administrator's token, and retired
   * without. Unless freshness is `storage`, the token is spent with an instance's first start.
   */
  counter(instance: number, mayHaveToken?: boolean): TrustedCounter;
  /**
   * A fresh instance with its spaces, of `slots` slots each. They certify in its first life only;
   * freshness is not `storage`, and n is 2f+1.
   */
  faces(instance: ReplicaId, slots: number, mayHaveToken?: boolean): ModelFaces;
  /** What client `client` puts on a bundle. Only clients are handed this. */
  seal(client: ClientId, digest: Digest): Uint8Array;
  /** What `vouch` gives a client over a decision's statement. Only clients are handed this. */
  sealDecision(client: ClientId, statement: Uint8Array): Uint8Array;
}

/** Both faces of one instance. */
export interface ModelFaces {
  readonly counter: TrustedCounter;
  readonly dependencies: TrustedDependencies;
}

/** Each kind of MAC has its own domain, as in the real module (protocols.md H1). */
const domains = {
  independent: 1,
  continuing: 2,
  "trusted-mac": 3,
  "multi-independent": 4,
  "multi-continuing": 5,
  client: 6,
  lease: 7,
  dependencies: 8,
  decision: 9,
} as const;

/** The MACs of one group: everything that knows the key. */
interface Sealer {
  single(attestation: Omit<Attestation, "mac">, digest: Digest): Uint8Array;
  multi(attestation: Omit<MultiAttestation, "mac">, digest: Digest): Uint8Array;
  client(client: ClientId, digest: Digest): Uint8Array;
  lease(statement: Uint8Array): Uint8Array;
  dependencies(statement: Uint8Array): Uint8Array;
  decision(client: ClientId, statement: Uint8Array): Uint8Array;
}

const plainGroup: GroupOptions = { freshness: "storage", n: 1, f: 0 };

export function trustedGroup(random: Random, options = plainGroup): TrustedGroup {
  const sealer = sealerWithKey(Int32Array.from({ length: 8 }, () => random.next()));
  const nonces = options.freshness === "leases" ? random.fork("nonces") : null;
  const booted = new Set<number>();
  const start = (instance: number, mayHaveToken: boolean) => {
    const hasToken = mayHaveToken && (options.freshness === "storage" || !booted.has(instance));
    booted.add(instance);
    const counter = new ModelCounter(instance, sealer, { ...options, hasToken, nonces });
    return { counter, hasToken };
  };
  return {
    counter: (instance, mayHaveToken = true) => start(instance, mayHaveToken).counter,
    faces(instance, slots, mayHaveToken = true) {
      const { n, f, freshness } = options;
      assert(freshness !== "storage", "with storage no instance knows its first boot");
      const { counter, hasToken: isActive } = start(instance, mayHaveToken);
      const terms = { instance, n, f, slots, isActive, hash: symbolicHash };
      const dependencies = new ModelDependencies({
        ...terms,
        seal: (statement) => sealer.dependencies(statement),
        sealFor: (client, statement) => sealer.decision(client, statement),
      });
      return { counter, dependencies };
    },
    sealDecision: (client, statement) => sealer.decision(client, statement),
    seal: (client, digest) => sealer.client(client, digest),
  };
}

function sealerWithKey(key: Int32Array): Sealer {
  const position = (mixer: Mixer, { view, order }: Position) => mixer.number(view).number(order);
  return {
    single({ kind, instance, counter, next, previous }, digest) {
      const mixer = new Mixer(key).word(domains[kind]).number(instance).number(counter);
      position(mixer, next);
      position(mixer, previous);
      return mixer.bytes(digest).finish();
    },
    multi({ kind, instance, parts }, digest) {
      const mixer = new Mixer(key).word(domains[kind]).number(instance).number(parts.length);
      for (const { counter, next, previous } of parts) {
        mixer.number(counter);
        position(mixer, next);
        position(mixer, previous);
      }
      return mixer.bytes(digest).finish();
    },
    client: (client, digest) =>
      new Mixer(key).word(domains.client).number(client).bytes(digest).finish(),
    lease: (statement) => new Mixer(key).word(domains.lease).bytes(statement).finish(),
    dependencies: (statement) =>
      new Mixer(key).word(domains.dependencies).bytes(statement).finish(),
    decision: (client, statement) =>
      new Mixer(key).word(domains.decision).number(client).bytes(statement).finish(),
  };
}

const isPosition = ({ view, order }: Position): boolean =>
  Number.isSafeInteger(view) && Number.isSafeInteger(order) && view >= 0 && order >= 0;

const copyOf = ({ view, order }: Position): Position => ({ view, order });

/** How one instance is started. */
interface Boot extends GroupOptions {
  readonly hasToken: boolean;
  /** Null without leases. */
  readonly nonces: Random | null;
}

class ModelCounter implements TrustedCounter {
  readonly instance: number;
  readonly leases: LeaseKeeper | null;
  readonly #sealer: Sealer;
  readonly #freshness: Freshness;
  readonly #positions = new Map<number, Position>();
  /** Where counters stand that are not in `#positions`. */
  readonly #start: Position;
  readonly #leases: ModelLeases | null = null;
  #issued = false;

  constructor(instance: number, sealer: Sealer, boot: Boot) {
    const { freshness, hasToken, nonces, n, f } = boot;
    this.instance = instance;
    this.#sealer = sealer;
    this.#freshness = freshness;
    this.#start = freshness !== "leases" && !hasToken ? retired : origin;
    if (nonces !== null) {
      this.#leases = new (boot.rules ?? ModelLeases)({
        instance,
        n,
        f,
        nonce: nonces.bytes(16),
        isFirst: hasToken,
        seal: (statement) => sealer.lease(statement),
        resumeAt: (counter, position) => this.#raise(counter, position),
      });
    }
    this.leases = this.#leases;
  }

  current(counter: number): Position {
    return this.#positions.get(counter) ?? this.#start;
  }

  limit(counter: number): Position {
    return this.#leases === null ? retired : this.#leases.limit(counter);
  }

  independent(counter: number, next: Position, digest: Digest): Attestation | null {
    return this.#advance("independent", counter, next, digest);
  }

  continuing(counter: number, next: Position, digest: Digest): Attestation | null {
    return this.#advance("continuing", counter, next, digest);
  }

  trustedMac(counter: number, digest: Digest): Attestation | null {
    const current = this.current(counter);
    if (digest.length !== 32) return null;
    return this.#sealed("trusted-mac", counter, current, current, digest);
  }

  multi(
    kind: MultiAttestation["kind"],
    parts: readonly { readonly counter: number; readonly next: Position }[],
    digest: Digest,
  ): MultiAttestation | null {
    if (parts.length === 0 || digest.length !== 32) return null;
    if (new Set(parts.map(({ counter }) => counter)).size !== parts.length) return null;
    if (!parts.every(({ counter, next }) => this.#mayAdvance(counter, next))) return null;
    const moved = parts.map(({ counter, next }) => ({
      counter,
      next: copyOf(next),
      previous: kind === "multi-continuing" ? this.current(counter) : origin,
    }));
    for (const { counter, next } of moved) this.#positions.set(counter, next);
    this.#issued = true;
    const unsealed = { kind, instance: this.instance, parts: moved };
    return { ...unsealed, mac: this.#sealer.multi(unsealed, digest) };
  }

  verify(attestation: Attestation, digest: Digest): boolean {
    if (!this.#isGenuine(attestation, digest)) return false;
    if (attestation.kind !== "trusted-mac") this.#notice(attestation.instance, attestation);
    return true;
  }

  verifyMulti(attestation: MultiAttestation, digest: Digest): boolean {
    const { kind, parts, mac } = attestation;
    if (!Object.hasOwn(domains, kind) || !parts.every((part) => isPosition(part.next)))
      return false;
    if (!equalBytes(this.#sealer.multi(attestation, digest), mac)) return false;
    for (const part of parts) this.#notice(attestation.instance, part);
    return true;
  }

  verifyClient(client: ClientId, digest: Digest, mac: Uint8Array): boolean {
    return equalBytes(this.#sealer.client(client, digest), mac);
  }

  resume(attestation: Attestation, digest: Digest): boolean {
    if (this.#freshness !== "storage") return false;
    if (this.#issued || attestation.instance !== this.instance) return false;
    if (attestation.kind === "trusted-mac") return false;
    if (this.#isRetired(attestation.counter)) return false;
    if (!this.#isGenuine(attestation, digest)) return false;
    this.#raise(attestation.counter, attestation.next);
    return true;
  }

  #raise(counter: number, position: Position): void {
    if (comparePositions(position, this.current(counter)) > 0) {
      this.#positions.set(counter, copyOf(position));
    }
  }

  #advance(
    kind: AttestationKind,
    counter: number,
    next: Position,
    digest: Digest,
  ): Attestation | null {
    if (digest.length !== 32 || !this.#mayAdvance(counter, next)) return null;
    const previous = kind === "continuing" ? this.current(counter) : origin;
    this.#positions.set(counter, copyOf(next));
    return this.#sealed(kind, counter, next, previous, digest);
  }

  #sealed(
    kind: AttestationKind,
    counter: number,
    next: Position,
    previous: Position,
    digest: Digest,
  ): Attestation {
    this.#issued = true;
    const { instance } = this;
    const unsealed = { kind, instance, counter, next: copyOf(next), previous: copyOf(previous) };
    return { ...unsealed, mac: this.#sealer.single(unsealed, digest) };
  }

  #isGenuine(attestation: Attestation, digest: Digest): boolean {
    const { kind, next, previous, mac } = attestation;
    if (!Object.hasOwn(domains, kind) || !isPosition(next) || !isPosition(previous)) return false;
    return equalBytes(this.#sealer.single(attestation, digest), mac);
  }

  #mayAdvance(counter: number, next: Position): boolean {
    if (!isPosition(next) || comparePositions(next, this.current(counter)) <= 0) return false;
    return comparePositions(next, this.limit(counter)) <= 0;
  }

  #isRetired(counter: number): boolean {
    return comparePositions(this.current(counter), retired) === 0;
  }

  /**
   * The tripwire: its own certificate from its future proves a rollback. One that waits to be told
   * what was recorded of it knows that it lived before.
   */
  #notice(instance: number, part: { readonly counter: number; readonly next: Position }): void {
    if (instance !== this.instance || this.leases?.isActive === false) return;
    if (comparePositions(part.next, this.current(part.counter)) > 0) {
      this.#positions.set(part.counter, retired);
    }
  }
}
