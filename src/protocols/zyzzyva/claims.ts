// What must be authentic in each message, and what makes one malformed in itself. No state is
// looked at here.

import {
  type Claim,
  type ClaimContext,
  type Digest,
  equalBytes,
  type ReplicaId,
} from "../../core/index.js";
import { type CommonMessage, leaderOf, ReplicaClaims } from "../../parts/index.js";
import {
  type Certificate,
  entriesOf,
  type OrderReq,
  type Point,
  proven,
  type Report,
  type SignedOrder,
  type SignedPoint,
  type ZyzzyvaMessage,
  type ZyzzyvaNewView,
} from "./messages.js";

class Claims extends ReplicaClaims {
  /** By the leader of its view. */
  order({ view, order, history, batch, proof }: SignedOrder): boolean {
    const digest = proven.order({ view, order, history, batch }, this.context.hash);
    return order > 0 && this.said(leaderOf(view, this.context.n), digest, proof, true);
  }

  orderReq(message: OrderReq): boolean {
    return this.order(message) && this.requests(message.requests, message.batch);
  }

  reached({ view, order, history, replica, proof }: SignedPoint): boolean {
    const digest = proven.reached({ view, order, history }, this.context.hash);
    return order > 0 && this.said(replica, digest, proof, true);
  }

  confirm({ view, order, history, replica, proof }: SignedPoint): boolean {
    const digest = proven.confirm({ view, order, history }, this.context.hash);
    return view > 0 && this.said(replica, digest, proof, true);
  }

  /** 2f+1 signatures under one point. */
  private signed({ signatures }: Certificate, digest: Digest): boolean {
    return (
      this.isQuorum(signatures) &&
      signatures.every(({ replica, proof }) => this.said(replica, digest, proof, true))
    );
  }

  /** CC. */
  commitCertificate(certificate: Certificate): boolean {
    const { view, order, history } = certificate;
    const digest = proven.reached({ view, order, history }, this.context.hash);
    return order > 0 && this.signed(certificate, digest);
  }

  /** EC. */
  established(certificate: Certificate): boolean {
    const { view, order, history, signatures } = certificate;
    if (view === 0) return order === 0 && signatures.length === 0 && isNothing(history);
    const digest = proven.confirm({ view, order, history }, this.context.hash);
    return this.signed(certificate, digest);
  }

  misbehaviour({ one, other }: { one: SignedOrder; other: SignedOrder }): boolean {
    return (
      one.view === other.view &&
      one.order === other.order &&
      !(equalBytes(one.history, other.history) && equalBytes(one.batch, other.batch)) &&
      this.order(one) &&
      this.order(other)
    );
  }

  report(message: Report): boolean {
    const { to, stable, established, commit, replica, proof } = message;
    return (
      established.view < to &&
      this.stable(stable) &&
      this.established(established) &&
      commit.every((certificate) => this.commitCertificate(certificate)) &&
      this.isCoherent(message) &&
      this.said(replica, proven.report(message, this.context.hash), proof, true)
    );
  }

  /** Whether the orders of a report lead from its checkpoint to what its certificates say. */
  private isCoherent(message: Report): boolean {
    const { stable, established, base, ordered, commit } = message;
    const { hash, limits } = this.context;
    const { view } = established;
    if (base.length !== Math.max(0, established.order - stable.order)) return false;
    if (base.length + ordered.length > 2 * limits.checkpointOrders) return false;
    if (stable.order === 0 && !isNothing(message.start)) return false;
    const entries = entriesOf(message, hash);
    const isThere = ({ order, history }: Point) => {
      const entry = entries[order - stable.order - 1];
      return order <= stable.order || (entry !== undefined && equalBytes(entry.history, history));
    };
    const isOrdered = entries
      .slice(base.length)
      .every(({ order, batch, history, proof }) =>
        this.order({ view, order, history, batch, proof: proof! }),
      );
    return (
      isThere(established) &&
      commit.every((certificate) => certificate.view === view && isThere(certificate)) &&
      isOrdered
    );
  }

  newView(message: ZyzzyvaNewView): boolean {
    const { view, reports, proof } = message;
    const { n, hash } = this.context;
    return (
      this.isQuorum(reports) &&
      reports.every((report) => report.to === view && this.report(report)) &&
      this.said(leaderOf(view, n), proven.newView(message, hash), proof, true)
    );
  }
}

const isNothing = (history: Digest): boolean => history.every((byte) => byte === 0);

/** Clients ask, and show what they have. */
const clientKinds = new Set<ZyzzyvaMessage["kind"]>(["request", "commit", "misbehaviour"]);

/** All that must be authentic in a message; null if it is malformed in itself. */
export function claimsOf(
  message: ZyzzyvaMessage,
  from: ReplicaId | null,
  context: ClaimContext,
): readonly Claim[] | null {
  if (from === null && !clientKinds.has(message.kind)) return null;
  const claims = new Claims(context);
  return isWellFormed(message, claims) ? claims.all : null;
}

/**
 * All that must be authentic in an answer to a client: nothing but its link. Signatures in it are
 * for others, whom the client may have to show them; it checks them before it does.
 */
export function claimsOfAnswer(message: ZyzzyvaMessage, from: ReplicaId): readonly Claim[] | null {
  if (message.kind !== "spec-response") return [];
  return message.replica === from && message.order > 0 ? [] : null;
}

function isWellFormed(message: ZyzzyvaMessage, claims: Claims): boolean {
  switch (message.kind) {
    case "order-req":
      return claims.orderReq(message);
    case "spec-response":
      return false; // replicas answer clients, not each other
    case "commit":
      return claims.commitCertificate(message.certificate);
    case "reached":
      return claims.reached(message);
    case "view-confirm":
      return claims.confirm(message);
    case "established":
      return message.view > 0 && claims.established(message);
    case "misbehaviour":
      return claims.misbehaviour(message);
    case "view-change":
      return claims.report(message);
    case "new-view":
      return claims.newView(message);
    case "local-commit":
      return false;
    case "certified":
    case "fill-hole":
      return true; // authentic by its link
    default:
      return claims.common(message satisfies CommonMessage);
  }
}
