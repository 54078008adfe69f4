// PBFT (Castro and Liskov): Byzantine faults, n = 3f+1, three phases, no trusted parts. With
// trusted MACs in place of authenticators it is HybridPBFT (hybster.txt §6): nothing else differs.

import type { Protocol } from "../../core/index.js";
import { clientSpeech, leaderOf, LeaderReplica, quorumClient } from "../../parts/index.js";
import { PbftAgreement } from "./agreement.js";
import { claimsOf } from "./claims.js";
import { messages, type Pbft, type PbftMessage, type PbftRecord, records } from "./messages.js";

export const pbft: Protocol<PbftMessage, PbftRecord> = {
  name: "pbft",
  faultModel: "byzantine",
  paper: "Castro and Liskov, OSDI 1999 and TOCS 2002",
  replicas: (f) => 3 * f + 1,
  replicasText: "3f+1",
  quorums: "2f+1 of 3f+1",
  delays: 5,
  order: "total",
  clientAuthentications: ["signature"],
  replicaAuthentications: ["mac", "signature"],
  usesTrustedCounter: false,
  messages,
  records,
  claims: claimsOf,
  replica: (context) => new LeaderReplica<Pbft>(context, (replica) => new PbftAgreement(replica)),
  client: quorumClient<PbftMessage>({
    ...clientSpeech,
    replyQuorum: (f) => f + 1,
    leader: leaderOf,
  }),
};

export const hybridPbft: Protocol<PbftMessage, PbftRecord> = {
  ...pbft,
  name: "hybrid-pbft",
  paper: "hybster.txt §6",
  clientAuthentications: ["trusted-mac", "signature"],
  replicaAuthentications: ["trusted-mac"],
};

export { claimsOf, PbftAgreement };
export * from "./messages.js";
export * from "./view-change.js";
