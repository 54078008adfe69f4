// The keys an administrator derives from a group's secret; replicas leave that to the module.

import { createHmac } from "node:crypto";
import { clientKeyInput } from "../codec/index.js";
import type { ClientId } from "../core/index.js";
import { firstBootInput } from "./encoding.js";

/**
 * The token that lets an instance start its counters at the origin, 32 bytes. Without it the module
 * starts with every counter retired.
 */
export function firstBootToken(groupSecret: Uint8Array, instance: number): Uint8Array {
  return createHmac("sha256", groupSecret).update(firstBootInput(instance)).digest();
}

/** The key of a client that authenticates with trusted MACs, 32 bytes (architecture.md §5). */
export function clientKey(groupSecret: Uint8Array, client: ClientId): Uint8Array {
  return createHmac("sha256", groupSecret).update(clientKeyInput(client)).digest();
}
