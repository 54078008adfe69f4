// The vocabulary of Troth: what machines, services, trusted counters and protocols are.
export * from "./assert.js";
export * from "./claims.js";
export * from "./client-machine.js";
export * from "./ids.js";
export * from "./identity.js";
export * from "./limits.js";
export * from "./machine.js";
export * from "./ports.js";
export * from "./service.js";
export * from "./trusted-counter.js";
export * from "./trusted-dependencies.js";
