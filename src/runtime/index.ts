// The production host: a replica of any protocol as a process on this machine.
export type { Logger } from "./logger.js";
export { createLogger } from "./logger.js";
export type { ReplicaReport } from "./report.js";
export { type ReplicaOptions, type RunningReplica, startReplica } from "./replica.js";
