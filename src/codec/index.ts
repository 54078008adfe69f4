// Messages and their bytes.
export * from "./attestation.js";
export * from "./bundle.js";
export * from "./dependency-statement.js";
export * from "./proof.js";
export * from "./schema.js";
