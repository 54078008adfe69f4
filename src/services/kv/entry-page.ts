// One page of the key-value service's state: entries sorted by key, copied when written after an
// image, with their values side by side in one piece of memory.

import { byteList, container, decodeWith, encodeWith, list } from "../../codec/index.js";
import type { Digest, Hash, Page } from "../../core/index.js";
import { fromLatin1, toLatin1 } from "./latin1.js";
import { keyValueLimits } from "./operations.js";

/** A key, as latin1 text, with its value. Never changed, only replaced. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Computed when first needed: an image costs hashing of what was written since the last one. */
  digest: Digest | null;
}

/**
 * Memory that values are appended to. A page and its thawed copies share one: it only grows, so what
 * a frozen page refers to stays.
 */
interface ValueLog {
  readonly bytes: Uint8Array;
  used: number;
}

const emptyLog = (capacity: number): ValueLog => ({ bytes: new Uint8Array(capacity), used: 0 });

/** A full log is replaced by one with room for its page's values and this much more of them. */
const slack = 0.5;

/** A page of `pageBytesMax` (core/limits.ts) holds fewer. */
const pageEntriesMax = 2 ** 23;

const schema = list(
  container({ key: byteList(keyValueLimits.keyBytes), value: byteList(keyValueLimits.valueBytes) }),
  pageEntriesMax,
);

export class EntryPage implements Page {
  readonly #hash: Hash;
  /** Strictly ascending by key. */
  readonly #entries: Entry[];
  #log: ValueLog;
  /** The length of all values. */
  #valueBytes: number;
  #frozen = false;
  #digest: Digest | null = null;

  private constructor(hash: Hash, entries: Entry[], log: ValueLog, valueBytes: number) {
    this.#hash = hash;
    this.#entries = entries;
    this.#log = log;
    this.#valueBytes = valueBytes;
  }

  /** The page without entries, frozen. */
  static empty(hash: Hash): EntryPage {
    return new EntryPage(hash, [], emptyLog(0), 0).freeze();
  }

  /** Null if the bytes are not those of a page. Shares no memory with them. */
  static read(hash: Hash, bytes: Uint8Array): EntryPage | null {
    const values = decodeWith(schema, bytes);
    if (values === null) return null;
    const page = EntryPage.empty(hash).thawed();
    page.#moveValues(bytes.length);
    let last = "";
    for (const { key: keyBytes, value } of values) {
      const key = toLatin1(keyBytes);
      if (key <= last) return null;
      page.put(key, value);
      last = key;
    }
    return page.freeze();
  }

  /** From now on the page never changes. */
  freeze(): this {
    this.#frozen = true;
    return this;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** A copy that may change. */
  thawed(): EntryPage {
    return new EntryPage(this.#hash, this.#entries.slice(), this.#log, this.#valueBytes);
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get(key: string): Entry | undefined {
    const entry = this.#entries[this.#position(key)];
    return entry?.key === key ? entry : undefined;
  }

  /** Sets a key's value to a copy of these bytes, and returns the entry that stood there. */
  put(key: string, value: Uint8Array): Entry | undefined {
    if (this.#log.used + value.length > this.#log.bytes.length) this.#moveValues(value.length);
    const entry = { key, value: this.#keep(value), digest: null };
    this.#valueBytes += value.length;
    const position = this.#position(key);
    const previous = this.#entries[position];
    if (previous?.key === key) {
      this.#entries[position] = entry;
      this.#valueBytes -= previous.value.length;
      return previous;
    }
    this.#entries.splice(position, 0, entry);
    return undefined;
  }

  /** Removes a key's entry, and returns it. */
  delete(key: string): Entry | undefined {
    const entry = this.get(key);
    if (entry === undefined) return undefined;
    this.#entries.splice(this.#position(key), 1);
    this.#valueBytes -= entry.value.length;
    return entry;
  }

  /** Appends to the log, which has room. */
  #keep(value: Uint8Array): Uint8Array {
    const { bytes, used } = this.#log;
    bytes.set(value, used);
    this.#log.used = used + value.length;
    return bytes.subarray(used, this.#log.used);
  }

  /** Moves all values to a new log, with room for these bytes at least. */
  #moveValues(roomBytes: number): void {
    const room = Math.max(roomBytes, Math.ceil(this.#valueBytes * slack));
    this.#log = emptyLog(this.#valueBytes + room);
    this.#entries.forEach(({ key, value, digest }, index) => {
      this.#entries[index] = { key, value: this.#keep(value), digest };
    });
  }

  /** Where the first key stands that is not below this one. */
  #position(key: string): number {
    const entries = this.#entries;
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (entries[middle]!.key < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Over the digests of the entries. */
  get digest(): Digest {
    this.#digest ??= this.#computeDigest();
    return this.#digest;
  }

  #computeDigest(): Digest {
    const digests = new Uint8Array(32 * this.#entries.length);
    this.#entries.forEach((entry, index) => {
      entry.digest ??= this.#hash(entryInput(entry));
      digests.set(entry.digest, 32 * index);
    });
    return this.#hash(digests);
  }

  bytes(): Uint8Array {
    return encodeWith(
      schema,
      this.#entries.map(({ key, value }) => ({ key: fromLatin1(key), value })),
    );
  }
}

/** The key's length in two bytes, the key, the value. */
function entryInput({ key, value }: Entry): Uint8Array {
  const input = new Uint8Array(2 + key.length + value.length);
  input[0] = key.length & 0xff;
  input[1] = key.length >>> 8;
  for (let i = 0; i < key.length; i++) input[2 + i] = key.charCodeAt(i);
  input.set(value, 2 + key.length);
  return input;
}
