// How a replica that fell behind asks for a state, and what it is sent: the same in every protocol.

import {
  byteList,
  bytes32,
  container,
  list,
  type MessageOf,
  numberList,
  uint32,
  uint53,
  type ValueOf,
} from "../codec/index.js";

/** Pages asked for at a time: enough to fill a message with small ones. */
export const pagesAskedMax = 256;

/** The bytes of a page of `total` bytes from `offset` on. */
const piece = container({ page: uint32, offset: uint32, total: uint32, bytes: byteList(1 << 20) });

export type Piece = Readonly<ValueOf<typeof piece>>;

export const stateMessages = {
  /** Asks for the list of pages of the state after an order. */
  "fetch-manifest": container({ order: uint53 }),
  /**
   * The digests of all pages; their digest is in the checkpoint certificate that the asker holds.
   */
  manifest: container({ order: uint53, pages: list(bytes32, 1 << 16) }),
  /** Asks for pages, the first of them from `offset` on. */
  "fetch-pages": container({
    order: uint53,
    pages: numberList(uint32, pagesAskedMax),
    offset: uint32,
  }),
  /** As many of the pages asked for as fit a message; the last one may be a piece. */
  pages: container({ order: uint53, pieces: list(piece, pagesAskedMax) }),
} as const;

export type StateMessage = MessageOf<typeof stateMessages>;
export type Manifest = Extract<StateMessage, { kind: "manifest" }>;
export type Pages = Extract<StateMessage, { kind: "pages" }>;
