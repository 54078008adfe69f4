// The public configuration of a cluster: cluster.json.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import {
  type ClientAuthentication,
  type FaultModel,
  freshnesses,
  type ReplicaAuthentication,
  replicaAuthentications,
  UsageError,
} from "../core/index.js";

/**
 * Ports are `basePort + replica`; 64 replicas keep them clear of the health ports from `basePort +
 * 100`.
 */
export const replicasMax = 64;
/** Credentials that one `init` makes: each is a file. */
export const clientsMax = 65_536;

const faultModels = ["crash", "hybrid", "byzantine"] as const satisfies readonly FaultModel[];
const clientAuthentications = [
  "trusted-mac",
  "signature",
  "mac",
] as const satisfies readonly ClientAuthentication[];

const port = z.int().min(1).max(65_535);

const replicaSchema = z.strictObject({
  id: z.int().min(0),
  /** Where the others reach it. */
  host: z.string().min(1),
  port,
  /** Of its health page, on its own loopback interface. */
  healthPort: port,
});

const configurationSchema = z
  .strictObject({
    version: z.literal(1),
    /** A UUID: certificates and links of another cluster are refused. */
    name: z.uuid(),
    protocol: z.string().min(1),
    faultModel: z.enum(faultModels),
    f: z.int().min(1),
    service: z.string().min(1),
    clientAuthentication: z.enum(clientAuthentications),
    /** Null: the protocol has no choice of it. */
    replicaAuthentication: z.enum(replicaAuthentications).nullable().default(null),
    replicas: z.array(replicaSchema).min(1).max(replicasMax),
    /** Clients are numbered `0 … clients-1`. */
    clients: z.int().min(1).max(clientsMax),
    /** For "signature": each client's Ed25519 public key, base64 of its SPKI in DER. */
    clientKeys: z.array(z.base64()).optional(),
    /** For replicas that sign: each one's Ed25519 public key, likewise. */
    replicaKeys: z.array(z.base64()).optional(),
    /** SHA-256 of the trusted module, lower-case hexadecimal. */
    trustedMeasurement: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits"),
    /** How trusted instances that restart know that they stand no lower than they did. */
    freshness: z.enum(freshnesses).default("storage"),
    /** Certificate of the cluster's authority, PEM. */
    authority: z.string().startsWith("-----BEGIN CERTIFICATE-----", "must be a PEM certificate"),
    /** Whether replicas keep a journal on disk. */
    durable: z.boolean(),
  })
  .superRefine((value, context) => {
    const problem = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    const { faultModel, f, replicas, clientAuthentication, clients, clientKeys } = value;
    const { replicaAuthentication, replicaKeys } = value;
    const least = replicasNeeded(faultModel, f);
    if (replicas.length < least) {
      problem(
        ["f"],
        `${faultModel} faults, f = ${f}, need ${least} replicas, not ${replicas.length}`,
      );
    }
    replicas.forEach(({ id }, index) => {
      if (id !== index)
        problem(["replicas", index, "id"], `must be ${index}: replicas stand in order`);
    });
    if (clientAuthentication === "signature" && clientKeys?.length !== clients) {
      problem(["clientKeys"], `must have one public key for each of the ${clients} clients`);
    }
    if (replicasSign(replicaAuthentication) && replicaKeys?.length !== replicas.length) {
      const message = `must have one public key for each of the ${replicas.length} replicas`;
      problem(["replicaKeys"], message);
    }
  });

/** All that everyone in a cluster may know. */
export type Configuration = Readonly<z.infer<typeof configurationSchema>> & {
  /** The number of replicas. */
  readonly n: number;
};

/** What a configuration file holds: all but what follows from it. */
export type ConfigurationFile = z.infer<typeof configurationSchema>;

/** Whether replicas have signing keys: with "mac" they sign what must be passed on. */
export const replicasSign = (authentication: ReplicaAuthentication | null): boolean =>
  authentication === "signature" || authentication === "mac";

/**
 * The fewest replicas with which any protocol of a fault model tolerates f faults; a protocol may
 * need more.
 */
export function replicasNeeded(faultModel: FaultModel, f: number): number {
  return (faultModel === "byzantine" ? 3 : 2) * f + 1;
}

/**
 * The faults that n replicas tolerate: n = 2f+1, or 3f+1 where they are Byzantine.
 * Throws `UsageError` REPLICA_COUNT, with the valid choices, for any other n.
 */
export function faultsTolerated(faultModel: FaultModel, n: number): number {
  const perFault = faultModel === "byzantine" ? 3 : 2;
  const f = (n - 1) / perFault;
  if (Number.isSafeInteger(f) && f >= 1 && n <= replicasMax) return f;
  const choices = [1, 2, 3].map((faults) => replicasNeeded(faultModel, faults)).join(", ");
  throw new UsageError(
    "REPLICA_COUNT",
    `${n} replicas do not fit the ${faultModel} fault model: take ${choices}, … ` +
      `(${perFault}f+1, at most ${replicasMax})`,
    { n, faultModel },
  );
}

/** The configuration's file in a cluster folder. A folder with it is a cluster. */
export const configurationName = "cluster.json";

/**
 * Reads and checks a cluster's configuration. Throws `UsageError` with code CONFIGURATION_MISSING,
 * CONFIGURATION_UNREADABLE, CONFIGURATION_DAMAGED or CONFIGURATION_VERSION and a message with the
 * remedy.
 */
export function readConfiguration(folder: string): Configuration {
  const path = join(folder, configurationName);
  const raw = parseJson(path, readText(folder, path));
  const version = (raw as { version?: unknown } | null)?.version;
  if (typeof version === "number" && version !== 1) {
    throw new UsageError(
      "CONFIGURATION_VERSION",
      `${path} is a configuration of version ${version}; this Troth reads version 1. ` +
        "Run the Troth release that made it, or make a new cluster elsewhere with `troth init`.",
      { path, version },
    );
  }
  const checked = checkConfiguration(raw);
  if (!("problems" in checked)) return checked;
  throw damaged(
    path,
    `has wrong fields:\n${checked.problems.map((line) => `  ${line}\n`).join("")}`,
  );
}

/** Checks what is to become a configuration file: the configuration, or what is wrong with it. */
export function checkConfiguration(raw: unknown): Configuration | { readonly problems: string[] } {
  const { data, error } = configurationSchema.safeParse(raw);
  if (data !== undefined) return { ...data, n: data.replicas.length };
  return {
    problems: error.issues.map(
      ({ path, message }) => `${path.join(".") || "the whole"}: ${message}`,
    ),
  };
}

function readText(folder: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new UsageError(
        "CONFIGURATION_MISSING",
        `there is no cluster in ${folder}: ${path} does not exist. ` +
          "Make one with `troth init`, or name the right folder with --dir.",
        { path },
      );
    }
    throw new UsageError(
      "CONFIGURATION_UNREADABLE",
      `cannot read ${path} (${code}): give this user the right to read it.`,
      { path },
    );
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged(path, `is not JSON (${(error as Error).message}).`);
  }
}

const damaged = (path: string, problem: string) =>
  new UsageError(
    "CONFIGURATION_DAMAGED",
    `${path} ${problem} Correct it, or copy it from another replica of the cluster or a backup.`,
    { path },
  );
