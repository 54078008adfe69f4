// Requests with MAC authenticators, before they are ordered: this replica vouches for what
// convinces it, and admits what f+1 replicas vouch for.

import { digestOf, type Request, toWire } from "../../codec/index.js";
import type { ReplicaContext } from "../../core/index.js";
import type { Intake, Outbox } from "../../parts/index.js";
import { quorumOf } from "./claims.js";
import { Endorsements } from "./endorsements.js";
import {
  certified,
  counters,
  type Endorsement,
  type HybsterMessage,
  type HybsterRecord,
} from "./messages.js";

/** What the endorser needs of the replica it belongs to. */
export interface EndorserHost {
  readonly context: ReplicaContext;
  readonly outbox: Outbox<HybsterMessage, HybsterRecord>;
  readonly intake: Intake;
}

/** Says which requests this replica believes, and hears what others say. */
export class Endorser {
  private readonly replica: EndorserHost;
  private readonly endorsements: Endorsements;

  constructor(replica: EndorserHost) {
    const { n, limits } = replica.context;
    this.replica = replica;
    this.endorsements = new Endorsements(n, quorumOf(n), limits.endorsementsMax);
  }

  /** This replica's part of the client's authenticator is valid: it vouches for the request. */
  endorse(request: Request): void {
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
    if (endorsed !== null) this.replica.intake.admit(endorsed);
  }
}
