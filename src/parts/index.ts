// What protocols are assembled from.
export * from "./batch.js";
export * from "./batch-store.js";
export * from "./checkpoints.js";
export * from "./client-messages.js";
export * from "./client-table.js";
export * from "./executor.js";
export * from "./leased.js";
export * from "./outbox.js";
export * from "./patience.js";
export * from "./pending-requests.js";
export * from "./state-messages.js";
export * from "./state-transfer.js";
export * from "./suspicions.js";
