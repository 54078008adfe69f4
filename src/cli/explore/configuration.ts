// The file that says what to explore: read, checked, and turned into the explorer's options.

import { readFileSync } from "node:fs";
import { z } from "zod";
import { type Protocol, replicaAuthentications, UsageError } from "../../core/index.js";
import { createService } from "../../services/index.js";
import { alwaysProperties, type ExploreOptions, symbolicHash } from "../../simulator/index.js";
import { readOperation } from "./operations.js";

const count = z.int().min(0);
const replica = z.int().min(0).max(63);
const atLeastOne = z.int().min(1);

/** Any object may have a comment, under the name "//". */
const section = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject({ "//": z.unknown().optional(), ...shape });

const limits = z
  .strictObject({
    sessionWindow: atLeastOne,
    sessionsPerClient: atLeastOne,
    batchRequestsMax: atLeastOne,
    pipeline: atLeastOne,
    checkpointOrders: atLeastOne,
    checkpointBytes: atLeastOne,
    pendingRequestsMax: atLeastOne,
    chunkBytes: atLeastOne,
  })
  .partial();

const timing = z
  .strictObject({
    patienceMs: atLeastOne,
    patienceMsMax: atLeastOne,
    statusMs: atLeastOne,
    catchUpMs: atLeastOne,
    fastPathMs: atLeastOne,
    throughputWindowMs: atLeastOne,
  })
  .partial();

const schema = section({
  replicas: z.int().min(1).max(9),
  service: z.enum(["kv", "null"]).default("kv"),
  clientAuthentication: z.enum(["trusted-mac", "signature", "mac"]).optional(),
  replicaAuthentication: z.enum(replicaAuthentications).optional(),
  requests: z
    .array(
      section({
        client: count.default(0),
        operation: z.string(),
        to: z.array(replica).optional(),
      }),
    )
    .min(1)
    .max(16),
  limits: limits.optional(),
  timing: timing.optional(),
  timers: z.record(z.string(), z.union([count, z.array(count)])).optional(),
  faults: section({
    crashes: section({ replicas: z.array(replica).min(1), times: atLeastOne }).optional(),
    twins: replica.optional(),
    silent: z.array(replica).optional(),
  }).optional(),
  start: z.enum(["settled", "raw"]).optional(),
  bounds: section({
    depth: atLeastOne.optional(),
    states: atLeastOne.max(200_000_000).optional(),
    seconds: z.number().positive().optional(),
    continuations: count.optional(),
    rounds: atLeastOne.optional(),
  }).optional(),
  reductions: section({
    merge: z.boolean().optional(),
    sleep: z.boolean().optional(),
    quiet: z.boolean().optional(),
  }).optional(),
  properties: section({
    always: z.array(z.enum(alwaysProperties)).optional(),
    sometimes: z.array(z.string()).optional(),
    eventually: z.array(z.literal("answered")).optional(),
  }).optional(),
});

/** Explored states have a handful of keys. */
const pageCount = 8;

/** A configuration in use: the explorer's options, and what only a host can heed. */
export interface ReadConfiguration {
  readonly options: ExploreOptions;
  readonly secondsMax: number;
}

/**
 * Reads a configuration file for a protocol.
 * @throws UsageError `CONFIGURATION_UNFIT`, naming every field that is wrong
 */
export function readExploration(path: string, protocol: Protocol): ReadConfiguration {
  const text = readFileSync(path, "utf8");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw unfit(path, error instanceof Error ? error.message : String(error));
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path: at, message }) =>
      at.length === 0 ? message : `${at.join(".")}: ${message}`,
    );
    throw unfit(path, problems.join("; "));
  }
  const { bounds, properties, replicas, service, requests, ...others } = withoutHoles(parsed.data);
  const { seconds = Infinity, ...searchBounds } = bounds ?? {};
  const options = {
    ...others,
    protocol,
    n: replicas,
    service: () => createService(service, symbolicHash, pageCount),
    requests: requests.map(({ operation, ...request }) => ({
      ...request,
      operation: readOperation(service, operation),
    })),
    bounds: searchBounds,
    ...(properties?.always && { always: properties.always }),
    ...(properties?.sometimes && { sometimes: properties.sometimes }),
    eventually: properties?.eventually === undefined || properties.eventually.length > 0,
  } as ExploreOptions;
  return { options, secondsMax: seconds };
}

/** Optional fields that are not there are absent, not undefined. */
const withoutHoles = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const unfit = (path: string, problem: string) =>
  new UsageError(
    "CONFIGURATION_UNFIT",
    `${path} is not a configuration to explore: ${problem}; docs/exploring.md lists the fields`,
    { path },
  );
