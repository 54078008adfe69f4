// How a lying host uses its trusted counter: its machine gets certificates that are only promised,
// so that the host can still change the message, and have the counter certify what is really sent.
// The counter itself is asked, never read.

import { fromWire, toWire, type WireAttestation } from "../../codec/index.js";
import {
  type Attestation,
  type AttestationKind,
  type Claim,
  type ClaimContext,
  type ClientId,
  comparePositions,
  type Digest,
  type LeaseKeeper,
  type MultiAttestation,
  origin,
  type Position,
  type Protocol,
  type Tagged,
  toHex,
  type TrustedCounter,
} from "../../core/index.js";
import type { Random } from "../random.js";
import { copyOf } from "./mutate.js";

interface Promised {
  readonly attestation: Attestation;
  /** What the counter gave for it, once asked; null if it refused. */
  genuine?: Attestation | null;
}

/** Stands in for the counter inside a lying replica's machine. */
export class Notary implements TrustedCounter {
  readonly instance: number;
  readonly #counter: TrustedCounter;
  readonly #random: Random;
  readonly #positions = new Map<number, Position>();
  readonly #promised = new Map<string, Promised>();

  constructor(counter: TrustedCounter, random: Random) {
    this.instance = counter.instance;
    this.#counter = counter;
    this.#random = random;
  }

  current(counter: number): Position {
    return this.#positions.get(counter) ?? this.#counter.current(counter);
  }

  get leases(): LeaseKeeper | null {
    return this.#counter.leases;
  }

  limit(counter: number): Position {
    return this.#counter.limit(counter);
  }

  independent(counter: number, next: Position, _digest: Digest): Attestation | null {
    return this.#advance("independent", counter, next, origin);
  }

  continuing(counter: number, next: Position, _digest: Digest): Attestation | null {
    return this.#advance("continuing", counter, next, this.current(counter));
  }

  trustedMac(counter: number, _digest: Digest): Attestation | null {
    const current = this.current(counter);
    return this.#promise("trusted-mac", counter, current, current);
  }

  multi(
    kind: MultiAttestation["kind"],
    parts: readonly { readonly counter: number; readonly next: Position }[],
    digest: Digest,
  ): MultiAttestation | null {
    return this.#counter.multi(kind, parts, digest);
  }

  verify(attestation: Attestation, digest: Digest): boolean {
    if (this.#promised.has(toHex(attestation.mac))) return true;
    return this.#counter.verify(attestation, digest);
  }

  verifyMulti(attestation: MultiAttestation, digest: Digest): boolean {
    return this.#counter.verifyMulti(attestation, digest);
  }

  verifyClient(client: ClientId, digest: Digest, mac: Uint8Array): boolean {
    return this.#counter.verifyClient(client, digest, mac);
  }

  resume(attestation: Attestation, digest: Digest): boolean {
    return this.#counter.resume(attestation, digest);
  }

  /**
   * The message with every promised certificate in it replaced by what the counter is ready to
   * give.
   */
  honour(protocol: Protocol, message: Tagged, context: ClaimContext): Tagged {
    let result = message;
    for (let rounds = 0; rounds < 64; rounds++) {
      const copy = copyOf(protocol.messages, result);
      const open = this.#promisesIn(copy);
      for (const { wire, promised } of open) {
        if (promised.genuine != null) Object.assign(wire, toWire(promised.genuine));
      }
      result = copyOf(protocol.messages, copy);
      const next = open
        .filter(({ promised }) => promised.genuine === undefined)
        .sort((a, b) => comparePositions(a.wire.next, b.wire.next))[0];
      if (next === undefined) return result;
      next.promised.genuine = this.#ask(
        next.promised.attestation,
        this.#digestFor(
          protocol.claims(result, this.instance, context),
          next.promised.attestation.mac,
        ),
      );
    }
    return result;
  }

  #advance(
    kind: AttestationKind,
    counter: number,
    next: Position,
    previous: Position,
  ): Attestation | null {
    if (comparePositions(next, this.current(counter)) <= 0) return null;
    if (comparePositions(next, this.limit(counter)) > 0) return null;
    this.#positions.set(counter, { ...next });
    return this.#promise(kind, counter, next, previous);
  }

  #promise(
    kind: AttestationKind,
    counter: number,
    next: Position,
    previous: Position,
  ): Attestation {
    const mac = this.#random.bytes(32);
    const { instance } = this;
    const attestation = { kind, instance, counter, next, previous: { ...previous }, mac };
    this.#promised.set(toHex(mac), { attestation });
    return attestation;
  }

  #promisesIn(value: object): { wire: WireAttestation; promised: Promised }[] {
    if (value instanceof Uint8Array) return [];
    const found = Object.values(value).flatMap((field: unknown) =>
      typeof field === "object" && field !== null ? this.#promisesIn(field) : [],
    );
    if (isWireAttestation(value)) {
      const promised = this.#promised.get(toHex(value.mac));
      if (promised !== undefined) found.push({ wire: value, promised });
    }
    return found;
  }

  #digestFor(claims: readonly Claim[] | null, mac: Uint8Array): Digest | null {
    const key = toHex(mac);
    for (const claim of claims ?? []) {
      if (claim.kind === "attestation" && toHex(claim.attestation.mac) === key) return claim.digest;
    }
    return null;
  }

  #ask({ kind, counter, next }: Attestation, digest: Digest | null): Attestation | null {
    if (digest === null) return null;
    switch (kind) {
      case "independent":
        return this.#counter.independent(counter, next, digest);
      case "continuing":
        return this.#counter.continuing(counter, next, digest);
      case "trusted-mac":
        return this.#counter.trustedMac(counter, digest);
    }
  }
}

function isWireAttestation(value: object): value is WireAttestation {
  if (!("mac" in value && "instance" in value && "next" in value && "type" in value)) return false;
  return value.mac instanceof Uint8Array && fromWire(value as WireAttestation) !== null;
}
