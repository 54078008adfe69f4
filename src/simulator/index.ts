// The simulator: the deployed machines in virtual time, under faults that a seed draws, judged as
// they run.
export { LyingReplica } from "./adversary/lying-replica.js";
export { type LieName, lieNames } from "./adversary/lies.js";
export * from "./checkers/key-value-model.js";
export * from "./checkers/history.js";
export * from "./checkers/linearizability.js";
export type { Property, Violation } from "./judge.js";
export { type TrustedGroup, trustedGroup } from "./model-counter.js";
export { symbolicHash } from "./mix.js";
export { type LeaseRules, type LifeOptions, ModelLeases } from "./model-leases.js";
export * from "./plan.js";
export { withRollbacks } from "./freshness-plan.js";
export { Random } from "./random.js";
export * from "./scenario.js";
export * from "./simulate.js";
export { lineOf, type PartyNumber, type Trace, type TraceEvent } from "./trace.js";
export type { Call, Workload } from "./workload.js";
