// Lies for whoever fetches a state: the transfer is the same in every protocol.

import type { Tagged } from "../core/index.js";
import type { Pages, Piece } from "../parts/index.js";
import { eachMessage, Hoard, type Lie, type Means } from "../simulator/index.js";

const isPages = (message: Tagged): message is Pages => message.kind === "pages";

export const stateLies = {
  /**
   * Gives the right manifest, and then pages so that a careless reader takes them: other contents
   * in their place, in another order, from another place in a page, or a byte at a time.
   */
  falsePages({ random }: Means): Lie {
    const known = new Hoard<Piece>(32);
    const isWhole = ({ offset, total, bytes }: Piece) => offset === 0 && bytes.length === total;
    const substitute = (piece: Piece): Piece => {
      if (!isWhole(piece)) return piece;
      const other = known.isEmpty ? piece : known.pick(random);
      known.put(piece);
      return { ...other, page: piece.page };
    };
    const ways: readonly ((pieces: readonly Piece[]) => readonly Piece[])[] = [
      (pieces) => pieces.map(substitute),
      (pieces) => pieces.toReversed(),
      (pieces) => (pieces.length < 2 ? pieces : pieces.with(0, pieces[1]!)),
      (pieces) => pieces.map((piece) => ({ ...piece, offset: 0 })),
      (pieces) => pieces.map((piece) => ({ ...piece, offset: piece.total - piece.bytes.length })),
      (pieces) => pieces.slice(0, 1).map((one) => ({ ...one, bytes: one.bytes.slice(0, 1) })),
    ];
    /** By the order of the state: a source that changes its ways is given up sooner. */
    const wayOf = new Map<number, (typeof ways)[number]>();
    const falsified = ({ order, pieces }: Pages): Piece[] => {
      const way = wayOf.get(order) ?? random.pick(ways);
      wayOf.set(order, way);
      return [...way(pieces)];
    };
    return {
      tamper: eachMessage(isPages, (message) =>
        isPages(message) ? { ...message, pieces: falsified(message) } : message,
      ),
    };
  },
} satisfies Record<string, (means: Means) => Lie>;
