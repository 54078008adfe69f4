// View changes as pure functions: what a replica reports, and what a new view must order first.
// Used by the new leader and by those who check it alike (Castro and Liskov, TOCS 2002, §4.4).

import { type Digest, equalBytes } from "../../core/index.js";
import { type Ballot, type Choice, type Plan, planOf } from "../../parts/index.js";
import { type PbftReport, seenMax } from "./messages.js";

/**
 * What a set of reports obliges the new view to order first; null if it takes more of them.
 *
 * Safe because a batch decided in view w was prepared in w by f+1 correct replicas of every quorum:
 * whatever else is chosen for its order was either prepared, or vouched for, in a later view, and
 * there it was chosen by this rule. Live because the reports of all correct replicas suffice: of
 * what they prepared, the latest was pre-prepared by f+1 of them.
 */
export function decide(reports: readonly PbftReport[], f: number, noop: Digest): Plan | null {
  const ballots = reports.map((report) => new ReportedBallots(report));
  const top = Math.max(0, ...reports.map(({ prepared }) => prepared.at(-1)?.order ?? 0));
  return planOf(reports, top, (order) => chosenAt(order, ballots, f), noop);
}

/** One report, by order. */
class ReportedBallots {
  readonly prepared = new Map<number, Ballot>();
  readonly seen = new Map<number, Ballot[]>();

  constructor({ prepared, seen }: PbftReport) {
    for (const ballot of prepared) this.prepared.set(ballot.order, ballot);
    for (const ballot of seen) {
      const others = this.seen.get(ballot.order);
      if (others === undefined) this.seen.set(ballot.order, [ballot]);
      else others.push(ballot);
    }
  }
}

function chosenAt(order: number, ballots: readonly ReportedBallots[], f: number): Choice {
  const prepared = ballots.map((one) => one.prepared.get(order));
  const candidates = prepared
    .filter((ballot) => ballot !== undefined)
    .toSorted((a, b) => b.view - a.view);
  const chosen = candidates.find(
    (candidate) =>
      isUncontested(candidate, prepared, f) &&
      isVouchedFor(
        candidate,
        ballots.map((one) => one.seen.get(order) ?? []),
        f,
      ),
  );
  if (chosen !== undefined) return chosen.batch;
  const silent = prepared.filter((ballot) => ballot === undefined);
  return silent.length > 2 * f ? "free" : null;
}

/** A1: a quorum prepared nothing else at this order, unless in an earlier view. */
function isUncontested(
  { view, batch }: Ballot,
  prepared: readonly (Ballot | undefined)[],
  f: number,
): boolean {
  const agreeing = prepared.filter(
    (other) =>
      other === undefined ||
      other.view < view ||
      (other.view === view && equalBytes(other.batch, batch)),
  );
  return agreeing.length > 2 * f;
}

/** A2: a correct replica pre-prepared it, in that view or a later one. */
function isVouchedFor(
  { view, batch }: Ballot,
  seen: readonly (readonly Ballot[])[],
  f: number,
): boolean {
  const vouching = seen.filter((ballots) =>
    ballots.some((other) => other.view >= view && equalBytes(other.batch, batch)),
  );
  return vouching.length > f;
}

/**
 * 𝒫 and 𝒬: what a replica prepared last of each order, and what it pre-prepared. An entry of 𝒬
 * is needed until something later was prepared, and at most {@link seenMax} batches of an order are
 * kept: more takes as many views in a row that ended without preparing anything there.
 */
export class Ballots {
  private readonly prepared = new Map<number, Ballot>();
  private readonly seen = new Map<number, Ballot[]>();

  /** This replica pre-prepared it. */
  see({ view, order, batch }: Ballot): void {
    const others = (this.seen.get(order) ?? []).filter((other) => !equalBytes(other.batch, batch));
    const kept = others.length < seenMax ? others : others.slice(1);
    this.seen.set(order, [...kept, { view, order, batch }]);
  }

  /** This replica prepared it: what others prepared before can no longer be chosen against it. */
  prepare({ view, order, batch }: Ballot): void {
    this.prepared.set(order, { view, order, batch });
    const seen = this.seen.get(order) ?? [];
    this.seen.set(
      order,
      seen.filter((other) => other.view >= view || equalBytes(other.batch, batch)),
    );
  }

  /** Everything prepared, by rising order. */
  get allPrepared(): Ballot[] {
    return [...this.prepared.values()].toSorted((a, b) => a.order - b.order);
  }

  /** Everything pre-prepared, by rising order. */
  get allSeen(): Ballot[] {
    return [...this.seen.values()].flat().toSorted((a, b) => a.order - b.order);
  }

  forget(upTo: number): void {
    for (const order of this.prepared.keys()) if (order <= upTo) this.prepared.delete(order);
    for (const order of this.seen.keys()) if (order <= upTo) this.seen.delete(order);
  }
}
