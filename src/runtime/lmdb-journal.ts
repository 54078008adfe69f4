// The journal on disk, in LMDB: groups of records under increasing numbers, and the last saved
// state in pages.
//
// Durability: with `overlappingSync: false` LMDB syncs its file before a transaction's promise
// resolves, one
// fdatasync a transaction; so one sync serves a whole group (docs/decisions/0004-journal.md has
// the figures).

import { existsSync, mkdirSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { type Key, open, type RootDatabase } from "lmdb";
import {
  bytes32,
  container,
  decodeWith,
  encodeWith,
  list,
  uint32,
  uint53,
  type ValueOf,
} from "../codec/index.js";
import {
  type Codec,
  equalBytes,
  type SavedImage as Image,
  type StateImage,
  type Tagged,
  UsageError,
} from "../core/index.js";
import { type Journal, type Recovered, StorageFailure } from "./journal.js";
import { compactAfterBytes, compactionSliceBytes, compactionSliceEntries } from "./limits.js";
import { checksum, contentOf, RecordGroup, recordsOf, withChecksum } from "./record-group.js";

const pagesMax = 1 << 20;

/**
 * Describes the saved state. A save writes its new pages first, under keys of its own, and this
 * entry last.
 */
const imageSchema = container({
  /** Of the save; part of the keys of the pages it wrote. */
  generation: uint53,
  order: uint53,
  /** Records from this place on are newer than the image; those it retained stand apart. */
  firstGroup: uint53,
  firstOffset: uint32,
  pages: list(
    container({ generation: uint53, size: uint32, checksum: uint32, digest: bytes32 }),
    pagesMax,
  ),
});
type SavedImage = ValueOf<typeof imageSchema>;

const nothingSaved: SavedImage = {
  generation: 0,
  order: 0,
  firstGroup: 1,
  firstOffset: 0,
  pages: [],
};

// Keys: groups by number, pages by index and generation, and single entries by name.
const groupKey = (number: number): Key => ["group", number];
const pageKey = (index: number, generation: number): Key => ["page", index, generation];
const imageKey = "image";
const retainedKey = "retained";
const identityKey = "identity";
const firstBootKey = "first-boot";

interface Save<Durable extends Tagged> {
  readonly image: StateImage;
  readonly retained: RecordGroup<Durable>;
  readonly firstGroup: number;
  readonly firstOffset: number;
  /** Journal bytes that the image makes superfluous. */
  readonly supersededBytes: number;
}

export interface JournalOptions<Durable extends Tagged> {
  /** Its own folder; made if missing. */
  readonly folder: string;
  /** Whose journal it is: another's is refused. */
  readonly cluster: string;
  readonly replica: number;
  readonly records: Codec<Durable>;
  /** When to compact; see limits.ts. */
  readonly compactAfterBytes?: number;
}

/** See {@link Journal}. Call `recover` once, before anything else. */
export class LmdbJournal<Durable extends Tagged> implements Journal<Durable> {
  readonly #folder: string;
  readonly #records: Codec<Durable>;
  readonly #compactAfterBytes: number;
  readonly #database: RootDatabase<Uint8Array>;

  /** One group fills while the other is written. */
  #filling: RecordGroup<Durable>;
  #writing: RecordGroup<Durable>;
  #nextGroup = 1;
  #bytesSinceImage = 0;

  #saved: SavedImage = nothingSaved;
  #lastGeneration = 0;
  #required: Save<Durable> | null = null;
  #optional: Save<Durable> | null = null;
  /** The background work, if any, whether it should give up, and why it failed. */
  #background: Promise<void> | null = null;
  #abandon = false;
  #failure: Error | null = null;
  #garbage: Key[] = [];
  #oldestGroup = 1;

  /**
   * Opens the journal, or makes an empty one.
   * Throws `UsageError` JOURNAL_UNAVAILABLE, JOURNAL_FOREIGN or JOURNAL_DAMAGED, with the remedy.
   */
  constructor(options: JournalOptions<Durable>) {
    this.#folder = options.folder;
    this.#records = options.records;
    this.#compactAfterBytes = options.compactAfterBytes ?? compactAfterBytes;
    this.#filling = new RecordGroup(options.records);
    this.#writing = new RecordGroup(options.records);
    this.#database = this.#opening(() => {
      const path = options.folder;
      if (!existsSync(path)) mkdirSync(path);
      // LMDB's own batches, one an event turn, make promises that nobody sees reject.
      const durability = { overlappingSync: false, eventTurnBatching: false };
      return open({ path, noSubdir: false, encoding: "binary", ...durability });
    });
    this.#checkIdentity({ version: 1, cluster: options.cluster, replica: options.replica });
  }

  /** The first-boot token that this journal took over; null if it never got one. */
  get firstBoot(): Uint8Array | null {
    return this.#reading(() => this.#getSealed(firstBootKey));
  }

  /** Keeps the first-boot token, durably, for every later start. */
  keepFirstBoot(token: Uint8Array): Promise<void> {
    return this.#write(() => void this.#database.put(firstBootKey, withChecksum(token)));
  }

  /** What an earlier life left. */
  recover(): Recovered<Durable> {
    return this.#reading(() => {
      const stored = this.#getSealed(imageKey);
      if (stored !== null) this.#saved = decodeWith(imageSchema, stored) ?? this.#damaged(imageKey);
      this.#lastGeneration = this.#saved.generation;
      const snapshot = stored === null ? null : this.#readImage();
      const numbers = this.#findGroups();
      this.#findGarbage();
      if (this.#hasGarbage()) this.#startBackground(() => this.#collect());
      return { snapshot, journal: this.#readRecords(numbers) };
    });
  }

  append(record: Durable): void {
    this.#filling.add(record);
  }

  checkpoint(image: StateImage, retain: readonly Durable[], required: boolean): void {
    if (!required && !this.#wantsImage()) return;
    const retained = new RecordGroup(this.#records);
    for (const record of retain) retained.add(record);
    const save: Save<Durable> = {
      image,
      retained,
      firstGroup: this.#nextGroup,
      firstOffset: this.#filling.isEmpty ? 0 : this.#filling.length,
      supersededBytes: this.#bytesSinceImage + this.#filling.length,
    };
    if (required) {
      this.#required = save;
      this.#optional = null;
    } else if (this.#filling.isEmpty) {
      this.#startBackground(() => this.#saveImage(save));
    } else {
      this.#optional = save;
    }
  }

  get waitingBytes(): number {
    if (!this.#filling.isEmpty) return this.#filling.length;
    return this.#required === null ? 0 : 1;
  }

  async commit(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const group = this.#filling;
    const number = this.#nextGroup;
    const required = this.#required;
    const optional = this.#optional;
    this.#filling = this.#writing;
    this.#writing = group;
    this.#required = this.#optional = null;
    if (!group.isEmpty) this.#nextGroup++;
    this.#bytesSinceImage += group.length;

    const putGroup = () => {
      if (!group.isEmpty) void this.#database.put(groupKey(number), group.seal(number));
    };
    if (required === null) {
      await this.#write(putGroup);
    } else {
      await this.#stopBackground();
      await this.#saveImage(required, putGroup);
    }
    group.clear();
    if (optional !== null) this.#startBackground(() => this.#saveImage(optional));
  }

  async close(): Promise<void> {
    await this.#stopBackground();
    await this.#database.close();
  }

  // Saving a state: pages in slices, then one transaction that makes them the image.

  #wantsImage(): boolean {
    const idle = this.#background === null && this.#required === null && this.#optional === null;
    return idle && this.#bytesSinceImage > Math.max(this.#compactAfterBytes, sizeOf(this.#saved));
  }

  async #saveImage(save: Save<Durable>, also: () => void = () => {}): Promise<void> {
    const generation = ++this.#lastGeneration;
    const pages = await this.#writePages(save.image, generation);
    if (pages === null) return;
    const { firstGroup, firstOffset } = save;
    const image = { generation, order: save.image.order, firstGroup, firstOffset, pages };
    await this.#write(() => {
      also();
      void this.#database.put(retainedKey, save.retained.seal(generation));
      void this.#database.put(imageKey, withChecksum(encodeWith(imageSchema, image)));
    });
    this.#saved.pages.forEach((page, index) => {
      if (image.pages[index]?.generation !== page.generation) {
        this.#garbage.push(pageKey(index, page.generation));
      }
    });
    this.#saved = image;
    this.#bytesSinceImage -= save.supersededBytes;
    if (this.#hasGarbage()) this.#startBackground(() => this.#collect());
  }

  /** Writes the pages that changed since the last image; null if it was told to give up. */
  async #writePages(image: StateImage, generation: number): Promise<SavedImage["pages"] | null> {
    const pages: SavedImage["pages"] = [];
    let slice: [Key, Uint8Array][] = [];
    let sliceBytes = 0;
    for (const [index, page] of image.pages.entries()) {
      const before = this.#saved.pages[index];
      if (before !== undefined && equalBytes(before.digest, page.digest)) {
        pages.push(before);
        continue;
      }
      const bytes = page.bytes();
      const sum = checksum(bytes, index);
      pages.push({ generation, size: bytes.length, checksum: sum, digest: page.digest });
      slice.push([pageKey(index, generation), bytes]);
      sliceBytes += bytes.length;
      if (sliceBytes < compactionSliceBytes) continue;
      await this.#writeSlice(slice);
      slice = [];
      sliceBytes = 0;
      if (this.#abandon) break;
    }
    if (this.#abandon) {
      this.#garbage.push(...image.pages.map((_, index) => pageKey(index, generation)));
      return null;
    }
    await this.#writeSlice(slice);
    return pages;
  }

  async #writeSlice(slice: readonly [Key, Uint8Array][]): Promise<void> {
    if (slice.length === 0) return;
    await this.#write(() => {
      for (const [key, bytes] of slice) void this.#database.put(key, bytes);
    });
  }

  #hasGarbage(): boolean {
    return this.#garbage.length > 0 || this.#oldestGroup < this.#saved.firstGroup;
  }

  /** Deletes what the image made superfluous. */
  async #collect(): Promise<void> {
    while (this.#hasGarbage() && !this.#abandon) {
      const keys = this.#garbage.splice(0, compactionSliceEntries);
      while (keys.length < compactionSliceEntries && this.#oldestGroup < this.#saved.firstGroup) {
        keys.push(groupKey(this.#oldestGroup++));
      }
      await this.#write(() => {
        for (const key of keys) void this.#database.remove(key);
      });
    }
  }

  /**
   * Runs after the background work under way, if any. It never rejects: a failure is the next
   * commit's.
   */
  #startBackground(work: () => Promise<void>): void {
    const before = this.#background ?? Promise.resolve();
    const running = before
      .then(() => (this.#abandon ? undefined : work()))
      .catch((error: unknown) => {
        this.#failure ??= error as Error;
      })
      .then(() => {
        if (this.#background === running) this.#background = null;
      });
    this.#background = running;
  }

  async #stopBackground(): Promise<void> {
    this.#abandon = true;
    while (this.#background !== null) await this.#background;
    this.#abandon = false;
  }

  // Reading what is there.

  /** An entry that `withChecksum` made; null if there is none. */
  #getSealed(key: string): Uint8Array | null {
    const sealed = this.#database.get(key);
    return sealed === undefined ? null : (contentOf(sealed, 0) ?? this.#damaged(key));
  }

  #readImage(): Image {
    const pages = this.#saved.pages.map(({ generation, checksum: expected }, index): Uint8Array => {
      const bytes = this.#database.get(pageKey(index, generation));
      if (bytes === undefined || checksum(bytes, index) !== expected) {
        return this.#damaged(`page ${index}`);
      }
      return bytes;
    });
    return { order: this.#saved.order, pages };
  }

  /** The numbers of the groups after the image. One that is missing between them is damage. */
  #findGroups(): { readonly first: number; readonly last: number } {
    const range = { start: groupKey(0), end: groupKey(Number.MAX_SAFE_INTEGER) };
    let last = this.#saved.firstGroup - 1;
    this.#oldestGroup = this.#saved.firstGroup;
    for (const key of this.#database.getKeys(range)) {
      const number = (key as [string, number])[1];
      this.#oldestGroup = Math.min(this.#oldestGroup, number);
      last = Math.max(last, number);
    }
    this.#nextGroup = last + 1;
    return { first: this.#saved.firstGroup, last };
  }

  *#readRecords(groups: { readonly first: number; readonly last: number }): Iterable<Durable> {
    const { generation, firstGroup, firstOffset } = this.#saved;
    if (generation > 0) yield* this.#recordsAt(retainedKey, generation, 0);
    for (let number = groups.first; number <= groups.last; number++) {
      const offset = number === firstGroup ? firstOffset : 0;
      yield* this.#recordsAt(groupKey(number), number, offset);
    }
  }

  #recordsAt(key: Key, number: number, offset: number): Iterable<Durable> {
    const damaged = () => this.#damaged(String(key));
    const bytes = this.#reading(() => this.#database.get(key)) ?? damaged();
    if (key !== retainedKey) this.#bytesSinceImage += bytes.length;
    return recordsOf(bytes, number, offset, this.#records, damaged);
  }

  /** Pages that a save cut short left behind. */
  #findGarbage(): void {
    const range = { start: pageKey(0, 0), end: pageKey(pagesMax, 0) };
    for (const key of this.#database.getKeys(range)) {
      const [, index, generation] = key as [string, number, number];
      if (this.#saved.pages[index]?.generation !== generation) this.#garbage.push(key);
    }
  }

  // Opening, and what can go wrong with a disk.

  #opening<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new UsageError(
        "JOURNAL_UNAVAILABLE",
        `cannot open the journal in ${this.#folder}: ${causeOf(error)}. ` +
          "Make the folder writable for this user and see that its disk has free space.",
        { folder: this.#folder },
      );
    }
  }

  #checkIdentity(own: { version: number; cluster: string; replica: number }): void {
    const identity = JSON.stringify(own);
    const expected = Buffer.from(identity);
    const found = this.#reading(() => this.#database.get(identityKey));
    if (found === undefined) {
      this.#opening(() => this.#database.putSync(identityKey, expected));
    } else if (!equalBytes(found, expected)) {
      throw new UsageError(
        "JOURNAL_FOREIGN",
        `${this.#folder} is the journal of ${Buffer.from(found).toString()}, not of ${identity}: ` +
          "put every journal back into its own replica's folder.",
        { folder: this.#folder },
      );
    }
  }

  /** Runs reads: what LMDB throws in them means a damaged file. */
  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof UsageError) throw error;
      return this.#damaged(causeOf(error));
    }
  }

  #damaged(what: string): never {
    throw new UsageError(
      "JOURNAL_DAMAGED",
      `the journal in ${this.#folder} is damaged (${what}): its disk may be failing. ` +
        "Never put an older copy in its place. Move the folder away and start again: the replica " +
        "then fetches the state from the others, executes and answers, but no longer votes.",
      { folder: this.#folder, what },
    );
  }

  /** One transaction, durable when it resolves. */
  async #write(puts: () => void): Promise<void> {
    try {
      await this.#database.batch(puts);
    } catch (error) {
      const cause = await rootOf(error);
      throw new StorageFailure(
        `cannot write ${this.#folder}/data.mdb: ${causeOf(cause)}. The replica stops; ` +
          "nothing it promised is lost. Free or repair the disk, then start it again.",
        { cause },
      );
    }
  }
}

const sizeOf = (image: SavedImage): number => image.pages.reduce((sum, { size }) => sum + size, 0);

/** LMDB tells of the failure of a commit in a second promise. */
async function rootOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> };
  return commitError === undefined
    ? error
    : commitError.then(
        () => error,
        (root: unknown) => root,
      );
}

function causeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message: string };
  return typeof code === "number" && code > 0
    ? `${message} (${getSystemErrorName(-code)})`
    : message;
}
