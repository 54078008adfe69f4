// Makes a cluster: its configuration, and the secrets of everyone in it.

import { createHmac, generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { clientKeyInput } from "../codec/index.js";
import {
  type ClientAuthentication,
  type ClientId,
  type FaultModel,
  type Freshness,
  type ReplicaAuthentication,
  toHex,
  UsageError,
} from "../core/index.js";
import { type Authority, createAuthority } from "./certificates.js";
import {
  type Configuration,
  type ConfigurationFile,
  checkConfiguration,
  clientsMax,
  configurationName,
  replicasSign,
  replicasMax,
} from "./configuration.js";
import type { CredentialFile } from "./credential.js";
import {
  administratorFiles,
  administratorFolder,
  clientName,
  clientPath,
  clientsFolder,
  hexLine,
  replicaFiles,
  replicaFolder,
  replicaName,
  secretBytes,
  syncFolder,
  writeNew,
} from "./files.js";

export interface InitialiseOptions {
  /** Number of replicas. */
  readonly n: number;
  /** Faults to tolerate; see `faultsTolerated`. */
  readonly f: number;
  readonly protocol: string;
  readonly faultModel: FaultModel;
  readonly service: string;
  readonly clientAuthentication: ClientAuthentication;
  /** Null: the protocol has no choice of it. */
  readonly replicaAuthentication: ReplicaAuthentication | null;
  /** How many client credentials to make. */
  readonly clients: number;
  /** Replica i listens on `basePort + i`, its health page on `basePort + 100 + i`. */
  readonly basePort: number;
  /** One for each replica; this machine's loopback address unless given. */
  readonly hosts?: readonly string[];
  readonly durable: boolean;
  /** SHA-256 of the trusted module, lower-case hexadecimal. */
  readonly trustedMeasurement: string;
  /** What a trusted instance that restarts goes by; its first-boot token must be of that kind. */
  readonly freshness: Freshness;
  /** The trusted module's one-time token by which an instance's counters may begin. */
  readonly firstBootToken: (groupSecret: Uint8Array, instance: number) => Uint8Array;
  /** The key with which a client proves to trusted modules who it is. */
  readonly clientKey: (groupSecret: Uint8Array, client: ClientId) => Uint8Array;
}

const healthPortOffset = 100;
const loopback = "127.0.0.1";
/** Credentials written at a time: enough to keep a disk busy. */
const clientsAtATime = 64;

/** What is made once and written to several places. */
interface Secrets {
  readonly authority: Authority;
  readonly groupSecret: Uint8Array;
  /** One for each replica; none unless clients authenticate by "mac". */
  readonly clientMacKeys: readonly Uint8Array[];
  /** One for each client; none unless clients authenticate by "signature". */
  readonly signers: readonly Signer[];
  /** One for each replica; none unless replicas sign. */
  readonly replicaSigners: readonly Signer[];
  /**
   * For each replica the key it shares with each, itself included; none unless replicas
   * authenticate by "mac".
   */
  readonly replicaMacKeys: readonly (readonly Uint8Array[])[];
}

/** An Ed25519 key pair: PEM, and base64 of the SPKI in DER. */
interface Signer {
  readonly privateKey: string;
  readonly publicKey: string;
}

/**
 * Makes the folder of a new cluster, all of it or nothing: it is written beside its place and then
 * renamed. Throws `UsageError` with code OPTION_INVALID, CLUSTER_EXISTS, FOLDER_NOT_EMPTY,
 * INIT_INTERRUPTED or FOLDER_UNUSABLE; never overwrites anything.
 */
export async function initialise(
  folder: string,
  options: InitialiseOptions,
): Promise<Configuration> {
  const place = resolve(folder);
  checkCounts(options);
  await refuseUsed(place);
  const secrets = createSecrets(options);
  const file = configurationFile(options, secrets);
  const configuration = checkConfiguration(file);
  if ("problems" in configuration) throw optionInvalid(configuration.problems.join("; "));
  const partial = await makePartial(place);
  try {
    await writeReplicas(partial, configuration, secrets, options.firstBootToken);
    await writeClients(partial, configuration, secrets, options.clientKey);
    await writeAdministrator(partial, secrets);
    await writeNew(join(partial, configurationName), `${JSON.stringify(file, null, 2)}\n`, 0o644);
    await syncFolder(partial);
    await rename(partial, place);
    await syncFolder(dirname(place));
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw unusable(place, error);
  }
  return configuration;
}

const optionInvalid = (problem: string) =>
  new UsageError("OPTION_INVALID", `cannot make such a cluster: ${problem}`);

/** Refuses what would make us build arrays without end, or of different lengths. */
function checkCounts({ n, clients, hosts }: InitialiseOptions): void {
  const whole = (value: number, most: number) =>
    Number.isInteger(value) && value >= 1 && value <= most;
  if (!whole(n, replicasMax)) {
    throw optionInvalid(`${n} replicas; there may be 1 to ${replicasMax}`);
  }
  if (!whole(clients, clientsMax)) {
    throw optionInvalid(`${clients} clients; there may be 1 to ${clientsMax}`);
  }
  if (hosts !== undefined && hosts.length !== n) {
    throw optionInvalid(`${hosts.length} hosts for ${n} replicas; give one for each`);
  }
}

/** A new cluster takes a folder that does not exist yet, or is empty. */
async function refuseUsed(place: string): Promise<void> {
  let entries: string[];
  try {
    entries = await readdir(place);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw unusable(place, error);
  }
  if (entries.includes(configurationName)) {
    const message =
      `${place} already holds a cluster. Start it with \`troth start\`, take another folder, or ` +
      "delete this one if its data and keys are no longer wanted.";
    throw new UsageError("CLUSTER_EXISTS", message, { folder: place });
  }
  if (entries.length > 0) {
    const message = `${place} is not empty. Take a new folder, or empty this one.`;
    throw new UsageError("FOLDER_NOT_EMPTY", message, { folder: place });
  }
}

/** The folder beside `place` in which the cluster is put together. */
async function makePartial(place: string): Promise<string> {
  const partial = `${place}.partial`;
  try {
    await mkdir(dirname(place), { recursive: true });
    await mkdir(partial);
    return partial;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw unusable(place, error);
    const message =
      `${partial} exists: an earlier \`troth init\` was interrupted, or another one runs now. ` +
      "If none runs, delete that folder (nothing has used it) and try again.";
    throw new UsageError("INIT_INTERRUPTED", message, { folder: partial });
  }
}

function unusable(place: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined || error instanceof UsageError) return error;
  return new UsageError(
    "FOLDER_UNUSABLE",
    `cannot make a cluster in ${place}: ${message}. Take a folder that this user may create on a ` +
      "disk with free space; it must not be a mount point itself.",
    { folder: place, code },
  );
}

function createSecrets(options: InitialiseOptions): Secrets {
  const { n, clients, clientAuthentication, replicaAuthentication } = options;
  const many = <T>(count: number, wanted: boolean, make: () => T): T[] =>
    Array.from({ length: wanted ? count : 0 }, make);
  return {
    authority: createAuthority("troth authority"),
    groupSecret: randomBytes(secretBytes),
    clientMacKeys: many(n, clientAuthentication === "mac", () => randomBytes(secretBytes)),
    signers: many(clients, clientAuthentication === "signature", createSigner),
    replicaSigners: many(n, replicasSign(replicaAuthentication), createSigner),
    replicaMacKeys: replicaAuthentication === "mac" ? createSharedKeys(n) : [],
  };
}

/** A random key for each pair: whoever holds one of the pair's folders can read no other's. */
function createSharedKeys(n: number): Uint8Array[][] {
  const rows: Uint8Array[][] = [];
  for (let i = 0; i < n; i++) {
    rows.push(
      Array.from({ length: n }, (_, j) => (j < i ? rows[j]![i]! : randomBytes(secretBytes))),
    );
  }
  return rows;
}

function createSigner(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
  };
}

function configurationFile(options: InitialiseOptions, secrets: Secrets): ConfigurationFile {
  const { n, f, protocol, faultModel, service, clientAuthentication, clients } = options;
  const { basePort, hosts, trustedMeasurement, freshness, durable, replicaAuthentication } =
    options;
  return {
    version: 1,
    name: randomUUID(),
    protocol,
    faultModel,
    f,
    service,
    clientAuthentication,
    replicaAuthentication,
    replicas: Array.from({ length: n }, (_, id) => ({
      id,
      host: hosts?.[id] ?? loopback,
      port: basePort + id,
      healthPort: basePort + healthPortOffset + id,
    })),
    clients,
    ...(clientAuthentication === "signature"
      ? { clientKeys: secrets.signers.map(({ publicKey }) => publicKey) }
      : {}),
    ...(replicasSign(replicaAuthentication)
      ? { replicaKeys: secrets.replicaSigners.map(({ publicKey }) => publicKey) }
      : {}),
    trustedMeasurement,
    freshness,
    authority: secrets.authority.certificate,
    durable,
  };
}

async function writeReplicas(
  folder: string,
  { replicas }: Configuration,
  secrets: Secrets,
  firstBootToken: InitialiseOptions["firstBootToken"],
): Promise<void> {
  const { authority, groupSecret } = secrets;
  for (const { id, host } of replicas) {
    const own = replicaFolder(folder, id);
    await mkdir(own, { mode: 0o700 });
    const write = (name: keyof typeof replicaFiles, text: string) =>
      writeNew(join(own, replicaFiles[name]), text);
    const { key, certificate } = authority.issue(replicaName(id), [host]);
    await write("tlsKey", key);
    await write("tlsCertificate", certificate);
    await write("groupSecret", hexLine(groupSecret));
    await write("firstBoot", hexLine(firstBootToken(groupSecret, id)));
    const macKey = secrets.clientMacKeys[id];
    if (macKey !== undefined) await write("clientMacKey", hexLine(macKey));
    const signer = secrets.replicaSigners[id];
    if (signer !== undefined) await write("signingKey", signer.privateKey);
    const shared = secrets.replicaMacKeys[id];
    if (shared !== undefined) await write("replicaMacKeys", shared.map(hexLine).join(""));
    await syncFolder(own);
  }
}

async function writeClients(
  folder: string,
  { clients, clientAuthentication }: Configuration,
  secrets: Secrets,
  clientKey: InitialiseOptions["clientKey"],
): Promise<void> {
  await mkdir(clientsFolder(folder), { mode: 0o700 });
  const write = async (client: number) => {
    const credential = createCredential(client, clientAuthentication, secrets, clientKey);
    await writeNew(clientPath(folder, client), `${JSON.stringify(credential, null, 2)}\n`);
  };
  for (let first = 0; first < clients; first += clientsAtATime) {
    const count = Math.min(clientsAtATime, clients - first);
    await Promise.all(Array.from({ length: count }, (_, index) => write(first + index)));
  }
  await syncFolder(clientsFolder(folder));
}

function createCredential(
  client: number,
  authentication: ClientAuthentication,
  { authority, groupSecret, clientMacKeys, signers }: Secrets,
  clientKey: InitialiseOptions["clientKey"],
): CredentialFile {
  const { key, certificate } = authority.issue(clientName(client), []);
  const identity = { client, tlsKey: key, tlsCertificate: certificate };
  switch (authentication) {
    case "trusted-mac":
      return { ...identity, trustedKey: toHex(clientKey(groupSecret, client)) };
    case "signature":
      return { ...identity, signingKey: signers[client]!.privateKey };
    case "mac":
      return { ...identity, macKeys: clientMacKeys.map((secret) => macKey(secret, client)) };
  }
}

/** As hexadecimal digits. */
const macKey = (secret: Uint8Array, client: ClientId): string =>
  createHmac("sha256", secret).update(clientKeyInput(client)).digest("hex");

/** What only the administrator needs, for later: better kept offline. */
async function writeAdministrator(
  folder: string,
  { authority, groupSecret }: Secrets,
): Promise<void> {
  const own = administratorFolder(folder);
  await mkdir(own, { mode: 0o700 });
  await writeNew(join(own, administratorFiles.authorityKey), authority.key);
  await writeNew(join(own, administratorFiles.groupSecret), hexLine(groupSecret));
  await syncFolder(own);
}
