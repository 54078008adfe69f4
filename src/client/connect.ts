// From a cluster folder to a connected client.

import { readClientCredential, readConfiguration } from "../cluster/index.js";
import { type ClientId, defaultLimits, type Limits, type Protocol } from "../core/index.js";
import { Client } from "./client.js";

/** Which cluster to talk to, and within which bounds. */
export interface ConnectOptions {
  /** The cluster folder: its configuration, and the client's credential. */
  readonly folder: string;
  /**
   * Which client of the cluster to be: 0 unless given. Processes may share one; each has its own
   * session.
   */
  readonly client?: ClientId;
  /** Finds the protocol that the configuration names. */
  readonly protocol: (name: string) => Protocol;
  /**
   * How long a call waits unless it says otherwise, and how long `connect` does, in milliseconds:
   * 10,000.
   */
  readonly deadlineMs?: number;
  /**
   * Bundles sent and not yet answered: 64. More operations wait for their turn, and then share
   * bundles.
   */
  readonly windowBundles?: number;
  /** Operations waiting for their turn: 65,536. More fail with OVERLOADED. */
  readonly queueOperations?: number;
  /**
   * When an unanswered bundle is first sent again, in milliseconds: 250, or thrice the usual
   * latency if that is longer.
   */
  readonly retryMs?: number;
  /** The replicas' limits, where they are not the default ones. */
  readonly limits?: Limits;
}

/** Retries double their distance up to this. */
const retryMsMax = 2_000;

/**
 * Connects a client to its cluster, in a new session. Resolves when enough replicas for a result
 * are connected; the others are dialled on. Throws what `readConfiguration` and
 * `readClientCredential` throw, and `TrothError` UNREACHABLE, which says which replicas were not
 * reached and why.
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const {
    folder,
    client: id = 0,
    deadlineMs = 10_000,
    limits = defaultLimits,
    retryMs = 250,
  } = options;
  const configuration = readConfiguration(folder);
  const client = new Client({
    configuration,
    credential: readClientCredential(folder, id),
    protocol: options.protocol(configuration.protocol),
    limits,
    windowBundles: Math.min(options.windowBundles ?? 64, limits.sessionWindow),
    retryMs,
    retryMsMax,
    deadlineMs,
    queueOperations: options.queueOperations ?? 65_536,
  });
  await client.connected();
  return client;
}
