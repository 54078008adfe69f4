// Requests on their way in (hybster.txt §5.2.1): from clients to the pending requests, and on to
// the leader if need be; and their answers.

import { bundleOf, digestOf, type Request, toWire } from "../../codec/index.js";
import type { ReplicaContext, ReplicaId } from "../../core/index.js";
import {
  type Answer,
  type Executor,
  type Outbox,
  type PendingRequests,
  toReplyMessage,
} from "../../parts/index.js";
import { quorumOf } from "./claims.js";
import { Endorsements } from "./endorsements.js";
import {
  certified,
  counters,
  type Endorsement,
  type HybsterMessage,
  type HybsterRecord,
} from "./messages.js";
import type { ViewChanger } from "./view-changer.js";

/** What the intake needs of the replica it belongs to. */
export interface IntakeHost {
  readonly context: ReplicaContext;
  readonly outbox: Outbox<HybsterMessage, HybsterRecord>;
  readonly pending: PendingRequests;
  readonly executor: Executor;
  readonly views: ViewChanger;
  readonly now: number;
  readonly isLeading: boolean;
  /** Proposes what is pending, at the end of the turn. */
  batchSoon(): void;
  /** Something waits: be patient for so long. */
  watch(): void;
}

/** What a replica does with requests before they are ordered. */
export class Intake {
  private readonly replica: IntakeHost;
  private readonly endorsements: Endorsements;

  constructor(replica: IntakeHost) {
    const { n, limits } = replica.context;
    this.replica = replica;
    this.endorsements = new Endorsements(n, quorumOf(n), limits.endorsementsMax);
  }

  onRequest(request: Request, from: ReplicaId | null): void {
    const { executor, outbox, context } = this.replica;
    const bundle = bundleOf(request)!;
    const answer = executor.answer(bundle);
    if (answer !== null) return this.reply(answer);
    if (bundle.number <= executor.settled(bundle)) {
      return outbox.drop("an answered request, its reply forgotten");
    }
    if (from === null && context.clientAuthentication === "mac") this.endorse(request);
    else this.admit(request);
  }

  /** Tells a client what became of its bundle. */
  reply(answer: Answer): void {
    const { outbox, views } = this.replica;
    outbox.reply(answer.client, answer.session, toReplyMessage(answer, views.view));
  }

  /** Takes a request that every replica can verify. */
  private admit(request: Request): void {
    const { pending, executor, outbox, now } = this.replica;
    const outcome = pending.add(request, executor.settled(bundleOf(request)!), now);
    if (outcome === "full") return outbox.drop("too many requests pending");
    if (outcome === "early") return outbox.drop("a request whose predecessors are missing");
    if (this.replica.isLeading) this.replica.batchSoon();
    this.replica.watch();
  }

  /** Passes on to the leader what has waited for a while: its client may not reach the leader. */
  forward(): void {
    const { views, context, pending, outbox, now } = this.replica;
    if (views.leader === context.replica || !views.isEstablished) return;
    const until = now - context.timing.statusMs;
    for (const { body, authenticator } of pending.takeUnforwarded(until)) {
      outbox.send(views.leader, { body, authenticator, kind: "request" });
    }
  }

  /** This replica's part of the client's authenticator is valid: it vouches for the request. */
  private endorse(request: Request): void {
    const { context, outbox } = this.replica;
    const { counter, hash, replica } = context;
    const digest = digestOf(request, hash);
    const attestation = counter.trustedMac(counters.mac, certified.endorsement(digest, hash));
    if (attestation === null) return;
    const message = {
      request: digest,
      attestation: toWire(attestation),
      kind: "endorsement",
    } as const;
    outbox.broadcast(message);
    this.endorsements.addRequest(request, digest, replica);
    this.onEndorsement(message);
  }

  onEndorsement({ request, attestation }: Endorsement): void {
    this.endorsements.add(request, attestation);
    const endorsed = this.endorsements.take(request);
    if (endorsed !== null) this.admit(endorsed);
  }
}
