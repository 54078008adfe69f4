// The port to the trusted subsystem: TrInX (hybster.txt §5.1) as every protocol and host sees it.

import { InvariantError } from "./assert.js";
import type { ClientId, Digest } from "./ids.js";

/**
 * A counter value, the papers' flattened `[view|order]`: compared first by `view`, then by `order`.
 * Each part is a whole number below 2^53.
 */
export interface Position {
  readonly view: number;
  readonly order: number;
}

export const origin: Position = { view: 0, order: 0 };

/** No position is higher. A counter that stands here never certifies again: it is retired. */
export const retired: Position = { view: Number.MAX_SAFE_INTEGER, order: Number.MAX_SAFE_INTEGER };

/** Negative, zero or positive as `a` is below, at or above `b`. */
export function comparePositions(a: Position, b: Position): number {
  return a.view - b.view || a.order - b.order;
}

/**
 * What a certificate says about its counter. Each kind has its own domain in the MAC (protocols.md
 * H1).
 */
export type AttestationKind = "independent" | "continuing" | "trusted-mac";

/**
 * A certificate of one counter: τ(instance, counter, next, previous or −) in the paper's notation.
 */
export interface Attestation {
  readonly kind: AttestationKind;
  /** The trusted instance that issued it; a replica's first instance has the replica's number. */
  readonly instance: number;
  readonly counter: number;
  readonly next: Position;
  /**
   * Continuing: the value before. Independent: the origin, unused. Trusted MAC: equal to `next`.
   */
  readonly previous: Position;
  /** HMAC-SHA-256 over the typed, length-prefixed fields above and the digest: 32 bytes. */
  readonly mac: Uint8Array;
}

/** A certificate over several counters at once. */
export interface MultiAttestation {
  readonly kind: "multi-independent" | "multi-continuing";
  readonly instance: number;
  readonly parts: readonly {
    readonly counter: number;
    readonly next: Position;
    readonly previous: Position;
  }[];
  readonly mac: Uint8Array;
}

/**
 * How a trusted instance that restarts knows that it does not stand lower than it did (protocols.md
 * §7.1 B2; decision 0008).
 *
 * - `storage`: its host shows it its own latest certificates; the host's storage is believed to be
 *   fresh.
 * - `fail-stop`: it does not know, and never certifies again.
 * - `leases`: it certifies only what other instances have recorded beforehand, and asks them.
 */
export type Freshness = "storage" | "fail-stop" | "leases";

export const freshnesses: readonly Freshness[] = ["storage", "fail-stop", "leases"];

/**
 * The leases of one trusted instance, with freshness `leases`. Statements are the instances' own,
 * under the group's MAC: hosts carry them, and may lose, repeat or delay them, and cannot make any.
 */
export interface LeaseKeeper {
  /**
   * Whether it may certify at all: since its first boot, or, after a restart, since f+1 other
   * active instances told it what they had recorded.
   */
  readonly isActive: boolean;
  /**
   * What every other instance is to be told so that this one becomes active or, once it is, may
   * certify up to `limit`; the same bytes again until enough have answered, null when they have.
   */
  ask(counter: number, limit: Position): Uint8Array | null;
  /**
   * Takes a statement of another instance, and gives the answer for it; null if it needs none, or
   * is not genuine, or is out of date.
   */
  receive(statement: Uint8Array): Uint8Array | null;
}

/** The counters of one trusted instance. */
export interface TrustedCounter {
  readonly instance: number;
  /** Null unless the group's freshness is `leases`. */
  readonly leases: LeaseKeeper | null;

  /**
   * The highest position that the counter certifies now; `retired`, which is above all, where
   * nothing bounds it. It rises as leases are granted: what is refused beyond it may be asked for
   * again.
   */
  limit(counter: number): Position;

  /** Where a counter stands. */
  current(counter: number): Position;

  /** Certifies the digest at `next`, which must be above the current value; null if it is not. */
  independent(counter: number, next: Position, digest: Digest): Attestation | null;

  /** As `independent`, and discloses the value before: `next` strictly above (protocols.md H2). */
  continuing(counter: number, next: Position, digest: Digest): Attestation | null;

  /** Certifies the digest without moving the counter: a signature among trusted instances. */
  trustedMac(counter: number, digest: Digest): Attestation | null;

  /**
   * Moves several counters at once, or none: null if any `next` is not above its counter's value.
   */
  multi(
    kind: MultiAttestation["kind"],
    parts: readonly { readonly counter: number; readonly next: Position }[],
    digest: Digest,
  ): MultiAttestation | null;

  /**
   * Whether an instance of this group issued the attestation over the digest. A module that is
   * shown its own certificate from its future learns that it was rolled back, and retires the
   * counter.
   */
  verify(attestation: Attestation, digest: Digest): boolean;
  verifyMulti(attestation: MultiAttestation, digest: Digest): boolean;

  /** Whether the client made the MAC over the digest. No function of this port makes such a MAC. */
  verifyClient(client: ClientId, digest: Digest, mac: Uint8Array): boolean;

  /**
   * After a restart, before the first certificate: raises the counter to the position of one of its
   * own genuine attestations. False, and no change, if it is not one, or certificates were issued
   * since the start.
   */
  resume(attestation: Attestation, digest: Digest): boolean;
}

/** For protocols without trusted counter: whatever is asked of it is a defect. */
export function absentCounter(instance: number): TrustedCounter {
  const refuse = (): never => {
    throw new InvariantError("this protocol runs without a trusted counter");
  };
  return {
    instance,
    leases: null,
    limit: refuse,
    current: refuse,
    independent: refuse,
    continuing: refuse,
    trustedMac: refuse,
    multi: refuse,
    verify: refuse,
    verifyMulti: refuse,
    verifyClient: refuse,
    resume: refuse,
  };
}
