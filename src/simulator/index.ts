// The simulator: the deployed machines in virtual time.
export * from "./model-counter.js";
export * from "./random.js";
export * from "./scenario.js";
