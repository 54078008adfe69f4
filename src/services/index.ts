// The services that come with Troth, and what is needed to write another.
export * from "./catalogue.js";
export {
  type KeyValueEntry,
  keyValue,
  keyValueLimits,
  type Outcome,
  type PlainOutcome,
  readOutcome,
  readRequest,
  type Request,
  writeOutcome,
  writeRequest,
} from "./kv/operations.js";
export * from "./whole-state.js";
