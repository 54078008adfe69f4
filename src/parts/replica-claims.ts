// What must be authentic in the messages that protocols with a leader share, and what makes one
// malformed in itself. A protocol's claims are made of these and of its own.

import { digestOf, type Request } from "../codec/index.js";
import {
  type Claim,
  type ClaimContext,
  type Digest,
  equalBytes,
  type ReplicaId,
} from "../core/index.js";
import { batchDigest, boundedBundle } from "./batch.js";
import {
  type Checkpoint,
  checkpointDigest,
  type CommonMessage,
  leaderOf,
  type Proposal,
  type StableCheckpoint,
} from "./leader-messages.js";

/** Gathers claims; `false` from any part means that the message is malformed. */
export class ReplicaClaims {
  readonly all: Claim[] = [];
  readonly context: ClaimContext;
  /** How many statements are a proof: of n replicas all but f. */
  private readonly quorum: number;

  constructor(context: ClaimContext) {
    this.context = context;
    this.quorum = context.n - context.f;
  }

  /** That a replica said it, to this one; or, if transferable, to anybody. */
  said(replica: ReplicaId, digest: Digest, proof: Uint8Array, isTransferable = false): boolean {
    if (replica >= this.context.n) return false;
    this.all.push({ kind: "replica", replica, digest, proof, isTransferable });
    return true;
  }

  /** A request from its client, whoever passes it on. */
  request(request: Request): boolean {
    const bundle = boundedBundle(request, this.context.limits);
    if (bundle === null) return false;
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

  /** A proposal of its view's leader; `digest` is what its proof is over. */
  proposal({ view, order, batch, proof, requests }: Proposal, digest: Digest): boolean {
    const leader = leaderOf(view, this.context.n);
    return order > 0 && this.said(leader, digest, proof) && this.requests(requests, batch);
  }

  checkpoint(message: Checkpoint): boolean {
    const digest = checkpointDigest(message, this.context.hash);
    return this.said(message.replica, digest, message.proof, true);
  }

  /** Different replicas, as many as it takes. */
  isQuorum(messages: readonly { readonly replica: ReplicaId }[]): boolean {
    const replicas = new Set(messages.map(({ replica }) => replica));
    return replicas.size === messages.length && replicas.size >= this.quorum;
  }

  stable({ order, digest, statements }: StableCheckpoint): boolean {
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

  /** The messages that are the same in every protocol with a leader, view changes excepted. */
  common(message: CommonMessage): boolean {
    switch (message.kind) {
      case "request":
        return this.request(message);
      case "checkpoint":
        return this.checkpoint(message);
      case "batch":
        return this.requests(message.requests, message.digest);
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
}
