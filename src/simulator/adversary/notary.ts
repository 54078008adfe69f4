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
  equalBytes,
  type LeaseKeeper,
  type MultiAttestation,
  origin,
  type Position,
  type Protocol,
  type Tagged,
  type TrustedCounter,
} from "../../core/index.js";
import type { Random } from "../random.js";
import { asking, Substitutes } from "./substitutes.js";

interface Promised {
  readonly attestation: Attestation;
  /** What the counter gave for it, once asked; null if it refused. */
  genuine?: WireAttestation | null;
}

/** Promises by their invented MACs: random bytes, of which a few tell them apart. */
class Promises {
  readonly #byKey = new Map<number, Promised>();

  add(promised: Promised): void {
    this.#byKey.set(keyOf(promised.attestation.mac), promised);
  }

  get(mac: Uint8Array): Promised | undefined {
    const promised = this.#byKey.get(keyOf(mac));
    return promised && equalBytes(promised.attestation.mac, mac) ? promised : undefined;
  }
}

function keyOf(mac: Uint8Array): number {
  let key = 0;
  for (let i = 0; i < 6; i++) key = key * 256 + (mac[i] ?? 0);
  return key;
}

/** Stands in for the counter inside a lying replica's machine. */
export class Notary implements TrustedCounter {
  readonly instance: number;
  readonly #counter: TrustedCounter;
  readonly #random: Random;
  readonly #promises: Promises;
  readonly #positions = new Map<number, Position>();
  /** Where counters stand that were not asked for anything here: null is where they really do. */
  readonly #start: Position | null;
  /** What else to ask for where the counter refuses; null: nothing. */
  #substitutes: Substitutes | null = null;

  constructor(counter: TrustedCounter, random: Random, elder?: Notary) {
    this.instance = counter.instance;
    this.#counter = counter;
    this.#random = random;
    this.#promises = elder === undefined ? new Promises() : elder.#promises;
    this.#start = elder === undefined ? null : origin;
  }

  /** From now on, puts the next best certificate where the counter refuses the right one. */
  insist(): void {
    this.#substitutes ??= new Substitutes(this.#counter, this.#random);
  }

  /**
   * For another machine of the same counter that believes it has the counter to itself: either
   * notary honours the promises of both, and the counter certifies what it is asked first.
   */
  sibling(): Notary {
    return new Notary(this.#counter, this.#random, this);
  }

  current(counter: number): Position {
    return this.#positions.get(counter) ?? this.#start ?? this.#counter.current(counter);
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
    if (this.#promises.get(attestation.mac) !== undefined) return true;
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
   * give. It shares with the message what did not change.
   */
  honour(protocol: Protocol, message: Tagged, context: ClaimContext): Tagged {
    const open = this.#promisesIn(message, []);
    if (open.length === 0) return message;
    // The lower first: what is certified later is over the certificates inside it.
    open.sort((a, b) => comparePositions(a.attestation.next, b.attestation.next));
    for (const promised of open) {
      if (promised.genuine !== undefined) continue;
      promised.genuine = this.#certificateFor(promised, protocol, message, context);
    }
    return this.redeemed(message);
  }

  #certificateFor(
    promised: Promised,
    protocol: Protocol,
    message: Tagged,
    context: ClaimContext,
  ): WireAttestation | null {
    const { attestation } = promised;
    const digestAs = (wire: WireAttestation): Digest | null => {
      promised.genuine = wire;
      const claims = protocol.claims(this.redeemed(message), this.instance, context);
      return digestFor(claims, attestation.mac);
    };
    const asked = toWire(attestation);
    const given =
      this.#substitutes?.preferred(attestation, digestAs) ??
      asking(this.#counter, attestation, digestAs(asked)) ??
      this.#substitutes?.any(attestation, digestAs) ??
      null;
    return given && toWire(given);
  }

  /** A promise, in this counter's name, of a certificate like that one, whatever came before. */
  pledged(wire: WireAttestation): WireAttestation {
    const { kind, counter, next } = fromWire(wire)!;
    const current = this.#counter.current(counter);
    switch (kind) {
      case "independent":
        return toWire(this.#promise(kind, counter, next, origin));
      case "continuing":
        return toWire(this.#promise(kind, counter, next, current));
      case "trusted-mac":
        return toWire(this.#promise(kind, counter, current, current));
    }
  }

  /** The value with those certificates in place of their promises that the counter already gave. */
  redeemed<T extends object>(value: T): T {
    return replaced(value, (wire) => this.#promises.get(wire.mac)?.genuine ?? wire);
  }

  /**
   * The message with a new promise in place of each that does not move a counter: of those the
   * counter certifies as many different ones as it is asked for.
   */
  renewed<M extends object>(message: M): M {
    return replaced(message, (wire) => {
      const promised = this.#promises.get(wire.mac);
      if (promised?.attestation.kind !== "trusted-mac") return wire;
      return toWire(this.trustedMac(promised.attestation.counter, wire.mac)!);
    });
  }

  /** Whether a certificate of some kind is promised in a message and not given yet. */
  hasOpen(message: Tagged, kind: AttestationKind): boolean {
    return this.#promisesIn(message, []).some(
      ({ genuine, attestation }) => genuine === undefined && attestation.kind === kind,
    );
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
    this.#promises.add({ attestation });
    return attestation;
  }

  #promisesIn(value: object, found: Promised[]): Promised[] {
    if (isWireAttestation(value)) {
      const promised = this.#promises.get(value.mac);
      if (promised !== undefined) found.push(promised);
      return found;
    }
    for (const field of Object.values(value)) {
      if (isComposite(field)) this.#promisesIn(field, found);
    }
    return found;
  }
}

function digestFor(claims: readonly Claim[] | null, mac: Uint8Array): Digest | null {
  for (const claim of claims ?? []) {
    if (claim.kind === "attestation" && equalBytes(claim.attestation.mac, mac)) return claim.digest;
  }
  return null;
}

/** The value with other certificates in it; itself where nothing changes. */
function replaced<T extends object>(value: T, by: (wire: WireAttestation) => WireAttestation): T {
  if (isWireAttestation(value)) return by(value) as T & WireAttestation;
  let copy: T | null = null;
  for (const [name, field] of Object.entries(value)) {
    if (!isComposite(field)) continue;
    const other = replaced(field, by);
    if (other === field) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as T;
    (copy as Record<string, unknown>)[name] = other;
  }
  return copy ?? value;
}

const isComposite = (field: unknown): field is object =>
  typeof field === "object" && field !== null && !(field instanceof Uint8Array);

/** Whether a value in a message is a certificate, by its shape. */
export function isWireAttestation(value: object): value is WireAttestation {
  if (!("mac" in value && "instance" in value && "next" in value && "type" in value)) return false;
  return value.mac instanceof Uint8Array && fromWire(value as WireAttestation) !== null;
}
