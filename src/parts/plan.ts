// What a new view orders first, made of what reports say about each order.

import type { Digest } from "../core/index.js";
import type { StableCheckpoint } from "./leader-messages.js";

/** What a new view orders first: `batches[i]` at order `base + 1 + i`. */
export interface Plan {
  readonly base: number;
  readonly last: number;
  readonly batches: readonly Digest[];
  /** The most advanced stable checkpoint reported: `base` is its order. */
  readonly stable: StableCheckpoint;
}

/** What must stand at an order; free: nothing was decided there; null: it takes more reports. */
export type Choice = Digest | "free" | null;

/**
 * The plan up to order `top`; null if it takes more reports. A free order before others gets an
 * empty batch; free orders at the end are left to new requests. An empty batch that was chosen is
 * not free: it may have been decided.
 */
export function planOf(
  reports: readonly { readonly stable: StableCheckpoint }[],
  top: number,
  choose: (order: number) => Choice,
  noop: Digest,
): Plan | null {
  const { stable } = reports.reduce((a, b) => (b.stable.order > a.stable.order ? b : a));
  const base = stable.order;
  const batches: Digest[] = [];
  let last = base;
  for (let order = base + 1; order <= top; order += 1) {
    const choice = choose(order);
    if (choice === null) return null;
    batches.push(choice === "free" ? noop : choice);
    if (choice !== "free") last = order;
  }
  return { base, last, batches: batches.slice(0, last - base), stable };
}
