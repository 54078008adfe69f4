// View changes as pure functions: what a replica reports, and what a new view must order first.
// Used by the new leader and by those who check it alike (hybster.txt §5.2.3; protocols.md §5
// H2–H4).

import { comparePositions, type Digest, type Position } from "../../core/index.js";
import type { Established, Header, Stable, ViewChange } from "./messages.js";

/**
 * What a replica knows of the last view it took part in: the view with its plan, and the proposals
 * beyond the plan, without gaps. Orders up to the stable checkpoint need no mention.
 */
export interface History {
  readonly established: Established;
  /** PREPAREs of `established.view` for consecutive orders, the last of them `top`. */
  readonly prepares: readonly Header[];
}

/** What a new view orders first: `plan[i]` is the batch of order `base + 1 + i`. */
export interface Decision {
  readonly base: number;
  readonly last: number;
  readonly plan: readonly Digest[];
  /** The most advanced stable checkpoint reported: `base` is its order. */
  readonly stable: Stable;
  /** The history that the plan continues. */
  readonly history: History;
}

/** The last order that a history says anything about. */
export function topOf({ established, prepares }: History): number {
  return Math.max(established.last, prepares.at(-1)?.order ?? 0);
}

/** The batch of an order in a history; null if it says nothing about it. */
export function batchAt({ established, prepares }: History, order: number): Digest | null {
  if (order > established.base && order <= established.last) {
    return established.plan[order - established.base - 1] ?? null;
  }
  const first = prepares[0]?.order ?? 0;
  return prepares[order - first]?.batch ?? null;
}

/**
 * The first order beyond what the plan and the stable checkpoint settle: where reported PREPAREs
 * begin.
 */
export const firstReported = (established: Established, stable: Stable): number =>
  Math.max(established.last, stable.order) + 1;

/**
 * H3: whether the reported PREPAREs reach as far as the counter proves that the replica took part.
 * A replica that stood at [view|order], order > 0, was in that view, so it cannot report an older
 * one, nor fewer orders.
 */
export function coversCounter(
  message: Omit<ViewChange, "attestation">,
  { view, order }: Position,
): boolean {
  if (order === 0) return true;
  if (message.established.view !== view) return message.established.view > view;
  const { stable } = message;
  return Math.max(stable.order, topOf(message)) >= order;
}

/** H2: a view change moves the counter strictly forward, to [to|0]. */
export function leavesForGood({ attestation, to, established }: ViewChange): boolean {
  const { next, previous } = attestation;
  return (
    next.view === to &&
    next.order === 0 &&
    comparePositions(previous, next) < 0 &&
    established.view < to
  );
}

/**
 * Of two histories the one that a new view must continue: of the later view, and there the longer
 * one.
 */
export function laterHistory<H extends History>(a: H, b: H): H {
  const views = a.established.view - b.established.view;
  return (views || topOf(a) - topOf(b)) >= 0 ? a : b;
}

/**
 * What a quorum of view changes obliges the new view to order first.
 *
 * Safe because a batch committed in view w stands in the history of w of every quorum (its commit
 * quorum meets it in a replica that H2 and H3 force to report it), all proposals of one view agree
 * (independent certificates), the plan of a view is unique (its NEW-VIEW is certified once), and an
 * established plan continues what came before it.
 */
export function decide(viewChanges: readonly ViewChange[]): Decision {
  const history: History = viewChanges.reduce(laterHistory);
  const { stable } = viewChanges.reduce((a, b) => (b.stable.order > a.stable.order ? b : a));
  const base = stable.order;
  const last = Math.max(base, topOf(history));
  const plan: Digest[] = [];
  for (let order = base + 1; order <= last; order += 1) {
    const batch = batchAt(history, order);
    // unreachable: claims refuse histories with gaps above their checkpoint
    if (batch === null) break;
    plan.push(batch);
  }
  return { base, last: base + plan.length, plan, stable, history };
}
