// The papers' microbenchmark: operations of any bytes, empty results, no state.

import type { Service } from "../core/index.js";

const nothing = new Uint8Array(0);

/** Does nothing, and so measures everything else. */
export function createNull(): Service {
  return {
    order: "partial",
    apply: () => nothing,
    footprint: () => {},
    mark: () => 0,
    rewind: () => {},
    settle: () => {},
    pages: () => [],
    readPage: () => null,
    restore: () => {},
  };
}
