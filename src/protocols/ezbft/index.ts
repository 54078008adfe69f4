// ezBFT (thesis chapter 4): Byzantine faults, n = 3f+1, no leader: whoever a client asks orders its
// request, and what does not interfere is executed in any order. Corrected as protocols.md §4 says.

import type { Protocol } from "../../core/index.js";
import { clientSpeech } from "../../parts/index.js";
import { claimsOf, claimsOfAnswer } from "./claims.js";
import { EzbftClient } from "./client.js";
import { answerOf, type EzbftMessage, type EzbftRecord, messages, records } from "./messages.js";
import { EzbftReplica } from "./replica.js";

export const ezbft: Protocol<EzbftMessage, EzbftRecord> = {
  name: "ezbft",
  faultModel: "byzantine",
  paper: "Arun, Peluso, Ravindran, ICDCS 2019; thesis chapter 4",
  replicas: (f) => 3 * f + 1,
  replicasText: "3f+1",
  quorums: "3f+1, or 2f+1 three times",
  delays: 3,
  order: "partial",
  clientAuthentications: ["signature"],
  replicaAuthentications: ["signature"],
  usesTrustedCounter: false,
  messages,
  records,
  claims: claimsOf,
  replica: (context) => new EzbftReplica(context),
  client: {
    ...clientSpeech,
    reply: answerOf,
    replyQuorum: (f) => f + 1,
    takesPart: true,
    claims: claimsOfAnswer,
    machine: (context) => new EzbftClient(context),
  },
};

export { claimsOf, EzbftClient, EzbftReplica };
export * from "./messages.js";
export * from "./owner-change.js";
