// The client library with this package's protocols, so that a program need not know which one its
// cluster runs.

import { type Client, type ConnectOptions, connect as connectClient } from "../client/index.js";
import { protocolNamed } from "../protocols/index.js";

/** Which cluster to talk to, and within which bounds. */
export type Options = Omit<ConnectOptions, "protocol">;

/**
 * Connects a client to the cluster in a folder. @throws UsageError for a folder or credential that
 * is missing or damaged, `TrothError` UNREACHABLE if too few replicas answer.
 */
export function connect(options: Options): Promise<Client> {
  return connectClient({ ...options, protocol: protocolNamed });
}
