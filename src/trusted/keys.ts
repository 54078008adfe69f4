// The keys an administrator derives from a group's secret; replicas leave that to the module.

import { createHmac } from "node:crypto";
import { clientKeyInput } from "../codec/index.js";
import type { ClientId } from "../core/index.js";
import { firstBootInput, groupKeyInput, type TrustedGroup } from "./encoding.js";

const hmac = (key: Uint8Array, input: Uint8Array): Uint8Array =>
  createHmac("sha256", key).update(input).digest();

/**
 * The key of such a group, 32 bytes: instances that are opened with other terms have another, and
 * nobody else believes them.
 */
export function groupKey(groupSecret: Uint8Array, group: TrustedGroup): Uint8Array {
  return group.freshness === "storage" ? groupSecret : hmac(groupSecret, groupKeyInput(group));
}

/**
 * The token that lets an instance start its counters at the origin, 32 bytes. Without it the module
 * starts with every counter retired or, with leases, asks the others.
 */
export function firstBootToken(
  groupSecret: Uint8Array,
  instance: number,
  group: TrustedGroup,
): Uint8Array {
  return hmac(groupKey(groupSecret, group), firstBootInput(instance));
}

/** The key of a client that authenticates with trusted MACs, 32 bytes (architecture.md §5). */
export function clientKey(
  groupSecret: Uint8Array,
  client: ClientId,
  group: TrustedGroup,
): Uint8Array {
  return hmac(groupKey(groupSecret, group), clientKeyInput(client));
}
