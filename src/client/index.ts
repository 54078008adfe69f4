// The client library: the host of the machines of core/client-machine.ts, and calls in front of it.
export {
  type CertifiedResult,
  type Client,
  type ClientStatus,
  type ReplyCertificate,
} from "./client.js";
export { connect, type ConnectOptions } from "./connect.js";
export { type FailureEffect, TrothError, type TrothErrorCode } from "./errors.js";
export type { ReplicaConnection } from "./session.js";
export type { CallOptions } from "./submission.js";
