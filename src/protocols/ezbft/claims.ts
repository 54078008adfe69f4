// What must be authentic in each message, and what makes one malformed in itself. No state is
// looked at here.

import { bundleOf, decodeWith, type Request } from "../../codec/index.js";
import {
  type Claim,
  type ClaimContext,
  type Digest,
  equalBytes,
  type ReplicaId,
} from "../../core/index.js";
import { annexedDigest, ReplicaClaims } from "../../parts/index.js";
import {
  type Ballot,
  barrierDigest,
  type Certificate,
  type EzbftMessage,
  frontierSchema,
  type NewOwner,
  type Order,
  ownerOf,
  type Proposal,
  proven,
  type Report,
  type Shown,
  type SpecOrder,
  type Value,
} from "./messages.js";

class Claims extends ReplicaClaims {
  private isPlace({ space, slot }: { readonly space: number; readonly slot: number }): boolean {
    return space < this.context.n && slot > 0;
  }

  /** In its own space, an instance comes after earlier slots only. */
  private isValue(
    place: { readonly space: number; readonly slot: number },
    { dependencies, sequence }: Omit<Value, "batch">,
  ): boolean {
    return (
      this.isPlace(place) &&
      dependencies.length === this.context.n &&
      dependencies[place.space]! < place.slot &&
      sequence < 2 ** 48
    );
  }

  order(order: Order): boolean {
    const { space, view, proof } = order;
    const { n, hash } = this.context;
    return (
      this.isValue(order, order) &&
      ownerOf(space, view, n) === space && // who steps in settles what there is, and orders nothing
      this.said(space, proven.order(order, hash), proof, true)
    );
  }

  specOrder(message: SpecOrder): boolean {
    return this.order(message) && this.contents(message.requests, message.batch);
  }

  /** A batch, or none where a digest says that there is none. */
  contents(requests: readonly Request[], digest: Digest): boolean {
    if (requests.length === 0) return equalBytes(digest, barrierDigest(this.context.hash));
    return this.requests(requests, digest) && this.areOfDifferentClients(requests);
  }

  /** What one bundle answers must not depend on another of its client's in the same batch. */
  private areOfDifferentClients(requests: readonly Request[]): boolean {
    const clients = new Set(requests.map((request) => bundleOf(request)?.client));
    return clients.size === requests.length;
  }

  vote(kind: "ack" | "prepare", ballot: Ballot, replica: ReplicaId, proof: Uint8Array): boolean {
    const digest = proven[kind](ballot, this.context.hash);
    return this.isValue(ballot, ballot) && this.said(replica, digest, proof, true);
  }

  private slowPath(message: Proposal): boolean {
    const { space, slot, view, batch, opinions } = message;
    return (
      this.isPlace(message) &&
      opinions.length === this.context.n - this.context.f &&
      this.isQuorum(opinions) &&
      opinions.every(({ replica, dependencies, sequence, proof }) =>
        this.vote("ack", { space, slot, view, batch, dependencies, sequence }, replica, proof),
      )
    );
  }

  private certificate(certificate: Certificate): boolean {
    const { signatures } = certificate;
    return (
      this.isQuorum(signatures) &&
      signatures.every(({ replica, proof }) => this.vote("prepare", certificate, replica, proof))
    );
  }

  /** The frontier is a part of the state that the checkpoint certifies. */
  private shown({ stable, rest, frontier }: Shown): boolean {
    const { hash, n } = this.context;
    const read = decodeWith(frontierSchema, frontier);
    if (read === null || read.done.length !== n) return false;
    if (stable.order === 0) return this.stable(stable) && read.done.every((slot) => slot === 0);
    return (
      this.stable(stable) && equalBytes(annexedDigest(rest, hash(frontier), hash), stable.digest)
    );
  }

  report(message: Report): boolean {
    const { space, to, shown, entries, replica, proof } = message;
    if (space >= this.context.n || to === 0) return false;
    let last = 0;
    const areInOrder = entries.every(({ slot }) => slot > last && (last = slot) > 0);
    return (
      areInOrder &&
      this.shown(shown) &&
      entries.every(({ slot, acked, prepared }) => {
        const isHere = (one: Certificate): boolean =>
          one.space === space && one.slot === slot && one.view < to && this.certificate(one);
        return (
          acked.every((one) => one.view < to && this.isValue({ space, slot }, one)) &&
          prepared.every(isHere)
        );
      }) &&
      this.said(replica, proven.report(message, this.context.hash), proof, true)
    );
  }

  newOwner(message: NewOwner): boolean {
    const { space, view, reports, proof } = message;
    const { n, hash } = this.context;
    return (
      this.isQuorum(reports) &&
      reports.every((one) => one.space === space && one.to === view && this.report(one)) &&
      this.said(ownerOf(space, view, n), proven.newView(message, hash), proof, true)
    );
  }

  misbehaviour(one: Order, other: Order): boolean {
    const isOnePlace =
      one.space === other.space && one.slot === other.slot && one.view === other.view;
    const { hash } = this.context;
    const isSame = equalBytes(proven.order(one, hash), proven.order(other, hash));
    return isOnePlace && !isSame && this.order(one) && this.order(other);
  }

  message(message: EzbftMessage, from: ReplicaId | null): boolean {
    switch (message.kind) {
      case "request":
        return this.request(message);
      case "misbehaviour":
        return this.misbehaviour(message.one, message.other);
      default:
        return from !== null && this.ofReplica(message, from);
    }
  }

  /** What is authentic by its link is believed as that replica's word only. */
  private ofReplica(
    message: Exclude<EzbftMessage, { kind: "request" | "misbehaviour" }>,
    from: ReplicaId,
  ): boolean {
    switch (message.kind) {
      case "spec-order":
        return this.specOrder(message);
      case "ack":
      case "prepare":
        return this.vote(message.kind, message, message.replica, message.proof);
      case "propose":
        return this.slowPath(message) && this.isOwner(message, from);
      case "commit":
      case "decided":
        return this.isValue(message, message);
      case "view-change":
        return this.report(message);
      case "new-view":
        return this.newOwner(message);
      case "checkpoint":
        return this.checkpoint(message);
      case "batch":
        return this.contents(message.requests, message.digest);
      case "status":
        return message.spaces.length === this.context.n;
      case "fetch-order":
        return this.isPlace(message);
      case "fetch-batch":
      case "fetch-manifest":
      case "manifest":
      case "fetch-pages":
      case "pages":
        return true; // what they say is checked against certificates
      case "reply":
      case "spec-reply":
        return false; // replicas answer clients, not each other
    }
  }

  private isOwner({ space, view }: Proposal, from: ReplicaId): boolean {
    return ownerOf(space, view, this.context.n) === from;
  }
}

/** All that must be authentic in a message, or null if it is malformed. */
export function claimsOf(
  message: EzbftMessage,
  from: ReplicaId | null,
  context: ClaimContext,
): readonly Claim[] | null {
  const claims = new Claims(context);
  return claims.message(message, from) ? claims.all : null;
}

/** What a client is told is authentic by its link; what it shows, replicas check. */
export const claimsOfAnswer = (message: EzbftMessage): readonly Claim[] | null =>
  message.kind === "reply" || message.kind === "spec-reply" ? [] : null;
