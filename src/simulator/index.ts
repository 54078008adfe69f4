// The simulator: the deployed machines in virtual time, under faults that a seed draws, judged as
// they run.
export type { LiarPlan } from "./adversary/draw.js";
export type { CampsPlan, CensorPlan, IntriguePlan } from "./adversary/intrigue.js";
export * from "./adversary/lie.js";
export { type LieName, lieNames } from "./adversary/lies.js";
export { LyingReplica, type LyingReplicaOptions } from "./adversary/lying-replica.js";
export type { Season } from "./adversary/season.js";
export * from "./checkers/key-value-model.js";
export { messageDelays } from "./delays.js";
export * from "./checkers/history.js";
export * from "./checkers/linearizability.js";
export * from "./explore/explore.js";
export { alwaysProperties, type AlwaysProperty } from "./explore/facts.js";
export * from "./explore/options.js";
export type { Progress } from "./explore/search.js";
export type { StoryStep } from "./explore/story.js";
export { type Identities, identities } from "./identities.js";
export { Fingerprinter, type Size, sizeOf } from "./introspect.js";
export type { Property, Violation } from "./judge.js";
export * from "./minimise.js";
export { type ModelFaces, type TrustedGroup, trustedGroup } from "./model-counter.js";
export {
  type DependencyOptions,
  type DependencyRules,
  ModelDependencies,
  type SlotEntry,
} from "./model-dependencies.js";
export { symbolicHash } from "./mix.js";
export { type LeaseRules, type LifeOptions, ModelLeases } from "./model-leases.js";
export * from "./plan.js";
export { withRollbacks } from "./freshness-plan.js";
export { Random } from "./random.js";
export * from "./scenario.js";
export * from "./simulate.js";
export {
  type Facts,
  lineOf,
  type PartyNumber,
  type Plain,
  type PlainMessage,
  type Trace,
  type TraceEvent,
} from "./trace.js";
export type { Script } from "./deliveries.js";
export { type Difference, firstDifference } from "./first-difference.js";
export type { RunSoFar, Watch } from "./watch.js";
export type { Call, Workload } from "./workload.js";
