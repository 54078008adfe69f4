// One page of the key-value service's state: entries sorted by key; copied when written after an
// image.

import { byteList, container, decodeWith, encodeWith, list } from "../../codec/index.js";
import type { Digest, Hash, Page } from "../../core/index.js";
import { fromLatin1, toLatin1 } from "./latin1.js";
import { keyValueLimits } from "./operations.js";

/** A key, as latin1 text, with its value; never changed, only moved to other memory. */
export interface Entry {
  readonly key: string;
  value: Uint8Array;
  /** Computed when first needed: an image costs hashing of what was written since the last one. */
  digest: Digest | null;
}

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
  #frozen = false;
  #digest: Digest | null = null;

  constructor(hash: Hash, entries: Entry[]) {
    this.#hash = hash;
    this.#entries = entries;
  }

  /** Null if the bytes are not those of a page. Shares no memory with them. */
  static read(hash: Hash, bytes: Uint8Array): EntryPage | null {
    const values = decodeWith(schema, bytes);
    if (values === null) return null;
    const entries: Entry[] = [];
    let last = "";
    for (const { key: keyBytes, value } of values) {
      const key = toLatin1(keyBytes);
      if (key <= last) return null;
      entries.push({ key, value: value.slice(), digest: null });
      last = key;
    }
    return new EntryPage(hash, entries).freeze();
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
    return new EntryPage(this.#hash, this.#entries.slice());
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get(key: string): Entry | undefined {
    const entry = this.#entries[this.#position(key)];
    return entry?.key === key ? entry : undefined;
  }

  /** Puts `entry` in the place of the entry of that key, and returns the one that stood there. */
  replace(key: string, entry: Entry | undefined): Entry | undefined {
    const position = this.#position(key);
    const previous = this.#entries[position];
    if (previous?.key === key) {
      if (entry === undefined) this.#entries.splice(position, 1);
      else this.#entries[position] = entry;
      return previous;
    }
    if (entry !== undefined) this.#entries.splice(position, 0, entry);
    return undefined;
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
      entry.digest ??= this.#settle(entry);
      digests.set(entry.digest, 32 * index);
    });
    return this.#hash(digests);
  }

  /**
   * The digest of an entry: of its key's length in two bytes, its key and its value. They are put
   * together in memory of their own, which from now on holds the value, instead of the request that
   * it came in.
   */
  #settle(entry: Entry): Digest {
    const { key, value } = entry;
    const input = new Uint8Array(2 + key.length + value.length);
    input[0] = key.length & 0xff;
    input[1] = key.length >>> 8;
    for (let i = 0; i < key.length; i++) input[2 + i] = key.charCodeAt(i);
    input.set(value, 2 + key.length);
    entry.value = input.subarray(2 + key.length);
    return new Uint8Array(this.#hash(input)); // a copy: native hashes stand outside the heap
  }

  bytes(): Uint8Array {
    return encodeWith(
      schema,
      this.#entries.map(({ key, value }) => ({ key: fromLatin1(key), value })),
    );
  }
}
