// Recovery as pure functions: what a replica reports, and what a new view must order first. Used by
// the new leader and by those who check it alike (Martin and Alvisi, corrected: protocols.md F1).

import { type Digest, toHex } from "../../core/index.js";
import { type Ballot, type Choice, type Plan, planOf } from "../../parts/index.js";
import type { CommitProof, FabReport } from "./messages.js";
import { quorumsOf } from "./quorums.js";

/**
 * What a set of reports obliges the new view to order first: there is always an answer.
 *
 * Safe because a batch decided fast in view w was accepted, in w and later, by all of the reporters
 * but f+t, and nothing else by so many; a commit proof of w or later can only be of it, since
 * 3f+t+1 and 2f+t+1 replicas share a correct one. And of a batch decided slowly in view u some
 * correct reporter has a proof, while in later views no correct replica accepts another.
 */
export function decide(
  reports: readonly FabReport[],
  { n, f }: { readonly n: number; readonly f: number },
  noop: Digest,
): Plan {
  const { t } = quorumsOf(n, f);
  const reported = reports.map((report) => new Reported(report));
  const top = Math.max(...reported.map(({ last }) => last));
  return planOf(reports, top, (order) => chosenAt(order, reported, f + t), noop)!;
}

/** One report, by order. */
class Reported {
  readonly accepted: ReadonlyMap<number, Ballot>;
  readonly proofs: ReadonlyMap<number, CommitProof>;
  readonly last: number;

  constructor({ accepted, proofs }: FabReport) {
    this.accepted = new Map(accepted.map((ballot) => [ballot.order, ballot]));
    this.proofs = new Map(proofs.map((proof) => [proof.order, proof]));
    this.last = Math.max(0, accepted.at(-1)?.order ?? 0, proofs.at(-1)?.order ?? 0);
  }
}

/**
 * The batch that all reporters but `absent` accepted after the highest proof; else the one that is
 * proved; else none was decided.
 */
function chosenAt(order: number, reported: readonly Reported[], absent: number): Choice {
  const proof = highest(reported.map(({ proofs }) => proofs.get(order)));
  const accepted = reported
    .map((one) => one.accepted.get(order))
    .filter((ballot) => ballot !== undefined)
    .filter(({ view }) => proof === null || view > proof.view);
  const vouched = vouchedFor(accepted, reported.length - absent);
  return vouched ?? proof?.batch ?? "free";
}

function highest(proofs: readonly (CommitProof | undefined)[]): CommitProof | null {
  const known = proofs.filter((proof) => proof !== undefined);
  return known.toSorted((a, b) => b.view - a.view)[0] ?? null;
}

/** The batch that so many accepted: more than half of all reporters, so that there are no two. */
function vouchedFor(accepted: readonly Ballot[], vouchers: number): Digest | null {
  const counts = new Map<string, number>();
  for (const { batch } of accepted) {
    const key = toHex(batch);
    const count = (counts.get(key) ?? 0) + 1;
    if (count >= vouchers) return batch;
    counts.set(key, count);
  }
  return null;
}

/** What a replica accepted last of each order, and its commit proofs of highest view. */
export class Past {
  private readonly accepted = new Map<number, Ballot>();
  private readonly proofs = new Map<number, CommitProof>();

  accept({ view, order, batch }: Ballot): void {
    this.accepted.set(order, { view, order, batch });
  }

  prove(proof: CommitProof): void {
    this.proofs.set(proof.order, proof);
  }

  /** By rising order. */
  get allAccepted(): Ballot[] {
    return [...this.accepted.values()].toSorted((a, b) => a.order - b.order);
  }

  /** By rising order. */
  get allProofs(): CommitProof[] {
    return [...this.proofs.values()].toSorted((a, b) => a.order - b.order);
  }

  forget(upTo: number): void {
    for (const order of this.accepted.keys()) if (order <= upTo) this.accepted.delete(order);
    for (const order of this.proofs.keys()) if (order <= upTo) this.proofs.delete(order);
  }
}
