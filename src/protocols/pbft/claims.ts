// What must be authentic in each message, and what makes one malformed in itself. No state is
// looked at here.

import { bundleOf, digestOf, type Request } from "../../codec/index.js";
import {
  type Claim,
  type ClaimContext,
  type Digest,
  equalBytes,
  type ReplicaId,
} from "../../core/index.js";
import { batchDigest } from "../../parts/index.js";
import {
  type Ballot,
  type Checkpoint,
  type PbftMessage,
  type PbftNewView,
  type PbftReport,
  type PrePrepare,
  proven,
  seenMax,
  type Stable,
  type Vote,
} from "./messages.js";
import { decide } from "./view-change.js";

/** Any two quorums of 3f+1 share a correct replica (protocols.md P1). */
export const quorumOf = (f: number): number => 2 * f + 1;

export const leaderOf = (view: number, n: number): ReplicaId => view % n;

/** Gathers claims; `false` from any part means that the message is malformed. */
class Claims {
  readonly all: Claim[] = [];
  private readonly context: ClaimContext;

  constructor(context: ClaimContext) {
    this.context = context;
  }

  private said(
    replica: ReplicaId,
    digest: Digest,
    proof: Uint8Array,
    isTransferable: boolean,
  ): boolean {
    if (replica >= this.context.n) return false;
    this.all.push({ kind: "replica", replica, digest, proof, isTransferable });
    return true;
  }

  /** A request from its client, whoever passes it on. */
  request(request: Request): boolean {
    const bundle = bundleOf(request);
    if (bundle === null || !isWithinLimits(request, this.context)) return false;
    const digest = digestOf(request, this.context.hash);
    const { authenticator } = request;
    this.all.push({ kind: "client", client: bundle.client, digest, authenticator });
    return true;
  }

  /** A batch that is what its digest says. */
  requests(requests: readonly Request[], digest: Digest): boolean {
    const { batchRequestsMax } = this.context.limits;
    if (requests.length === 0 || requests.length > batchRequestsMax) return false;
    if (!requests.every((request) => this.request(request))) return false;
    return equalBytes(batchDigest(requests, this.context.hash), digest);
  }

  prePrepare(message: PrePrepare): boolean {
    const { view, order, batch, proof, requests } = message;
    const digest = proven.prePrepare({ view, order, batch }, this.context.hash);
    const leader = leaderOf(view, this.context.n);
    return order > 0 && this.said(leader, digest, proof, false) && this.requests(requests, batch);
  }

  prepare({ view, order, batch, replica, proof }: Vote): boolean {
    if (order === 0 || replica === leaderOf(view, this.context.n)) return false;
    const digest = proven.prepare({ view, order, batch }, this.context.hash);
    return this.said(replica, digest, proof, false);
  }

  commit({ view, order, batch, replica, proof }: Vote): boolean {
    const digest = proven.commit({ view, order, batch }, this.context.hash);
    return order > 0 && this.said(replica, digest, proof, false);
  }

  checkpoint(message: Checkpoint): boolean {
    const digest = proven.checkpoint(message, this.context.hash);
    return this.said(message.replica, digest, message.proof, true);
  }

  /** Different replicas, as many as it takes. */
  private isQuorum(messages: readonly { readonly replica: ReplicaId }[]): boolean {
    const replicas = new Set(messages.map(({ replica }) => replica));
    return replicas.size === messages.length && replicas.size >= quorumOf(this.context.f);
  }

  stable({ order, digest, statements }: Stable): boolean {
    if (order === 0) return statements.length === 0;
    return (
      this.isQuorum(statements) &&
      statements.every(
        (statement) =>
          statement.order === order &&
          equalBytes(statement.digest, digest) &&
          this.checkpoint(statement),
      )
    );
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

function isWithinLimits(request: Request, { limits }: ClaimContext): boolean {
  const { operations, session, number, acknowledged } = bundleOf(request)!;
  const { bundleOperationsMax, bundleBytesMax, operationBytesMax } = limits;
  return (
    request.body.length <= bundleBytesMax &&
    operations.length > 0 &&
    operations.length <= bundleOperationsMax &&
    operations.every((operation) => operation.length <= operationBytesMax) &&
    session > 0 &&
    number > acknowledged
  );
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
    case "request":
      return claims.request(message);
    case "pre-prepare":
      return claims.prePrepare(message);
    case "prepare":
      return claims.prepare(message);
    case "commit":
      return claims.commit(message);
    case "checkpoint":
      return claims.checkpoint(message);
    case "view-change":
      return claims.report(message);
    case "new-view":
      return claims.newView(message);
    case "batch":
      return claims.requests(message.requests, message.digest);
    case "reply":
      return false; // replicas answer clients, not each other
    case "decided":
      return message.order > 0; // authentic by its link
    case "status":
    case "fetch-batch":
    case "fetch-manifest":
    case "manifest":
    case "fetch-pages":
    case "pages":
      return true; // authentic by their link; what they say is checked against certificates
  }
}
