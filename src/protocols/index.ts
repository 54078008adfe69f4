// The protocols.
export * from "./catalogue.js";
export * as ezbft from "./ezbft/index.js";
export * as fab from "./fab/index.js";
export * as hybster from "./hybster/index.js";
export * as pbft from "./pbft/index.js";
export * as zyzzyva from "./zyzzyva/index.js";
