// The private folder of one replica.

import { closeSync, fsyncSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { KeyObject } from "node:crypto";
import { UsageError } from "../core/index.js";
import { type Configuration, readConfiguration, replicasSign } from "./configuration.js";
import {
  parseHex,
  parseHexLines,
  readSecret,
  readSecretIfPresent,
  replicaFiles,
  replicaFolder,
  replicaName,
} from "./files.js";
import { checkIdentity, readSigningKey } from "./identity.js";

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
  /** Ed25519; null unless replicas authenticate by "signature" or "mac". */
  readonly signingKey: KeyObject | null;
  /**
   * 32 bytes for each replica that this one and that one share, for itself its own; null unless
   * replicas authenticate by "mac".
   */
  readonly replicaMacKeys: readonly Uint8Array[] | null;
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
    ...statementKeys(own, id, configuration),
    folder: own,
  };
}

/** What a replica proves its statements with, as far as the configuration wants it. */
function statementKeys(
  own: string,
  id: number,
  { n, replicaAuthentication, replicaKeys }: Configuration,
): Pick<ReplicaKeys, "signingKey" | "replicaMacKeys"> {
  const signing = join(own, replicaFiles.signingKey);
  const macs = join(own, replicaFiles.replicaMacKeys);
  return {
    signingKey: replicasSign(replicaAuthentication)
      ? readSigningKey(signing, readSecret(signing), replicaKeys?.[id] ?? "")
      : null,
    replicaMacKeys:
      replicaAuthentication === "mac" ? parseHexLines(macs, readSecret(macs), n) : null,
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
