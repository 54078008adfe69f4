// The protocols.
export * from "./catalogue.js";
