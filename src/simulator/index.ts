// The simulator: the deployed machines in virtual time, under faults that a seed draws, judged as
// they run.
export type { LiarPlan } from "./adversary/draw.js";
export type { CampsPlan, CensorPlan, IntriguePlan } from "./adversary/intrigue.js";
export * from "./adversary/lie.js";
export { type LieName, lieNames } from "./adversary/lies.js";
export { LyingReplica, type LyingReplicaOptions } from "./adversary/lying-replica.js";
export type { Season } from "./adversary/season.js";
export * from "./checkers/key-value-model.js";
export * from "./checkers/history.js";
export * from "./checkers/linearizability.js";
export type { Property, Violation } from "./judge.js";
export { type TrustedGroup, trustedGroup } from "./model-counter.js";
export { symbolicHash } from "./mix.js";
export * from "./plan.js";
export { Random } from "./random.js";
export * from "./scenario.js";
export * from "./simulate.js";
export { lineOf, type PartyNumber, type Trace, type TraceEvent } from "./trace.js";
export type { Call, Workload } from "./workload.js";
