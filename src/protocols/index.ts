// The protocols.
export * from "./catalogue.js";
export * as hybster from "./hybster/index.js";
