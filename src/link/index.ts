// Framed messages over mutual TLS 1.3 between replicas and clients.
export { dial } from "./dial.js";
export * from "./link.js";
export { listen } from "./listen.js";
