// Hybster (hybster.txt §5.2): hybrid faults, n = 2f+1, two phases, one trusted counter a replica.

import type { Protocol } from "../../core/index.js";
import { clientSpeech, leaderOf, quorumClient } from "../../parts/index.js";
import { claimsOf, quorumOf } from "./claims.js";
import { type HybsterMessage, type HybsterRecord, messages, records } from "./messages.js";
import { HybsterReplica } from "./replica.js";

export const hybster: Protocol<HybsterMessage, HybsterRecord> = {
  name: "hybster",
  faultModel: "hybrid",
  paper: "hybster.txt §5.2",
  replicas: (f) => 2 * f + 1,
  replicasText: "2f+1",
  quorums: "f+1 of 2f+1",
  delays: 4,
  order: "total",
  clientAuthentications: ["trusted-mac", "signature", "mac"],
  replicaAuthentications: [],
  usesTrustedCounter: true,
  messages,
  records,
  claims: claimsOf,
  replica: (context) => new HybsterReplica(context),
  client: quorumClient<HybsterMessage>({
    ...clientSpeech,
    replyQuorum: (f) => f + 1,
    leader: leaderOf,
    asksEveryone: (authentication) => authentication === "mac",
  }),
};

export { encodeEndorsements } from "./endorsements.js";
export { claimsOf, HybsterReplica, quorumOf };
export * from "./messages.js";
export * from "./view-change.js";
