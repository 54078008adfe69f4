// Where secrets stand in a cluster folder, and how they are written and read.

import { readFileSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { toHex, UsageError } from "../core/index.js";

/** Bytes of every secret. */
export const secretBytes = 32;

export const replicaName = (id: number): string => `replica-${id}`;
export const clientName = (client: number): string => `client-${client}`;

/** A replica's private folder. */
export const replicaFolder = (folder: string, id: number): string => join(folder, replicaName(id));

export const clientsFolder = (folder: string): string => join(folder, "clients");

/** A client's credential file. */
export const clientPath = (folder: string, client: number): string =>
  join(clientsFolder(folder), `${clientName(client)}.json`);

export const administratorFolder = (folder: string): string => join(folder, "administrator");

/** Files of a replica's private folder. */
export const replicaFiles = {
  tlsKey: "tls.key",
  tlsCertificate: "tls.crt",
  groupSecret: "group.secret",
  firstBoot: "first-boot",
  clientMacKey: "client-mac.key",
  signingKey: "signing.key",
  replicaMacKeys: "replica-mac.keys",
} as const;

export const administratorFiles = {
  authorityKey: "authority.key",
  groupSecret: "group.secret",
} as const;

/** Durably writes a new file, which only its owner may read unless `mode` says otherwise. */
export async function writeNew(path: string, text: string, mode = 0o600): Promise<void> {
  await writeFile(path, text, { mode, flag: "wx", flush: true });
}

/** Makes the entries of a folder durable, so that they survive a power failure. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Bytes as a line of hexadecimal digits. */
export const hexLine = (bytes: Uint8Array): string => `${toHex(bytes)}\n`;

/** A private file's text. Throws `UsageError` KEY_MISSING or KEY_UNREADABLE. */
export function readSecret(path: string): string {
  const text = readSecretIfPresent(path);
  if (text !== null) return text;
  throw new UsageError("KEY_MISSING", `${path} does not exist. ${remedy(path)}`, { path });
}

/** As `readSecret`; null if there is no such file. */
export function readSecretIfPresent(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    const message = `cannot read ${path} (${code}): only its owner may; run as that user.`;
    throw new UsageError("KEY_UNREADABLE", message, { path });
  }
}

/** The 32 bytes that a secret file holds as hexadecimal digits. Throws `UsageError` KEY_DAMAGED. */
export function parseHex(path: string, text: string): Uint8Array {
  const digits = text.trim();
  if (!/^[0-9a-f]{64}$/.test(digits)) throw damaged(path, "must hold 64 lower-case hex digits");
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

/** The secrets of a file, one a line. Throws `UsageError` KEY_DAMAGED unless there are so many. */
export function parseHexLines(path: string, text: string, count: number): Uint8Array[] {
  const lines = text.trimEnd().split("\n");
  if (lines.length !== count) throw damaged(path, `must have ${count} lines`);
  return lines.map((line) => parseHex(path, line));
}

/** The error for a private file that is not what `initialise` wrote. */
export function damaged(path: string, problem: string): UsageError<"KEY_DAMAGED"> {
  return new UsageError("KEY_DAMAGED", `${path} is damaged: it ${problem}. ${remedy(path)}`, {
    path,
  });
}

const remedy = (path: string) =>
  `Restore ${basename(path)} from a backup, or make a new cluster with \`troth init\`: ` +
  "a secret cannot be made again.";
