// What a measurement is of: the cluster, and the load on it.

import { Command, Option } from "commander";
import type { ClientAuthentication, Freshness, ReplicaAuthentication } from "../../core/index.js";
import {
  clientAuthenticationOption,
  freshnessOption,
  protocolOption,
  replicasOption,
  replicaAuthenticationOption,
  seconds,
  wholeNumber,
} from "../arguments.js";
import { replicasFor } from "../plan.js";

/** A cluster and its load. */
export interface BenchSettings {
  readonly protocol: string;
  readonly replicas?: number;
  readonly service: "null" | "kv";
  /** Operations in a bundle. */
  readonly bundle: number;
  /** Client identities, each with a session of its own, all in this process. */
  readonly clients: number;
  /** Bundles without an answer at any time, over all clients. */
  readonly outstanding: number;
  /** Bytes of an operation (null), or of a value (kv). */
  readonly payload: number;
  /** Of measurement, after the warm-up. */
  readonly seconds: number;
  /** Different keys (kv). */
  readonly keys: number;
  readonly durable: boolean;
  readonly clientAuth?: ClientAuthentication;
  readonly replicaAuth?: ReplicaAuthentication;
  readonly freshness: Freshness;
}

/** Adds the options that describe a cluster and its load. */
export function addSettings(command: Command): Command {
  return command
    .addOption(protocolOption())
    .addOption(replicasOption())
    .addOption(
      new Option("--service <name>", "what is replicated").choices(["null", "kv"]).default("null"),
    )
    .addOption(number("--bundle <operations>", "operations a client sends at a time", 1024, 64))
    .addOption(number("--clients <number>", "client identities, all in one process", 10_000, 64))
    .addOption(
      number(
        "--outstanding <bundles>",
        "bundles without an answer, over all clients",
        100_000,
        256,
      ),
    )
    .option(
      "--payload <bytes>",
      "bytes of an operation (null) or a value (kv)",
      wholeNumber(0, 65_536),
      0,
    )
    .option("--seconds <s>", "how long to measure, after a second of warm-up", seconds, 5)
    .addOption(number("--keys <number>", "different 16-byte keys (kv)", 100_000_000, 10_000))
    .option("--durable", "replicas keep a journal on disk", false)
    .addOption(clientAuthenticationOption())
    .addOption(replicaAuthenticationOption())
    .addOption(freshnessOption());
}

const number = (flags: string, text: string, most: number, standard: number) =>
  new Option(flags, text).argParser(wholeNumber(1, most)).default(standard);

/** The settings of `--versus`: its words are options that replace some of `base`. */
export function overridden(base: BenchSettings, words: string): BenchSettings {
  const command = addSettings(new Command("--versus").exitOverride());
  command.parse(
    words.split(/\s+/).filter((word) => word !== ""),
    { from: "user" },
  );
  const given = Object.entries(command.opts<BenchSettings>()).filter(
    ([name]) => command.getOptionValueSource(name) === "cli",
  );
  return { ...base, ...Object.fromEntries(given) };
}

/** One line for people. */
export function describeSettings(settings: BenchSettings): string {
  const { protocol, service, bundle, clients, outstanding, payload } = settings;
  const replicas = replicasFor(protocol, settings.replicas);
  return [
    `${protocol}, ${replicas} replicas, ${service}, ${payload} B, ${bundle} a bundle`,
    `${outstanding} outstanding, ${clients} clients`,
    ...(settings.clientAuth === undefined ? [] : [settings.clientAuth]),
    ...(settings.replicaAuth === undefined ? [] : [`replicas by ${settings.replicaAuth}`]),
    ...(settings.freshness === "storage" ? [] : [settings.freshness]),
    settings.durable ? "durable" : "in memory",
  ].join(", ");
}
