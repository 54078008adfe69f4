// The protocols.
export * from "./catalogue.js";
export * as hybsterProtocol from "./hybster/index.js";
