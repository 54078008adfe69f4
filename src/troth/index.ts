// The package's entry, `import { connect } from "troth"`: what a program that uses a cluster, or a
// service, needs.
export * from "../client/index.js";
export type { Access, Mark, Moment, Page, Service } from "../core/index.js";
export { UsageError } from "../core/index.js";
