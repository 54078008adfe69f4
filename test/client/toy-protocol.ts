// A protocol with the client's messages only, for tests of the client: requests in, replies out.

import {
  type Bundle,
  bundleOf,
  byteList,
  container,
  list,
  requestSchema,
  uint8,
  uint32,
  uint53,
  union,
  type MessageOf,
} from "../../src/codec/index.js";
import type { Reply } from "../../src/core/index.js";
import type { QuorumRules } from "../../src/parts/index.js";

const table = {
  request: requestSchema,
  reply: container({
    client: uint32,
    session: uint53,
    number: uint53,
    view: uint53,
    expired: uint8,
    results: list(byteList(1 << 20), 1024),
  }),
};

export type ToyMessage = MessageOf<typeof table>;

export const toyCodec = union(table);

/** What a toy replica sends. */
export function replyMessage({ outcome, results, ...rest }: Reply): ToyMessage {
  const expired = outcome === "session-expired" ? 1 : 0;
  return { kind: "reply", ...rest, expired, results: [...results] };
}

/** The bundle in a message that is a request. */
export function bundleIn(message: ToyMessage): Bundle {
  if (message.kind !== "request") throw new Error("a client sends nothing but requests");
  const bundle = bundleOf(message);
  if (bundle === null) throw new Error("a client sends well-formed bundles");
  return bundle;
}

/** Who asks whom, and what makes a result. */
export const toyRules: QuorumRules<ToyMessage> = {
  replyQuorum: (f) => f + 1,
  request: (body, authenticator) => ({ kind: "request", body, authenticator }),
  reply(message) {
    if (message.kind !== "reply") return null;
    const { kind: _, expired, ...rest } = message;
    return { ...rest, outcome: expired === 1 ? "session-expired" : "executed" };
  },
  leader: (view, n) => view % n,
  asksEveryone: (authentication) => authentication === "mac",
};

/** What the toy service answers: the operation backwards, and one byte more. */
export function toyResult(operation: Uint8Array): Uint8Array {
  return Uint8Array.from([...operation.toReversed(), 7]);
}
