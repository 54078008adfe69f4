// The private folder of one replica.

import { closeSync, fsyncSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../core/index.js";
import { readConfiguration } from "./configuration.js";
import {
  parseHex,
  readSecret,
  readSecretIfPresent,
  replicaFiles,
  replicaFolder,
  replicaName,
} from "./files.js";
import { checkIdentity } from "./identity.js";

/** What one replica, and nobody else, holds. */
export interface ReplicaKeys {
  readonly id: number;
  /** PEM. */
  readonly tlsKey: string;
  /** PEM, with the name `replica-<id>`. */
  readonly tlsCertificate: string;
  /** 32 bytes: what the trusted module is keyed with. */
  readonly groupSecret: Uint8Array;
  /** The one-time token by which this replica's trusted counters begin; null once it was used. */
  readonly firstBoot: Uint8Array | null;
  /** 32 bytes that its clients' MAC keys derive from; null unless clients authenticate by "mac". */
  readonly clientMacKey: Uint8Array | null;
  /** The private folder. */
  readonly folder: string;
}

/**
 * Reads and checks the private folder of one replica. Throws `UsageError` with code
 * REPLICA_UNKNOWN, KEY_MISSING, KEY_UNREADABLE or KEY_DAMAGED and a message with the remedy, or
 * what `readConfiguration` throws.
 */
export function readReplicaKeys(folder: string, id: number): ReplicaKeys {
  const configuration = readConfiguration(folder);
  if (configuration.replicas[id] === undefined) {
    const last = configuration.n - 1;
    const message = `there is no replica ${id} in ${folder}: its replicas are 0 to ${last}.`;
    throw new UsageError("REPLICA_UNKNOWN", message, { id, n: configuration.n });
  }
  const own = replicaFolder(folder, id);
  const path = (name: keyof typeof replicaFiles) => join(own, replicaFiles[name]);
  const hex = (name: keyof typeof replicaFiles) => parseHex(path(name), readSecret(path(name)));

  const tlsKey = readSecret(path("tlsKey"));
  const tlsCertificate = readSecret(path("tlsCertificate"));
  const stored = {
    certificate: tlsCertificate,
    certificatePath: path("tlsCertificate"),
    key: tlsKey,
    keyPath: path("tlsKey"),
  };
  checkIdentity(stored, replicaName(id), configuration.authority);
  const firstBoot = readSecretIfPresent(path("firstBoot"));
  return {
    id,
    tlsKey,
    tlsCertificate,
    groupSecret: hex("groupSecret"),
    firstBoot: firstBoot === null ? null : parseHex(path("firstBoot"), firstBoot),
    clientMacKey: configuration.clientAuthentication === "mac" ? hex("clientMacKey") : null,
    folder: own,
  };
}

/** Uses the first-boot token up: durably removes it, so that no later start finds it. */
export function discardFirstBoot(keys: ReplicaKeys): void {
  rmSync(join(keys.folder, replicaFiles.firstBoot), { force: true });
  const directory = openSync(keys.folder, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
