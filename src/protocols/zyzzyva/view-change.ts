// View changes as pure functions: with what history a new view begins. Used by the new leader and
// by those who check it alike (protocols.md Z1; the README argues why this is safe).

import { type Digest, equalBytes, type Hash, toHex } from "../../core/index.js";
import { extendHistory, type Plan } from "../../parts/index.js";
import { entriesOf, type Entry, type Report } from "./messages.js";

/** A report of the highest established view, read. */
interface Told {
  readonly commit: number;
  readonly entries: ReadonlyMap<number, Entry>;
}

/**
 * With what history a new view begins: that of the highest established view, as far as it is
 * certain. That is what this view began with; then its longest commit certificate; then the orders
 * of its leader that f+1 replicas report, one of them correct.
 */
export function decide(reports: readonly Report[], f: number, hash: Hash): Plan {
  const { stable } = reports.reduce((a, b) => (b.stable.order > a.stable.order ? b : a));
  const { established } = reports.reduce((a, b) =>
    b.established.view > a.established.view ? b : a,
  );
  const told = reports
    .filter((report) => report.established.view === established.view)
    .map((report) => toldBy(report, hash));
  const committed = told.reduce((a, b) => (b.commit > a.commit ? b : a));
  const certain = Math.max(established.order, committed.commit);

  const base = stable.order;
  const batches: Digest[] = [];
  let last: Entry | null = null;
  for (let order = base + 1; ; order += 1) {
    const entry: Entry | null =
      order <= certain
        ? certainAt(order, order <= established.order ? told : [committed])
        : supported(order, last, told, f, hash);
    if (entry === null) break;
    batches.push(entry.batch);
    last = entry;
  }
  return { base, last: base + batches.length, batches, stable };
}

function toldBy(report: Report, hash: Hash): Told {
  const entries = new Map(entriesOf(report, hash).map((entry) => [entry.order, entry] as const));
  return { commit: report.commit[0]?.order ?? 0, entries };
}

/** What all whose histories lead to a certificate tell alike. */
function certainAt(order: number, told: readonly Told[]): Entry | null {
  for (const { entries } of told) {
    const entry = entries.get(order);
    if (entry !== undefined) return entry;
  }
  return null;
}

/** What f+1 replicas have at an order, after what was chosen before it. */
function supported(
  order: number,
  before: Entry | null,
  told: readonly Told[],
  f: number,
  hash: Hash,
): Entry | null {
  const candidates = told
    .map(({ entries }) => entries.get(order))
    .filter((entry) => entry !== undefined)
    .filter(
      ({ batch, history }) =>
        before === null || equalBytes(history, extendHistory(before.history, batch, hash)),
    );
  const support = ({ history }: Entry) =>
    candidates.filter((other) => equalBytes(other.history, history)).length;
  const chosen = candidates
    .filter((entry) => support(entry) > f)
    .toSorted((a, b) => support(b) - support(a) || (toHex(a.history) < toHex(b.history) ? -1 : 1));
  return chosen[0] ?? null;
}
