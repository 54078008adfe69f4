// What clients and replicas say to each other, the same in every protocol whose clients only ask
// and wait.

import {
  byteList,
  container,
  list,
  type MessageOf,
  requestSchema,
  uint8,
  uint32,
  uint53,
  wireLimits,
} from "../codec/index.js";
import type { Reply, Tagged } from "../core/index.js";
import type { Answer } from "./executor.js";

export const clientMessages = {
  /** A client's bundle, from the client itself or passed on by a replica. */
  request: requestSchema,
  /** One replica's answer to a bundle. */
  reply: container({
    client: uint32,
    session: uint53,
    number: uint53,
    view: uint53,
    outcome: uint8,
    results: list(byteList(wireLimits.operationBytes), wireLimits.bundleOperations),
  }),
} as const;

export type ReplyMessage = Extract<MessageOf<typeof clientMessages>, { kind: "reply" }>;

const outcomes: readonly Reply["outcome"][] = ["executed", "session-expired"];

export function toReplyMessage(answer: Answer, view: number): ReplyMessage {
  const { outcome, results, ...rest } = answer;
  return {
    kind: "reply",
    ...rest,
    view,
    outcome: outcomes.indexOf(outcome),
    results: results as Uint8Array[],
  };
}

/** Null if the outcome is not one we know. */
export function fromReplyMessage(message: ReplyMessage): Reply | null {
  const outcome = outcomes[message.outcome];
  return outcome === undefined ? null : { ...message, outcome };
}

/** How clients speak these messages; see `quorumClient`. */
export const clientSpeech = {
  request: (body: Uint8Array, authenticator: Uint8Array) =>
    ({ kind: "request", body, authenticator }) as const,
  reply: (message: Tagged): Reply | null => (isReply(message) ? fromReplyMessage(message) : null),
} as const;

const isReply = (message: Tagged): message is ReplyMessage => message.kind === "reply";
