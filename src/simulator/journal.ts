// A model of a replica's disk: records in the order they were written, durable only once a sync has
// finished. LMDB's journal (docs/decisions/0004-journal.md) saves an optional checkpoint beside the
// groups; a crash that finds it unfinished leaves what a checkpoint that was never taken leaves.

import type { SavedImage, StateImage } from "../core/index.js";

type Entry =
  | { readonly kind: "record"; readonly bytes: Uint8Array }
  | {
      readonly kind: "checkpoint";
      readonly image: StateImage;
      readonly retain: readonly Uint8Array[];
    };

/** What a restart finds. */
export interface Recovered {
  readonly snapshot: SavedImage | null;
  readonly records: readonly Uint8Array[];
}

/** Writes are numbered 1, 2, 3 …; those up to `durable` survive a crash for certain. */
export class Journal {
  #entries: Entry[] = [];
  /** The number of the last write that compaction removed. */
  #removed = 0;
  #durable = 0;
  #syncing: number | null = null;
  #damaged: Entry | null = null;

  get written(): number {
    return this.#removed + this.#entries.length;
  }

  get durable(): number {
    return this.#durable;
  }

  /** Returns the write's number. */
  write(bytes: Uint8Array): number {
    this.#entries.push({ kind: "record", bytes });
    return this.written;
  }

  /**
   * The image with the records replaces everything written before, once it is durable: atomically,
   * or never.
   */
  replace(image: StateImage, retain: readonly Uint8Array[]): number {
    this.#entries.push({ kind: "checkpoint", image, retain });
    return this.written;
  }

  /**
   * Begins to make durable what is written by now. False if a sync runs already or nothing needs
   * one.
   */
  startSync(): boolean {
    if (this.#syncing !== null || this.#durable === this.written) return false;
    this.#syncing = this.written;
    return true;
  }

  finishSync(): void {
    if (this.#syncing === null) return;
    const durable = this.#durable;
    this.#durable = this.#syncing;
    this.#syncing = null;
    this.#compact(durable);
  }

  /** Writes that a crash now may lose. */
  get atRisk(): number {
    return this.written - this.#durable;
  }

  /** Of these, those in the sync that runs: LMDB keeps all of them or none. */
  get underWay(): number {
    return this.#syncing === null ? 0 : this.#syncing - this.#durable;
  }

  /** Power is lost: of the writes at risk only the first `survivors` are kept. */
  crash(survivors: number): void {
    this.#entries.length -= this.atRisk - survivors;
    const durable = this.#durable;
    this.#durable = this.written;
    this.#syncing = null;
    this.#compact(durable);
  }

  /** Damages the entry at that fraction of what is there; whoever reads it will notice. */
  damage(fraction: number): void {
    this.#damaged = this.#entries[Math.floor(fraction * this.#entries.length)] ?? null;
  }

  /** An empty folder in its place. */
  wipe(): void {
    this.#entries = [];
    this.#removed = 0;
    this.#durable = 0;
    this.#syncing = null;
    this.#damaged = null;
  }

  /** Null if something is damaged: as in src/runtime, nothing is skipped. */
  recover(): Recovered | null {
    if (this.#damaged !== null && this.#entries.includes(this.#damaged)) return null;
    const first = this.#entries[0];
    const records: Uint8Array[] = [];
    let snapshot: SavedImage | null = null;
    if (first?.kind === "checkpoint") {
      snapshot = reread(first.image);
      records.push(...first.retain);
    }
    for (const entry of this.#entries) if (entry.kind === "record") records.push(entry.bytes);
    return { snapshot, records: records.map((bytes) => bytes.slice()) };
  }

  /** Drops what lies before the last checkpoint of those that became durable after `before`. */
  #compact(before: number): void {
    let last = this.#durable - this.#removed - 1;
    const first = before - this.#removed;
    while (last >= first && this.#entries[last]!.kind !== "checkpoint") last -= 1;
    if (last < first) return;
    this.#entries = this.#entries.slice(last);
    this.#removed += last;
  }
}

/** An image as its bytes on a disk would give it: nothing is shared with the one that was saved. */
export function reread({ order, pages }: StateImage): SavedImage {
  return { order, pages: pages.map((page) => page.bytes().slice()) };
}
