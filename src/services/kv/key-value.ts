// The key-value service: byte strings by key, in pages chosen by a hash of the key, and an ordered
// index.

import sortedBtree from "sorted-btree";
import {
  type Access,
  assert,
  equalBytes,
  type Hash,
  type Mark,
  type Page,
  type Service,
} from "../../core/index.js";
import { readCounter, writeCounter } from "./counter.js";
import { type Entry, EntryPage } from "./entry-page.js";
import { fromLatin1, toLatin1 } from "./latin1.js";
import {
  entryBytes,
  type KeyValueEntry,
  keyValueLimits,
  type Outcome,
  readRequest,
  type Request,
  writeOutcome,
} from "./operations.js";
import { UndoJournal } from "./undo-journal.js";

/** sorted-btree is a CommonJS module: its default export is a property of ours. */
const { default: SortedTree, simpleComparator } = sortedBtree;
type SortedKeys = sortedBtree.default<string, undefined>;

/** So many that few entries share a page. */
const defaultPageCount = 4096;

/**
 * The key-value service, empty, its state cut into that many pages (a power of two). operations.ts
 * says what it does.
 */
export function createKeyValue(hash: Hash, pageCount = defaultPageCount): Service {
  return new KeyValue(hash, pageCount);
}

class KeyValue implements Service {
  readonly order = "partial";
  readonly #hash: Hash;
  #pages: EntryPage[];
  /** The pages written since the last image. */
  #written: EntryPage[] = [];
  /** All keys, in their order. */
  #keys: SortedKeys = emptyKeys();
  readonly #journal = new UndoJournal<{ key: string; previous: Entry | undefined }>();

  constructor(hash: Hash, pageCount: number) {
    this.#hash = hash;
    this.#pages = Array(pageCount).fill(new EntryPage(hash, []).freeze());
  }

  apply(operation: Uint8Array): Uint8Array {
    const request = readRequest(operation);
    return writeOutcome(request === null ? { kind: "malformed" } : this.#execute(request));
  }

  #execute(request: Request): Outcome {
    if (request.kind === "range") return this.#range(request);
    const key = toLatin1(request.key);
    switch (request.kind) {
      case "get":
        return this.#outcomeOf(key);
      case "put":
        return this.#put(key, request.value);
      case "delete":
        return this.#delete(key);
      case "create":
        return this.#find(key) === undefined ? this.#put(key, request.value) : this.#outcomeOf(key);
      case "swap":
        return this.#swap(key, request.expected, request.value);
      case "add":
        return this.#add(key, request.amount);
      case "append":
        return this.#append(key, request.value);
    }
  }

  #outcomeOf(key: string): Outcome {
    const value = this.#find(key);
    return value === undefined ? { kind: "absent" } : { kind: "value", value };
  }

  /** A value may be part of a request until the next checkpoint digests it: see entry-page.ts. */
  #put(key: string, value: Uint8Array): Outcome {
    this.#journal.record({ key, previous: this.#replace(key, { key, value, digest: null }) });
    return { kind: "done" };
  }

  #delete(key: string): Outcome {
    if (this.#find(key) === undefined) return { kind: "absent" };
    this.#journal.record({ key, previous: this.#replace(key, undefined) });
    return { kind: "done" };
  }

  #swap(key: string, expected: Uint8Array, value: Uint8Array): Outcome {
    const current = this.#find(key);
    const equal = current !== undefined && equalBytes(current, expected);
    return equal ? this.#put(key, value) : this.#outcomeOf(key);
  }

  #add(key: string, amountText: Uint8Array): Outcome {
    const amount = readCounter(amountText);
    if (amount === null) return { kind: "malformed" };
    const current = this.#find(key);
    const before = current === undefined ? 0n : readCounter(current);
    if (before === null) return { kind: "not-a-counter" };
    return this.#put(key, writeCounter(before + amount));
  }

  #append(key: string, suffix: Uint8Array): Outcome {
    const current = this.#find(key) ?? new Uint8Array(0);
    const length = current.length + suffix.length;
    if (length > keyValueLimits.valueBytes) return { kind: "too-long" };
    const value = new Uint8Array(length);
    value.set(current);
    value.set(suffix, current.length);
    return this.#put(key, value);
  }

  #range({ prefix: prefixBytes, after: afterBytes, limit }: RangeRequest): Outcome {
    const prefix = toLatin1(prefixBytes);
    const after = toLatin1(afterBytes);
    const entries: KeyValueEntry[] = [];
    let bytes = 0;
    for (const key of this.#keys.keys(after > prefix ? after : prefix)) {
      if (!key.startsWith(prefix)) break;
      if (key === after) continue;
      const entry = { key: fromLatin1(key), value: this.#find(key)! };
      bytes += entryBytes(entry);
      const full = bytes > keyValueLimits.rangeBytes && entries.length > 0;
      if (full || entries.length >= Math.min(limit, keyValueLimits.rangeEntries)) {
        return { kind: "entries", entries, more: true };
      }
      entries.push(entry);
    }
    return { kind: "entries", entries, more: false };
  }

  #find(key: string): Uint8Array | undefined {
    return this.#pages[this.#pageOf(key)]!.get(key)?.value;
  }

  /** Puts an entry in the place of the key's entry, or removes it, and returns what stood there. */
  #replace(key: string, entry: Entry | undefined): Entry | undefined {
    const index = this.#pageOf(key);
    let page = this.#pages[index]!;
    if (page.frozen) {
      page = page.thawed();
      this.#pages[index] = page;
      this.#written.push(page);
    }
    const previous = page.replace(key, entry);
    if (entry === undefined) this.#keys.delete(key);
    else if (previous === undefined) this.#keys.set(key, undefined);
    return previous;
  }

  /**
   * A name is "=" and a key. Ranges read "^" and the first byte of their prefix, or only "^" if it
   * is empty; whatever may change a key adds to both. So a range interferes with every change under
   * its prefix, and changes of different keys do not interfere.
   */
  footprint(operation: Uint8Array, touch: (name: string, access: Access) => void): void {
    const request = readRequest(operation);
    if (request === null) return;
    if (request.kind === "range") {
      touch(`^${toLatin1(request.prefix.subarray(0, 1))}`, "read");
      return;
    }
    const key = toLatin1(request.key);
    if (request.kind === "get") {
      touch(`=${key}`, "read");
      return;
    }
    touch(`=${key}`, request.kind === "add" ? "add" : "write");
    touch("^", "add");
    touch(`^${key[0]}`, "add");
  }

  mark(): Mark {
    return this.#journal.mark();
  }

  rewind(to: Mark): void {
    for (const { key, previous } of this.#journal.take(to)) this.#replace(key, previous);
  }

  settle(upTo: Mark): void {
    this.#journal.settle(upTo);
  }

  pages(): readonly Page[] {
    for (const page of this.#written) page.freeze();
    this.#written = [];
    return this.#pages.slice();
  }

  /** FNV-1a. */
  #pageOf(key: string): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
    return (hash ^ (hash >>> 16)) & (this.#pages.length - 1);
  }

  readPage(bytes: Uint8Array): Page | null {
    return EntryPage.read(this.#hash, bytes);
  }

  restore(pages: readonly Page[]): void {
    assert(pages.length === this.#pages.length, `${pages.length} pages are no key-value state`);
    const keys: string[] = [];
    this.#pages = pages.map((page, index) => {
      assert(page instanceof EntryPage && page.frozen, "a page of another service");
      for (const { key } of page.entries) {
        assert(
          this.#pageOf(key) === index,
          `page ${index} holds a key of page ${this.#pageOf(key)}`,
        );
        keys.push(key);
      }
      return page;
    });
    this.#written = [];
    this.#keys = emptyKeys();
    for (const key of keys.sort()) this.#keys.set(key, undefined);
    this.#journal.clear();
  }
}

type RangeRequest = Extract<Request, { kind: "range" }>;

const emptyKeys = (): SortedKeys => new SortedTree<string, undefined>(undefined, simpleComparator);
