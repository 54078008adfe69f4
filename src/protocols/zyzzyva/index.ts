// Zyzzyva (Kotla et al.): Byzantine faults, n = 3f+1, speculative execution; clients find out
// whether their requests are committed. View changes as protocols.md Z1 corrects them.

import type { Protocol } from "../../core/index.js";
import { clientSpeech, LeaderReplica } from "../../parts/index.js";
import { ZyzzyvaAgreement } from "./agreement.js";
import { claimsOf, claimsOfAnswer } from "./claims.js";
import { ZyzzyvaClient } from "./client.js";
import {
  answerOf,
  messages,
  records,
  type Zyzzyva,
  type ZyzzyvaMessage,
  type ZyzzyvaRecord,
} from "./messages.js";

export const zyzzyva: Protocol<ZyzzyvaMessage, ZyzzyvaRecord> = {
  name: "zyzzyva",
  faultModel: "byzantine",
  paper: "Kotla et al., SOSP 2007 and TOCS 2009",
  replicas: (f) => 3 * f + 1,
  replicasText: "3f+1",
  quorums: "3f+1, or 2f+1 twice",
  delays: 3,
  order: "total",
  clientAuthentications: ["signature"],
  replicaAuthentications: ["signature", "mac"],
  usesTrustedCounter: false,
  messages,
  records,
  claims: claimsOf,
  replica: (context) =>
    new LeaderReplica<Zyzzyva>(context, (replica) => new ZyzzyvaAgreement(replica), {
      speculates: true,
    }),
  client: {
    ...clientSpeech,
    reply: answerOf,
    replyQuorum: (f) => f + 1,
    takesPart: true,
    claims: claimsOfAnswer,
    machine: (context) => new ZyzzyvaClient(context),
  },
};

export { claimsOf, ZyzzyvaAgreement, ZyzzyvaClient };
export * from "./messages.js";
export * from "./view-change.js";
