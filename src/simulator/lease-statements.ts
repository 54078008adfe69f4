// What trusted instances say to each other about leases, as bytes: decision 0008 gives the layout,
// and the trusted module uses the same.

import type { Position } from "../core/index.js";

/** Counters of one instance that may be leased, as many as the trusted module has. */
export const leasedCounters = 8;

/** One life of an instance. Later lives have higher epochs; the nonce is drawn anew for each. */
export interface Boot {
  readonly epoch: number;
  /** 16 bytes. */
  readonly nonce: Uint8Array;
}

/** Below every life there is: nothing is known. */
export const noBoot: Boot = { epoch: 0, nonce: new Uint8Array(16) };

/** Negative, zero or positive as `a` is below, equal to or above `b`. */
export function compareBoots(a: Boot, b: Boot): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  for (let i = 0; i < 16; i++) {
    if (a.nonce[i] !== b.nonce[i]) return a.nonce[i]! - b.nonce[i]!;
  }
  return 0;
}

/** What one instance has recorded of another: its latest life known, and how far it may certify. */
export interface Row {
  readonly boot: Boot;
  /** Of each counter. */
  readonly limits: readonly Position[];
}

interface Envelope {
  readonly from: number;
  readonly boot: Boot;
}

/** To every other instance. */
export type Question =
  | (Envelope & { readonly kind: "probe" | "claim" })
  | (Envelope & { readonly kind: "ask"; readonly counter: number; readonly limit: Position });

interface Addressed extends Envelope {
  readonly to: number;
  readonly toBoot: Boot;
}

/** To the life that asked. */
export type Answer =
  | (Addressed & { readonly kind: "report"; readonly epoch: number })
  | (Addressed & { readonly kind: "accept"; readonly table: readonly Row[] })
  | (Addressed & {
      readonly kind: "grant";
      readonly counter: number;
      readonly limit: Position;
      readonly boots: readonly Boot[];
    });

export type Statement = Question | Answer;

/** A statement's first byte. */
const kinds = ["probe", "report", "claim", "accept", "ask", "grant"] as const;

const bootBytes = 24;
const positionBytes = 16;
const envelopeBytes = 1 + 2 + bootBytes;
const addressBytes = 2 + bootBytes;
export const sealBytes = 32;

const payloadBytes = (kind: Statement["kind"], n: number): number => {
  switch (kind) {
    case "probe":
    case "claim":
      return 0;
    case "ask":
      return 1 + positionBytes;
    case "report":
      return addressBytes + 8;
    case "accept":
      return addressBytes + n * (bootBytes + leasedCounters * positionBytes);
    case "grant":
      return addressBytes + 1 + positionBytes + n * bootBytes;
  }
};

/** The bytes of a statement, the last 32 of them left for its MAC. */
export function encodeStatement(statement: Statement, n: number): Uint8Array {
  const { kind, from, boot } = statement;
  const bytes = new Uint8Array(envelopeBytes + payloadBytes(kind, n) + sealBytes);
  const writer = new Writer(bytes);
  writer.byte(kinds.indexOf(kind));
  writer.half(from);
  writer.boot(boot);
  if ("to" in statement) {
    writer.half(statement.to);
    writer.boot(statement.toBoot);
  }
  if (statement.kind === "report") writer.number(statement.epoch);
  if (statement.kind === "ask" || statement.kind === "grant") {
    writer.byte(statement.counter);
    writer.position(statement.limit);
  }
  if (statement.kind === "grant") for (const known of statement.boots) writer.boot(known);
  if (statement.kind === "accept") {
    for (const row of statement.table) {
      writer.boot(row.boot);
      for (const limit of row.limits) writer.position(limit);
    }
  }
  return bytes;
}

/** The statement in bytes whose MAC is genuine; null if they are none of a group of n. */
export function decodeStatement(bytes: Uint8Array, n: number): Statement | null {
  const kind = kinds[bytes[0] ?? 255];
  if (kind === undefined) return null;
  if (bytes.length !== envelopeBytes + payloadBytes(kind, n) + sealBytes) return null;
  const reader = new Reader(bytes);
  const envelope = { from: reader.half(), boot: reader.boot() };
  if (kind === "probe" || kind === "claim") return { ...envelope, kind };
  if (kind === "ask") {
    return { ...envelope, kind, counter: reader.byte(), limit: reader.position() };
  }
  const address = { ...envelope, to: reader.half(), toBoot: reader.boot() };
  switch (kind) {
    case "report":
      return { ...address, kind, epoch: reader.number() };
    case "accept": {
      const table = Array.from({ length: n }, () => ({
        boot: reader.boot(),
        limits: Array.from({ length: leasedCounters }, () => reader.position()),
      }));
      return { ...address, kind, table };
    }
    case "grant": {
      const granted = { counter: reader.byte(), limit: reader.position() };
      const boots = Array.from({ length: n }, () => reader.boot());
      return { ...address, kind, ...granted, boots };
    }
  }
}

class Writer {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  byte(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  half(value: number): void {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
  }

  /** A whole number below 2^53. */
  number(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#view.setUint32(this.#at + 4, Math.floor(value / 2 ** 32), true);
    this.#at += 8;
  }

  position({ view, order }: Position): void {
    this.number(view);
    this.number(order);
  }

  boot({ epoch, nonce }: Boot): void {
    this.number(epoch);
    this.#bytes.set(nonce, this.#at);
    this.#at += 16;
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  byte(): number {
    return this.#bytes[this.#at++]!;
  }

  half(): number {
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2, true);
  }

  number(): number {
    this.#at += 8;
    const low = this.#view.getUint32(this.#at - 8, true);
    return low + this.#view.getUint32(this.#at - 4, true) * 2 ** 32;
  }

  position(): Position {
    return { view: this.number(), order: this.number() };
  }

  boot(): Boot {
    const epoch = this.number();
    this.#at += 16;
    return { epoch, nonce: this.#bytes.slice(this.#at - 16, this.#at) };
  }
}
