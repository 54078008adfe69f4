// FaB (Martin and Alvisi): Byzantine faults, n = 3f+2t+1, no trusted parts; two steps from proposal
// to decision while at most t replicas are faulty, and a slow path for up to f.

import type { Protocol } from "../../core/index.js";
import { clientSpeech, leaderOf, LeaderReplica, quorumClient } from "../../parts/index.js";
import { FabAgreement } from "./agreement.js";
import { claimsOf } from "./claims.js";
import { type Fab, type FabMessage, type FabRecord, messages, records } from "./messages.js";

/** t = 0: as few replicas as Byzantine faults allow, and fast while none of them is faulty. */
export const fab: Protocol<FabMessage, FabRecord> = {
  name: "fab",
  faultModel: "byzantine",
  paper: "Martin and Alvisi, TDSC 2006, §5",
  replicas: (f) => 3 * f + 1,
  replicasText: "3f+1",
  quorums: "3f+1 of 3f+1, else 2f+1 twice",
  delays: 4,
  order: "total",
  clientAuthentications: ["signature"],
  replicaAuthentications: ["mac", "signature"],
  usesTrustedCounter: false,
  messages,
  records,
  claims: claimsOf,
  replica: (context) => new LeaderReplica<Fab>(context, (replica) => new FabAgreement(replica)),
  client: quorumClient<FabMessage>({
    ...clientSpeech,
    replyQuorum: (f) => f + 1,
    leader: leaderOf,
  }),
};

/** t = f: fast whatever f replicas do. */
export const fabFast: Protocol<FabMessage, FabRecord> = {
  ...fab,
  name: "fab-fast",
  paper: "Martin and Alvisi, TDSC 2006, §4",
  replicas: (f) => 5 * f + 1,
  replicasText: "5f+1",
  quorums: "4f+1 of 5f+1",
};

export { claimsOf, FabAgreement };
export * from "./messages.js";
export * from "./quorums.js";
export * from "./recovery.js";
