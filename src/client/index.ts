// The client library, and the pure machine in it.
export {
  type CertifiedResult,
  type Client,
  type ClientStatus,
  type ReplyCertificate,
} from "./client.js";
export { connect, type ConnectOptions } from "./connect.js";
export { type FailureEffect, TrothError, type TrothErrorCode } from "./errors.js";
export {
  type Answer,
  QuorumClient,
  type QuorumClientContext,
  type QuorumClientEffect,
  type QuorumClientInput,
} from "./quorum-client.js";
export type { ReplicaConnection } from "./session.js";
export type { CallOptions } from "./submission.js";
