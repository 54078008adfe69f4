// The package's entry, `import { connect } from "troth"`: what a program that uses a cluster, or
// brings a service, needs.
export {
  type CallOptions,
  type CertifiedResult,
  type Client,
  type ClientStatus,
  type FailureEffect,
  type ReplyCertificate,
  TrothError,
  type TrothErrorCode,
} from "../client/index.js";
export {
  type Access,
  type Digest,
  type Hash,
  type Mark,
  type Moment,
  type Page,
  type Service,
  UsageError,
} from "../core/index.js";
export {
  keyValue,
  keyValueLimits,
  type Outcome,
  readOutcome,
  type WholeState,
  wholeState,
} from "../services/index.js";
export { connect, type Options } from "./connect.js";
