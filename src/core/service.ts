// What is replicated: a deterministic service in memory, and the image of its state that
// checkpoints certify.

import type { ClientId, Digest, SessionId } from "./ids.js";

/** The circumstances of an operation that a service may use: the same on every replica. */
export interface Moment {
  readonly client: ClientId;
  readonly session: SessionId;
}

/** A point in a service's history that it can be taken back to. Opaque to everyone else. */
export type Mark = number;

/**
 * How an operation touches a name; two operations interfere unless both read or both add (thesis
 * §4.2).
 */
export type Access = "read" | "write" | "add";

/**
 * A deterministic service. It never throws on any bytes, never looks at a clock, and depends on
 * nothing but the operations applied. A result is at most `resultBytesMax` (limits.ts) long.
 */
export interface Service {
  /**
   * `partial`: nothing in state or answers depends on the position of an operation among others it
   * does not touch.
   */
  readonly order: "total" | "partial";

  /**
   * The operation's bytes never change afterwards, so a service may keep them; but a part of them
   * keeps the whole request they came in from being freed, so what is kept past the next `pages()`
   * should be copied by then.
   */
  apply(operation: Uint8Array, moment: Moment): Uint8Array;

  /** Names what the operation touches; a malformed operation touches nothing. */
  footprint(operation: Uint8Array, touch: (name: string, access: Access) => void): void;

  /**
   * Speculation: `rewind(mark)` undoes every apply since the mark; `settle(mark)` forgets how to
   * undo those before.
   */
  mark(): Mark;
  rewind(to: Mark): void;
  settle(upTo: Mark): void;

  /**
   * The state as immutable pages, always the same number in the same order. Cheap: a page not
   * touched since the last call is the same object as then. Equal states give pages with equal
   * digests.
   */
  pages(): readonly Page[];

  /**
   * Reads one page from bytes that may be a liar's; its digest is computed, never believed. Null if
   * malformed.
   */
  readPage(bytes: Uint8Array): Page | null;

  /** Replaces the state by pages that `readPage` of this service made. */
  restore(pages: readonly Page[]): void;
}

/** One immutable part of a state. */
export interface Page {
  /** Commits to the content; a function of what `bytes()` gives. */
  readonly digest: Digest;
  /** Canonical bytes; computed when asked for. */
  bytes(): Uint8Array;
}

/**
 * A state image as it was stored: its pages' bytes, in their order. The machine whose state it is
 * can read them.
 */
export interface SavedImage {
  readonly order: number;
  readonly pages: readonly Uint8Array[];
}

/** The state after executing `order`, in pages; what a checkpoint's digest commits to. */
export interface StateImage {
  readonly order: number;
  readonly pages: readonly Page[];
}
