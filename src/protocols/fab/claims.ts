// What must be authentic in each message, and what makes one malformed in itself. No state is
// looked at here.

import type { Claim, ClaimContext, ReplicaId } from "../../core/index.js";
import {
  type CommonMessage,
  leaderOf,
  type Proposal,
  ReplicaClaims,
  type Vote,
} from "../../parts/index.js";
import {
  type CommitProof,
  type FabMessage,
  type FabNewView,
  type FabReport,
  proven,
} from "./messages.js";
import { quorumsOf } from "./quorums.js";

class Claims extends ReplicaClaims {
  propose(message: Proposal): boolean {
    return this.proposal(message, proven.propose(message, this.context.hash));
  }

  accepted(message: Vote, isTransferable: boolean): boolean {
    const digest = proven.accepted(message, this.context.hash);
    const { order, replica, proof } = message;
    return order > 0 && this.said(replica, digest, proof, isTransferable);
  }

  commitProof(message: Vote): boolean {
    const digest = proven.commitProof(message, this.context.hash);
    return message.order > 0 && this.said(message.replica, digest, message.proof);
  }

  report(message: FabReport): boolean {
    const { to, stable, accepted, proofs, replica, proof } = message;
    const last = stable.order + 2 * this.context.limits.checkpointOrders;
    const isReportable = ({ order, view }: { readonly order: number; readonly view: number }) =>
      order > stable.order && order <= last && view < to;
    return (
      to > 0 &&
      this.stable(stable) &&
      accepted.every(isReportable) &&
      isRising(accepted.map(({ order }) => order)) &&
      proofs.every((one) => isReportable(one) && this.proved(one)) &&
      isRising(proofs.map(({ order }) => order)) &&
      this.said(replica, proven.report(message, this.context.hash), proof, true)
    );
  }

  /** 2f+t+1 different replicas accepted it, and signed that they did. */
  private proved({ acceptances, ...ballot }: CommitProof): boolean {
    const { n, f, hash } = this.context;
    const digest = proven.accepted(ballot, hash);
    return (
      acceptances.length >= quorumsOf(n, f).slow &&
      isRising(acceptances.map(({ replica }) => replica)) &&
      acceptances.every(({ replica, proof }) => this.said(replica, digest, proof, true))
    );
  }

  newView(message: FabNewView): boolean {
    const { view, reports, proof } = message;
    const { n, hash } = this.context;
    return (
      this.isQuorum(reports) &&
      reports.every((report) => report.to === view && this.report(report)) &&
      this.said(leaderOf(view, n), proven.newView(message, hash), proof, true)
    );
  }
}

/** Whether each number is above the one before: so that none stands twice. */
const isRising = (numbers: readonly number[]): boolean =>
  numbers.every((number, index) => index === 0 || number > numbers[index - 1]!);

/** All that must be authentic in a message; null if it is malformed in itself. */
export function claimsOf(
  message: FabMessage,
  from: ReplicaId | null,
  context: ClaimContext,
): readonly Claim[] | null {
  if (from === null && message.kind !== "request") return null; // clients only ask
  const claims = new Claims(context);
  return isWellFormed(message, claims) ? claims.all : null;
}

function isWellFormed(message: FabMessage, claims: Claims): boolean {
  switch (message.kind) {
    case "propose":
      return claims.propose(message);
    case "accepted":
      return claims.accepted(message, false);
    case "signed-accepted":
      return claims.accepted(message, true);
    case "commit-proof":
      return claims.commitProof(message);
    case "view-change":
      return claims.report(message);
    case "new-view":
      return claims.newView(message);
    default:
      return claims.common(message satisfies CommonMessage);
  }
}
