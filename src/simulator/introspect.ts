// Reads the state of a machine from outside: a fingerprint by which two equal states are known, and
// how large a state is. It walks plain data: Maps, Sets, arrays, bytes, objects, instances of
// classes.

import { UsageError } from "../core/index.js";

/** What a walk meets, as the words of a fingerprint tell it. */
const tags = {
  nothing: 1,
  empty: 2,
  no: 3,
  yes: 4,
  integer: 5,
  number: 6,
  text: 7,
  bytes: 8,
  list: 9,
  map: 10,
  set: 11,
  object: 12,
  again: 13,
  opaque: 14,
  code: 15,
} as const;

/** Lanes of a fingerprint before anything is mixed in. */
const seeds = [0x6a09e667, 0x3c6ef372, 0x510e527f, 0x1f83d9ab] as const;

const asFloat = new Float64Array(1);
const asWords = new Int32Array(asFloat.buffer);

/**
 * Fingerprints of 128 bits: of n different states, two share one with a probability of about
 * n² / 2^129, a million of them with less than 10^-26.
 *
 * Two states have one fingerprint if they hold equal values in the same order, with the same
 * sharing: an object met a second time is told by where it was met first, since a machine may
 * change it through either. Functions are skipped. So is what is declared opaque, which the caller
 * must mix in if it may differ. Fingerprints of one Fingerprinter can be compared with each other
 * only.
 */
export class Fingerprinter {
  #words = new Int32Array(1024);
  #length = 0;
  readonly #seen = new Map<object, number>();
  readonly #names = new Map<string, number>();

  /** The fingerprint of a value, and of the extra words, as eight characters. */
  of(value: unknown, opaque: ReadonlySet<object>, extra: readonly number[] = []): string {
    this.#length = 0;
    this.#seen.clear();
    for (const word of extra) this.#put(word);
    this.#walk(value, opaque);
    return this.#mixed();
  }

  #put(word: number): void {
    if (this.#length === this.#words.length) {
      const larger = new Int32Array(2 * this.#length);
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words[this.#length++] = word;
  }

  #walk(value: unknown, opaque: ReadonlySet<object>): void {
    switch (typeof value) {
      case "number":
        return this.#number(value);
      case "string":
        return this.#text(value);
      case "boolean":
        return this.#put(value ? tags.yes : tags.no);
      case "undefined":
        return this.#put(tags.nothing);
      case "object":
        return value === null ? this.#put(tags.empty) : this.#object(value, opaque);
      case "bigint":
      case "symbol":
        return this.#text(String(value));
      case "function":
        return this.#put(tags.code);
    }
  }

  #number(value: number): void {
    if (value === (value | 0)) {
      this.#put(tags.integer);
      this.#put(value | 0);
      return;
    }
    asFloat[0] = value;
    this.#put(tags.number);
    this.#put(asWords[0]!);
    this.#put(asWords[1]!);
  }

  #text(value: string): void {
    this.#put(tags.text);
    this.#put(this.#name(value));
  }

  /** A number for a text, the same for ever in this Fingerprinter. */
  #name(text: string): number {
    let name = this.#names.get(text);
    if (name === undefined) this.#names.set(text, (name = this.#names.size));
    return name;
  }

  #object(value: object, opaque: ReadonlySet<object>): void {
    if (value instanceof Uint8Array) return this.#bytes(value);
    if (opaque.has(value)) return this.#put(tags.opaque);
    const before = this.#seen.get(value);
    if (before !== undefined) {
      this.#put(tags.again);
      return this.#put(before);
    }
    this.#seen.set(value, this.#seen.size);
    if (Array.isArray(value)) {
      this.#put(tags.list);
      this.#put(value.length);
      for (const item of value) this.#walk(item, opaque);
    } else if (value instanceof Map) {
      this.#put(tags.map);
      this.#put(value.size);
      for (const [key, item] of value) {
        this.#walk(key, opaque);
        this.#walk(item, opaque);
      }
    } else if (value instanceof Set) {
      this.#put(tags.set);
      this.#put(value.size);
      for (const item of value) this.#walk(item, opaque);
    } else {
      this.#fields(value, opaque);
    }
  }

  #fields(value: object, opaque: ReadonlySet<object>): void {
    refuseHidden(value);
    this.#put(tags.object);
    this.#put(this.#name(value.constructor?.name ?? ""));
    const memos = memosOf(value);
    for (const name in value) {
      if (memos.has(name) || !Object.hasOwn(value, name)) continue;
      this.#put(this.#name(name));
      this.#walk((value as Record<string, unknown>)[name], opaque);
    }
    this.#put(0);
  }

  /** Bytes are values: nothing here is told apart by where its bytes lie. */
  #bytes(bytes: Uint8Array): void {
    this.#put(tags.bytes);
    this.#put(bytes.length);
    for (let i = 0; i < bytes.length; i += 4) {
      this.#put(
        bytes[i]! |
          ((bytes[i + 1] ?? 0) << 8) |
          ((bytes[i + 2] ?? 0) << 16) |
          ((bytes[i + 3] ?? 0) << 24),
      );
    }
  }

  #mixed(): string {
    let [a, b, c, d]: [number, number, number, number] = [...seeds];
    const words = this.#words;
    for (let i = 0; i < this.#length; i++) {
      const word = words[i]!;
      a = b ^ Math.imul(a ^ word, 0x239b961b);
      b = c ^ Math.imul(b ^ word, 0xab0e9789);
      c = d ^ Math.imul(c ^ word, 0x38b34ae5);
      d = a ^ Math.imul(d ^ word, 0xa1e38b93);
    }
    const lanes = [a, b, c, d].map((lane, index) => finished(lane ^ this.#length, index));
    return String.fromCharCode(...lanes.flatMap((lane) => [lane >>> 16, lane & 0xffff]));
  }
}

/** Spreads the last words put in over a whole lane. */
function finished(lane: number, index: number): number {
  let mixed = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b + 2 * index);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

const none: ReadonlySet<string> = new Set();
const requestMemos: ReadonlySet<string> = new Set(["digest", "bundle"]);

/** What a request remembers of its own bytes (codec/bundle.ts) says nothing new. */
function memosOf(value: object): ReadonlySet<string> {
  const { body, authenticator } = value as { body?: unknown; authenticator?: unknown };
  const isRequest = body instanceof Uint8Array && authenticator instanceof Uint8Array;
  return isRequest ? requestMemos : none;
}

/** Classes that were looked at. */
const readable = new Set<unknown>([Object]);

/**
 * A state in `#fields` cannot be read from outside: to take two such states for equal would be
 * wrong.
 * @throws UsageError `STATE_HIDDEN`
 */
function refuseHidden(value: object): void {
  const { constructor } = value;
  if (readable.has(constructor)) return;
  if (typeof constructor === "function" && /[\s;{}]#\w+\s*[=;(]/.test(String(constructor))) {
    throw new UsageError(
      "STATE_HIDDEN",
      `the state of ${constructor.name} is in #fields, which nothing can read from outside: ` +
        "use TypeScript's private fields in machines that are to be explored",
      { name: constructor.name },
    );
  }
  readable.add(constructor);
}

/** How much there is in a state. */
export interface Size {
  /** Entries of all Maps, Sets and arrays. */
  readonly elements: number;
  /** Of byte strings and texts. */
  readonly bytes: number;
}

/**
 * The elements and bytes in all containers that can be reached from a machine, each counted once:
 * what grows without bound shows here. Cheap: one visit an object, nothing is copied. `opaque` is
 * neither counted nor entered.
 */
export function sizeOf(machine: object, opaque: ReadonlySet<object> = new Set()): Size {
  let elements = 0;
  let bytes = 0;
  const seen = new Set<object>();
  const waiting: unknown[] = [machine];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === "string") bytes += value.length;
    if (typeof value !== "object" || value === null) continue;
    if (seen.has(value) || opaque.has(value)) continue;
    seen.add(value);
    if (ArrayBuffer.isView(value)) bytes += value.byteLength;
    else if (Array.isArray(value)) {
      elements += value.length;
      for (const item of value) waiting.push(item);
    } else if (value instanceof Map) {
      elements += value.size;
      for (const [key, item] of value) waiting.push(key, item);
    } else if (value instanceof Set) {
      elements += value.size;
      for (const item of value) waiting.push(item);
    } else {
      for (const item of Object.values(value)) waiting.push(item);
    }
  }
  return { elements, bytes };
}
