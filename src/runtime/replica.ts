// One replica in this process: journal, machine, links and health page put together, and taken
// apart again.

import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Configuration, discardFirstBoot, type ReplicaKeys } from "../cluster/index.js";
import {
  absentCounter,
  type ClaimContext,
  defaultLimits,
  defaultTiming,
  type Identity,
  type Limits,
  type Observation,
  type Protocol,
  type ReplicaMachine,
  type Service,
  type Tagged,
  type Timing,
  type TrustedCounter,
  UsageError,
} from "../core/index.js";
import { watchAdmission } from "./admission.js";
import { Authenticator } from "./authenticator.js";
import { sha256 } from "./hash.js";
import { type HealthPage, openHealthPage } from "./health-page.js";
import { Host } from "./host.js";
import type { Recovered } from "./journal.js";
import { stopPatienceMs } from "./limits.js";
import { LmdbJournal } from "./lmdb-journal.js";
import { createLogger, type Logger } from "./logger.js";
import { Metrics } from "./metrics.js";
import { Network } from "./network.js";
import { type ReplicaProofs, replicaProofs } from "./replica-proofs.js";
import type { ReplicaReport } from "./report.js";
import { SignatureVerifier } from "./signature-verifier.js";

export interface ReplicaOptions {
  readonly configuration: Configuration;
  /** Of the replica to start. Its first-boot token is used up. */
  readonly keys: ReplicaKeys;
  readonly protocol: Protocol;
  readonly service: Service;
  /**
   * Opens the trusted module. It gets the first-boot token that this replica's journal or keys
   * hold, or null.
   */
  readonly counter: (firstBoot: Uint8Array | null) => TrustedCounter;
  /** Keep no journal: a replica that stops has lost its memory, and its counters are retired. */
  readonly memory?: boolean;
  readonly limits?: Limits;
  readonly timing?: Timing;
  readonly logger?: Logger;
  /** Told of everything that the machine observes. */
  readonly onObservation?: (event: Observation) => void;
}

export interface RunningReplica {
  /** Where peers and clients reach it. */
  readonly port: number;
  status(): ReplicaReport;
  /** Resolves with the reason if the replica stops on its own: its disk or an invariant failed. */
  readonly failed: Promise<Error>;
  /** Makes durable what is under way and closes everything, within two seconds. */
  stop(): Promise<void>;
}

/**
 * Starts a replica; resolves when it serves peers and clients.
 * Throws `UsageError` PORT_BUSY, ADDRESS_UNUSABLE, JOURNAL_UNAVAILABLE, JOURNAL_FOREIGN or
 * JOURNAL_DAMAGED, or CONFIGURATION_DAMAGED if the protocol does not take its
 * `replicaAuthentication`.
 */
export async function startReplica(options: ReplicaOptions): Promise<RunningReplica> {
  const closers = new Closers();
  try {
    return await assemble(options, closers);
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

/** What to close, in the order opened; the last opened closes first. */
class Closers {
  readonly #closers: (() => Promise<void>)[] = [];
  #closing: Promise<void> | null = null;

  add(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  closeAll(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close();
  }
}

async function assemble(options: ReplicaOptions, closers: Closers): Promise<RunningReplica> {
  const { configuration, keys, protocol } = options;
  checkReplicaAuthentication(configuration, protocol);
  const logger = (options.logger ?? createLogger()).child({ replica: keys.id });
  let resolveFailed: (error: Error) => void;
  const failed = new Promise<Error>((resolve) => {
    resolveFailed = resolve;
  });
  const fail = (error: Error) => {
    logger.fatal({ err: error }, error.message);
    resolveFailed(error);
    void closers.closeAll();
  };

  const ground = await open(options, closers, logger, fail);
  const { healthPage, journal, counter } = ground;
  const context = contextOf(options);
  const proofs = makeProofs(options, ground);
  const machine = makeMachine(options, context, counter, proofs);
  const report = (): ReplicaReport => ({
    ...machine.status(),
    id: keys.id,
    isWaiting: counter.leases?.isActive === false,
    connections: network.connections,
    queuedBytes: network.queuedBytes,
    ...processUsage(),
    dropped: host.dropped,
  });
  const metrics = new Metrics(report);
  const host: Host<Tagged, Tagged> = new Host({
    machine,
    protocol,
    context,
    authenticator: makeAuthenticator(options, ground, proofs),
    journal,
    depart: (effect) => network.depart(effect),
    observed: (event) => {
      metrics.observe(event);
      logObservation(logger, event, counter);
      options.onObservation?.(event);
    },
    committed: (milliseconds) => metrics.committed(milliseconds),
    failed: fail,
  });
  const { messages } = protocol;
  const { limits } = context;
  const network = new Network({ configuration, keys, messages, limits, receiver: host, logger });
  closers.add(() => network.close());
  const port = await network.listen();
  closers.add(() => stopHost(host));

  const nothing: Recovered<Tagged> = { snapshot: null, journal: [] };
  host.start(journal?.recover() ?? nothing);
  network.dialPeers();
  healthPage.show({ report, metrics });
  logger.info({ port }, "serving");
  return { port, status: report, failed, stop: () => closers.closeAll() };
}

/** A configuration may have been edited since `init`. */
function checkReplicaAuthentication(
  { replicaAuthentication: configured }: Configuration,
  { name, replicaAuthentications: offered }: Protocol,
): void {
  if (configured === null ? offered.length === 0 : offered.includes(configured)) return;
  throw new UsageError(
    "CONFIGURATION_DAMAGED",
    `cluster.json says replicaAuthentication ${JSON.stringify(configured)}, and ${name} takes ` +
      `${offered.length === 0 ? "null" : offered.map((one) => `"${one}"`).join(" or ")}: ` +
      "take the file that `troth init` wrote, from another replica or a backup.",
    { configured, offered },
  );
}

/** What a replica stands on. */
interface Ground {
  readonly healthPage: HealthPage;
  readonly journal: LmdbJournal<Tagged> | null;
  readonly counter: TrustedCounter;
  readonly signatures: SignatureVerifier | null;
}

async function open(
  options: ReplicaOptions,
  closers: Closers,
  logger: Logger,
  fail: (error: Error) => void,
): Promise<Ground> {
  // First of all: a second process of this replica fails here, before it touches anything else.
  const healthPage = await openHealthPage(placeOf(options).healthPort);
  closers.add(() => healthPage.close());
  const journal = openJournal(options);
  if (journal !== null) closers.add(() => journal.close());
  const counter = await openCounter(options, journal, closers, logger);
  const signatures = openSignatures(options.configuration, fail);
  if (signatures !== null) closers.add(() => signatures.close());
  return { healthPage, journal, counter, signatures };
}

/** The trusted instance; no module runs where nothing is asked of it. */
async function openCounter(
  options: ReplicaOptions,
  journal: LmdbJournal<Tagged> | null,
  closers: Closers,
  logger: Logger,
): Promise<TrustedCounter> {
  const { configuration, keys, protocol } = options;
  if (!protocol.usesTrustedCounter) {
    const { clientAuthentication, replicaAuthentication } = configuration;
    const asksForMacs = [clientAuthentication, replicaAuthentication].includes("trusted-mac");
    // Its MACs need no counter, so it needs no token to begin.
    return asksForMacs ? options.counter(null) : absentCounter(keys.id);
  }
  const token = await findFirstBoot(options, journal);
  const counter = options.counter(token);
  // Used up before the first certificate can be asked for.
  if (keys.firstBoot !== null) discardFirstBoot(keys);
  if (token === null) sayHowItStarts(options, logger);
  const { leases } = counter;
  if (leases?.isActive === false) {
    const stopWatching = watchAdmission(leases, configuration.f, logger);
    closers.add(() => Promise.resolve(stopWatching()));
  }
  return counter;
}

function contextOf({ configuration, limits }: ReplicaOptions): ClaimContext {
  return {
    n: configuration.n,
    f: configuration.f,
    hash: sha256,
    limits: limits ?? defaultLimits,
    clientAuthentication: configuration.clientAuthentication,
    replicaAuthentication: configuration.replicaAuthentication,
  };
}

function makeMachine(
  { keys, protocol, service, timing }: ReplicaOptions,
  context: ClaimContext,
  counter: TrustedCounter,
  identity: Identity,
): ReplicaMachine<Tagged, Tagged> {
  return protocol.replica({
    ...context,
    replica: keys.id,
    service,
    counter,
    identity,
    timing: timing ?? defaultTiming,
  });
}

function makeProofs(
  { configuration, keys }: ReplicaOptions,
  { counter, signatures }: Ground,
): ReplicaProofs {
  return replicaProofs({
    replica: keys.id,
    n: configuration.n,
    authentication: configuration.replicaAuthentication,
    signingKey: keys.signingKey,
    signatures,
    macKeys: keys.replicaMacKeys,
    counter,
  });
}

function makeAuthenticator(
  { configuration, keys }: ReplicaOptions,
  { counter, signatures }: Ground,
  proofs: ReplicaProofs,
): Authenticator {
  return new Authenticator({
    replica: keys.id,
    n: configuration.n,
    clients: configuration.clients,
    clientAuthentication: configuration.clientAuthentication,
    counter,
    proofs,
    clientMacKey: keys.clientMacKey,
    signatures,
  });
}

function placeOf({ configuration, keys }: ReplicaOptions): Configuration["replicas"][number] {
  const place = configuration.replicas[keys.id];
  if (place !== undefined) return place;
  const last = configuration.n - 1;
  const message = `there is no replica ${keys.id}: the configuration has 0 to ${last}.`;
  throw new UsageError("REPLICA_UNKNOWN", message, { id: keys.id });
}

function openJournal({ configuration, keys, protocol, memory }: ReplicaOptions) {
  if (memory ?? !configuration.durable) return null;
  return new LmdbJournal({
    folder: join(keys.folder, "journal"),
    cluster: configuration.name,
    replica: keys.id,
    records: protocol.records,
  });
}

function openSignatures(
  { clientAuthentication, clientKeys = [], replicaKeys = [] }: Configuration,
  failed: (error: Error) => void,
): SignatureVerifier | null {
  if (clientAuthentication !== "signature" && replicaKeys.length === 0) return null;
  return new SignatureVerifier({ client: clientKeys, replica: replicaKeys }, failed);
}

/**
 * The token that lets trusted counters begin. Where the host's storage is believed, the journal
 * takes it over, durably: a replica whose journal is gone finds none, so that its counters cannot
 * begin twice. Elsewhere it is for the first start only.
 */
async function findFirstBoot(
  { configuration, keys }: ReplicaOptions,
  journal: LmdbJournal<Tagged> | null,
): Promise<Uint8Array | null> {
  if (configuration.freshness !== "storage" || journal === null) return keys.firstBoot;
  const kept = journal.firstBoot;
  if (kept === null && keys.firstBoot !== null) await journal.keepFirstBoot(keys.firstBoot);
  return kept ?? keys.firstBoot;
}

/** For the log of a replica that starts without its first-boot token. */
function sayHowItStarts({ configuration, keys }: ReplicaOptions, logger: Logger): void {
  switch (configuration.freshness) {
    case "storage":
      return logger.warn(
        `${keys.folder} has no first-boot token and no journal that kept one: this replica ` +
          "executes and answers, but its trusted counters are retired and it does not vote. " +
          "If its journal was moved, stop the replica and put it back.",
      );
    case "fail-stop":
      return logger.warn(
        "this replica was started before, and its cluster's trusted modules never resume " +
          '(freshness "fail-stop"): it executes and answers, and does not vote.',
      );
    case "leases":
      return;
  }
}

/** Waits for the disk, but not for ever. */
function stopHost(host: Host<Tagged, Tagged>): Promise<void> {
  return Promise.race([host.stop(), setTimeout(stopPatienceMs, undefined, { ref: false })]);
}

function processUsage(): Pick<ReplicaReport, "rssBytes" | "cpuSeconds"> {
  const { user, system } = process.cpuUsage();
  return { rssBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 };
}

/** What an operator may want to know; the rest is in the metrics. */
function logObservation(logger: Logger, event: Observation, { leases }: TrustedCounter): void {
  if (event.event === "mute") {
    if (leases?.isActive === false) return; // its admission is told of elsewhere
    logger.warn("the trusted counter refuses to certify: this replica no longer votes");
  } else if (event.event === "view" || event.event === "suspect" || event.event === "transfer") {
    logger.info(event, event.event);
  }
}
