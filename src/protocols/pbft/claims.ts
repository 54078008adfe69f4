// What must be authentic in each message, and what makes one malformed in itself. No state is
// looked at here.

import type { Claim, ClaimContext, ReplicaId } from "../../core/index.js";
import {
  type Ballot,
  batchDigest,
  type CommonMessage,
  leaderOf,
  type Proposal,
  ReplicaClaims,
  type Vote,
} from "../../parts/index.js";
import {
  type PbftMessage,
  type PbftNewView,
  type PbftReport,
  proven,
  seenMax,
} from "./messages.js";
import { decide } from "./view-change.js";

class Claims extends ReplicaClaims {
  prePrepare(message: Proposal): boolean {
    return this.proposal(message, proven.prePrepare(message, this.context.hash));
  }

  prepare({ view, order, batch, replica, proof }: Vote): boolean {
    if (order === 0 || replica === leaderOf(view, this.context.n)) return false;
    const digest = proven.prepare({ view, order, batch }, this.context.hash);
    return this.said(replica, digest, proof);
  }

  commit({ view, order, batch, replica, proof }: Vote): boolean {
    const digest = proven.commit({ view, order, batch }, this.context.hash);
    return order > 0 && this.said(replica, digest, proof);
  }

  report(message: PbftReport): boolean {
    const { to, stable, prepared, seen, replica, proof } = message;
    const last = stable.order + 2 * this.context.limits.checkpointOrders;
    const isReportable = ({ order, view }: Ballot) =>
      order > stable.order && order <= last && view < to;
    return (
      to > 0 &&
      this.stable(stable) &&
      prepared.every(isReportable) &&
      hasAtMostEach(prepared, 1) &&
      seen.every(isReportable) &&
      hasAtMostEach(seen, seenMax) &&
      this.said(replica, proven.report(message, this.context.hash), proof, true)
    );
  }

  newView(message: PbftNewView): boolean {
    const { view, reports, proof } = message;
    const { n, f, hash } = this.context;
    return (
      this.isQuorum(reports) &&
      reports.every((report) => report.to === view && this.report(report)) &&
      decide(reports, f, batchDigest([], hash)) !== null &&
      this.said(leaderOf(view, n), proven.newView(message, hash), proof, true)
    );
  }
}

/** Whether ballots stand by rising order, no more than so many of one. */
function hasAtMostEach(ballots: readonly Ballot[], most: number): boolean {
  return ballots.every(
    ({ order }, index) =>
      order >= (ballots[index - 1]?.order ?? 0) && order !== ballots[index - most]?.order,
  );
}

/** All that must be authentic in a message; null if it is malformed in itself. */
export function claimsOf(
  message: PbftMessage,
  from: ReplicaId | null,
  context: ClaimContext,
): readonly Claim[] | null {
  if (from === null && message.kind !== "request") return null; // clients only ask
  const claims = new Claims(context);
  return isWellFormed(message, claims) ? claims.all : null;
}

function isWellFormed(message: PbftMessage, claims: Claims): boolean {
  switch (message.kind) {
    case "pre-prepare":
      return claims.prePrepare(message);
    case "prepare":
      return claims.prepare(message);
    case "commit":
      return claims.commit(message);
    case "view-change":
      return claims.report(message);
    case "new-view":
      return claims.newView(message);
    default:
      return claims.common(message satisfies CommonMessage);
  }
}
