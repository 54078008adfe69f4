// What a space's new owner must settle first: pure functions from a quorum of reports, used by the
// owner and by everybody who checks it (thesis §4.3.5, protocols.md §4 (d)).

import { decodeWith } from "../../codec/index.js";
import type { Digest } from "../../core/index.js";
import {
  type Entry,
  type Frontier,
  frontierSchema,
  isSame,
  type Report,
  type Shown,
  type Value,
  valueIn,
} from "./messages.js";

/** What stands at a slot when a view of its space begins. */
export interface Planned {
  readonly slot: number;
  readonly value: Value;
  /**
   * Whether 2f+1 prepared it: then it stands as it is. Else replicas say first what interferes with
   * it, as with a new one.
   */
  readonly isPrepared: boolean;
}

export interface OwnerPlan {
  readonly view: number;
  /** The most advanced checkpoint reported: everything of the space is settled up to there. */
  readonly shown: Shown;
  readonly base: number;
  /** The last slot to settle; new ones begin after it. */
  readonly top: number;
  readonly slots: readonly Planned[];
}

/** The frontier of a checkpoint; its claims were verified. */
export const frontierOf = ({ frontier }: Shown): Frontier => decodeWith(frontierSchema, frontier)!;

type InView = Value & { readonly view: number };

/** The prepared value of the highest view; null if nobody shows one. */
function prepared(entries: readonly Entry[]): InView | null {
  const certificates = entries.flatMap((entry) => entry.prepared);
  if (certificates.length === 0) return null;
  return certificates.reduce((a, b) => (b.view > a.view ? b : a));
}

/**
 * What f+1 answered alike to one order of the owner: its client may have had all answers so.
 * No two values have so many among 2f+1.
 */
function answeredAlike(entries: readonly Entry[], f: number): InView | null {
  const answers = entries.flatMap(({ acked }) => acked);
  const alike = answers.find((one) => {
    const same = answers.filter((other) => other.view === one.view && isSame(other, one));
    return same.length >= f + 1;
  });
  return alike ?? null;
}

/**
 * What must stand at a slot, of what a quorum knows of it. An answer to an order of a later view
 * than any certificate counts for more: that the owner could order there again shows that nothing
 * was decided before, whatever a liar kept from then.
 */
export function choose(
  entries: readonly Entry[],
  f: number,
  n: number,
  noop: Digest,
): Omit<Planned, "slot"> {
  const certain = prepared(entries);
  const possible = answeredAlike(entries, f);
  if (certain !== null && certain.view >= (possible?.view ?? 0)) {
    return { value: valueIn(certain), isPrepared: true };
  }
  if (possible !== null) return { value: valueIn(possible), isPrepared: false };
  const dependencies = new Array<number>(n).fill(0);
  return { value: { batch: noop, dependencies, sequence: 0 }, isPrepared: false };
}

/** The plan that follows from 2f+1 reports; `window`: how many slots may be unsettled. */
export function planOf(
  reports: readonly Report[],
  {
    f,
    n,
    noop,
    window,
  }: { readonly f: number; readonly n: number; readonly noop: Digest; readonly window: number },
): OwnerPlan {
  const [{ space, to }] = reports as [Report];
  const { shown } = reports.reduce((a, b) => (b.shown.stable.order > a.shown.stable.order ? b : a));
  const base = frontierOf(shown).done[space]!;
  const highest = Math.max(
    ...reports.map((report) => Math.max(report.top, report.entries.at(-1)?.slot ?? 0)),
  );
  const top = Math.max(base, Math.min(highest, base + window));
  const slots: Planned[] = [];
  for (let slot = base + 1; slot <= top; slot += 1) {
    const entries = reports.flatMap((report) =>
      report.entries.filter((entry) => entry.slot === slot),
    );
    slots.push({ slot, ...choose(entries, f, n, noop) });
  }
  return { view: to, shown, base, top, slots };
}

/** What 2f+1 opinions come to: all that anybody names comes before; see {@link sequenceOf}. */
export function combined(
  batch: Digest,
  opinions: readonly Omit<Value, "batch">[],
  f: number,
): Value {
  const dependencies = opinions
    .map((opinion) => opinion.dependencies)
    .reduce((a, b) => a.map((slot, space) => Math.max(slot, b[space]!)));
  return { batch, dependencies: [...dependencies], sequence: sequenceOf(opinions, f) };
}

/** The (f+1)-th largest: no f replicas can raise it above what a correct one said. */
export function sequenceOf(opinions: readonly { readonly sequence: number }[], f: number): number {
  return opinions.map(({ sequence }) => sequence).toSorted((a, b) => b - a)[f]!;
}
