// The port to stable storage: what the barrier needs of a journal. The LMDB one is in
// lmdb-journal.ts.

import type { SavedImage, StateImage } from "../core/index.js";

/** A replica's durable records and its last saved state. */
export interface Journal<Durable> {
  /** Adds a record to the group that the next `commit` makes durable. */
  append(record: Durable): void;

  /**
   * Offers `image` with `retain` as replacement for everything appended so far. Taken at the
   * journal's convenience,
   * in the background; by the next `commit`, before anything else becomes durable, if `required`.
   */
  checkpoint(image: StateImage, retain: readonly Durable[], required: boolean): void;

  /**
   * Bytes appended that no commit has taken yet; more than 0 as well while a required checkpoint
   * waits.
   */
  readonly waitingBytes: number;

  /**
   * Makes everything appended before the call durable, atomically: when it resolves, the disk has
   * confirmed.
   * One at a time. Rejects with a {@link StorageFailure}; the journal is then of no further use.
   */
  commit(): Promise<void>;

  /** Waits for what is under way and closes. What was appended and not committed is lost. */
  close(): Promise<void>;
}

/** What an earlier life left. */
export interface Recovered<Durable> {
  readonly snapshot: SavedImage | null;
  /**
   * In the order appended. Read lazily; throws `UsageError` JOURNAL_DAMAGED at the first damaged
   * entry.
   */
  readonly journal: Iterable<Durable>;
}

/**
 * The disk refused: full, read-only, broken. The message names the file, the cause and the remedy.
 */
export class StorageFailure extends Error {
  override readonly name = "StorageFailure";
}
