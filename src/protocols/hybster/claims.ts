// What must be authentic in each message, and what makes one malformed in itself. No state is
// looked at here.

import { digestOf, fromWire, type Request, type WireAttestation } from "../../codec/index.js";
import {
  type AttestationKind,
  type Claim,
  type ClaimContext,
  type Digest,
  equalBytes,
  type Position,
  type ReplicaId,
} from "../../core/index.js";
import { batchDigest, boundedBundle, leaderOf } from "../../parts/index.js";
import { decodeEndorsements } from "./endorsements.js";
import {
  type Acknowledgement,
  certified,
  type Checkpoint,
  type Commit,
  counters,
  type Endorsement,
  type Established,
  type Header,
  type HybsterMessage,
  type NewView,
  planDigest,
  type Prepare,
  type Stable,
  type ViewChange,
} from "./messages.js";
import { coversCounter, firstReported, leavesForGood } from "./view-change.js";

/** A quorum: any two share a replica, and each has a correct one (hybster.txt §5.2). */
export const quorumOf = (n: number): number => Math.floor(n / 2) + 1;

/** Gathers claims; `false` from any part means that the message is malformed. */
class Claims {
  readonly all: Claim[] = [];
  private readonly claimContext: ClaimContext;

  constructor(context: ClaimContext) {
    this.claimContext = context;
  }

  private attested(
    wire: WireAttestation,
    kind: AttestationKind,
    counter: number,
    next: Position | null,
    digest: Digest,
  ): boolean {
    const attestation = fromWire(wire);
    if (attestation === null || attestation.kind !== kind || wire.counter !== counter) return false;
    if (next !== null && (wire.next.view !== next.view || wire.next.order !== next.order))
      return false;
    if (wire.instance >= this.claimContext.n) return false;
    this.all.push({ kind: "attestation", attestation, digest });
    return true;
  }

  /** A request from its client. */
  request(request: Request): boolean {
    const bundle = boundedBundle(request, this.claimContext.limits);
    if (bundle === null) return false;
    const digest = digestOf(request, this.claimContext.hash);
    const { authenticator } = request;
    this.all.push({ kind: "client", client: bundle.client, digest, authenticator });
    return true;
  }

  /**
   * A request from a replica: with the client's own proof, or with endorsements where that proves
   * nothing here.
   */
  relayed(request: Request): boolean {
    if (this.claimContext.clientAuthentication !== "mac") return this.request(request);
    const { hash } = this.claimContext;
    const digest = certified.endorsement(digestOf(request, hash), hash);
    const endorsements = decodeEndorsements(request.authenticator);
    return (
      boundedBundle(request, this.claimContext.limits) !== null &&
      endorsements !== null &&
      this.isQuorum(endorsements.map((attestation) => ({ attestation }))) &&
      endorsements.every((wire) => this.attested(wire, "trusted-mac", counters.mac, null, digest))
    );
  }

  endorsement({ request, attestation }: Endorsement): boolean {
    const digest = certified.endorsement(request, this.claimContext.hash);
    return this.attested(attestation, "trusted-mac", counters.mac, null, digest);
  }

  /** A batch that is what its digest says. */
  requests(requests: readonly Request[], digest: Digest): boolean {
    const { batchRequestsMax } = this.claimContext.limits;
    if (requests.length === 0 || requests.length > batchRequestsMax) return false;
    if (!requests.every((request) => this.relayed(request))) return false;
    return equalBytes(batchDigest(requests, this.claimContext.hash), digest);
  }

  header({ view, order, batch, attestation }: Header): boolean {
    if (order === 0 || attestation.instance !== leaderOf(view, this.claimContext.n)) return false;
    const digest = certified.prepare(batch, this.claimContext.hash);
    return this.attested(attestation, "independent", counters.order, { view, order }, digest);
  }

  prepare(message: Prepare): boolean {
    const { requests, batch } = message;
    return this.header(message) && (requests.length === 0 || this.requests(requests, batch));
  }

  commit({ view, order, batch, attestation }: Commit): boolean {
    if (order === 0 || attestation.instance === leaderOf(view, this.claimContext.n)) return false;
    const digest = certified.commit(batch, this.claimContext.hash);
    return this.attested(attestation, "independent", counters.order, { view, order }, digest);
  }

  checkpoint(message: Checkpoint): boolean {
    const digest = certified.checkpoint(message, this.claimContext.hash);
    return this.attested(message.attestation, "trusted-mac", counters.mac, null, digest);
  }

  acknowledgement(message: Acknowledgement): boolean {
    const digest = certified.acknowledgement(message, this.claimContext.hash);
    return this.attested(message.attestation, "trusted-mac", counters.mac, null, digest);
  }

  private isQuorum(votes: readonly { readonly attestation: WireAttestation }[]): boolean {
    const voters = new Set(votes.map(({ attestation }) => attestation.instance));
    return voters.size === votes.length && voters.size >= quorumOf(this.claimContext.n);
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

  /** EC(view): a quorum of equal acknowledgements of exactly this plan. */
  established({ view, base, last, plan, acknowledgements }: Established): boolean {
    if (plan.length !== last - base) return false;
    if (view === 0) return last === 0 && acknowledgements.length === 0;
    const digest = planDigest(plan, this.claimContext.hash);
    return (
      this.isQuorum(acknowledgements) &&
      acknowledgements.every(
        (message) =>
          message.view === view &&
          message.base === base &&
          message.last === last &&
          equalBytes(message.plan, digest) &&
          this.acknowledgement(message),
      )
    );
  }

  viewChange(message: ViewChange): boolean {
    const { established, stable, prepares, attestation } = message;
    if (!leavesForGood(message) || !coversCounter(message, attestation.previous)) return false;
    if (stable.order < established.base || !this.established(established)) return false;
    if (!this.stable(stable)) return false;
    const first = firstReported(established, stable);
    const areConsecutive = prepares.every(
      (prepare, index) =>
        prepare.view === established.view &&
        prepare.order === first + index &&
        this.header(prepare),
    );
    if (!areConsecutive || prepares.length > 2 * this.claimContext.limits.checkpointOrders)
      return false;
    const digest = certified.viewChange(message, this.claimContext.hash);
    return this.attested(attestation, "continuing", counters.order, null, digest);
  }

  /** A quorum of view changes, of different replicas, to `to`. */
  viewChanges(viewChanges: readonly ViewChange[], to: number): boolean {
    return (
      this.isQuorum(viewChanges) &&
      viewChanges.every((message) => message.to === to && this.viewChange(message))
    );
  }

  newView(message: NewView): boolean {
    const { view, viewChanges, attestation } = message;
    if (attestation.instance !== leaderOf(view, this.claimContext.n)) return false;
    const digest = certified.newView(message, this.claimContext.hash);
    const next = { view, order: 0 };
    return (
      this.attested(attestation, "independent", counters.newView, next, digest) &&
      this.viewChanges(viewChanges, view)
    );
  }
}

/** All that must be authentic in a message; null if it is malformed in itself. */
export function claimsOf(
  message: HybsterMessage,
  from: ReplicaId | null,
  context: ClaimContext,
): readonly Claim[] | null {
  if (from === null && message.kind !== "request") return null; // clients only ask
  const claims = new Claims(context);
  if (message.kind === "request") {
    const isWell = from === null ? claims.request(message) : claims.relayed(message);
    return isWell ? claims.all : null;
  }
  return isWellFormed(message, claims) ? claims.all : null;
}

function isWellFormed(
  message: Exclude<HybsterMessage, { kind: "request" }>,
  claims: Claims,
): boolean {
  switch (message.kind) {
    case "endorsement":
      return claims.endorsement(message);
    case "prepare":
      return claims.prepare(message);
    case "commit":
      return claims.commit(message);
    case "checkpoint":
      return claims.checkpoint(message);
    case "view-change":
      return claims.viewChange(message);
    case "certificate":
      return claims.viewChanges(message.viewChanges, message.viewChanges[0]?.to ?? 0);
    case "new-view":
      return claims.newView(message);
    case "acknowledgement":
      return claims.acknowledgement(message);
    case "established":
      return claims.established(message);
    case "batch":
      return claims.requests(message.requests, message.digest);
    case "reply":
      return false; // replicas answer clients, not each other
    case "status":
    case "fetch-batch":
    case "fetch-manifest":
    case "manifest":
    case "fetch-pages":
    case "pages":
      return true; // authentic by their link; what they say is checked against certificates
  }
}
