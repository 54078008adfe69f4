// `troth init`: makes keys and configuration of a new cluster.

import { type Command, Option } from "commander";
import { type Configuration, initialise } from "../../cluster/index.js";
import type {
  ClientAuthentication,
  FaultModel,
  Freshness,
  ReplicaAuthentication,
} from "../../core/index.js";
import { clientKey, firstBootToken, measurement } from "../../trusted/index.js";
import {
  clientAuthenticationOption,
  example,
  folderOption,
  freshnessOption,
  hostList,
  protocolOption,
  replicaAuthenticationOption,
  replicasOption,
  wholeNumber,
} from "../arguments.js";
import { planFor, replicasFor } from "../plan.js";
import { openService, recordedService } from "../service.js";

/** The parsed options of `init`, and what `up` fills in on first use. */
export interface InitOptions {
  readonly dir: string;
  readonly replicas?: number;
  readonly fault?: FaultModel;
  readonly protocol: string;
  readonly service: string;
  readonly clients: number;
  readonly clientAuth?: ClientAuthentication;
  readonly replicaAuth?: ReplicaAuthentication;
  readonly freshness: Freshness;
  readonly basePort: number;
  readonly hosts?: string[];
  readonly memory: boolean;
}

/**
 * Writes the cluster folder. @throws UsageError if the choice does not fit or the folder has a
 * cluster already.
 */
export async function initialiseFolder(options: InitOptions): Promise<Configuration> {
  const service = recordedService(options.service, options.dir);
  const n = replicasFor(options.protocol, options.replicas);
  const choice = {
    protocol: options.protocol,
    replicas: n,
    faultModel: options.fault ?? null,
    clientAuthentication: options.clientAuth ?? null,
    replicaAuthentication: options.replicaAuth ?? null,
    freshness: options.freshness,
  };
  const opened = await openService(service, options.dir);
  const { protocol, f, clientAuthentication, replicaAuthentication } = planFor(choice, opened);
  const { freshness } = options;
  const group = { n, f, freshness };
  return initialise(options.dir, {
    n,
    f,
    protocol: protocol.name,
    faultModel: protocol.faultModel,
    service,
    clientAuthentication,
    replicaAuthentication,
    clients: options.clients,
    basePort: options.basePort,
    ...(options.hosts === undefined ? {} : { hosts: options.hosts }),
    durable: !options.memory,
    trustedMeasurement: measurement(),
    freshness,
    firstBootToken: (secret, instance) => firstBootToken(secret, instance, group),
    clientKey: (secret, client) => clientKey(secret, client, group),
  });
}

export const serviceOption = () =>
  new Option(
    "--service <name>",
    "what is replicated: kv, null, or a module of your own, such as ./ledger.js",
  ).default("kv");

export const basePortOption = () =>
  new Option(
    "--base-port <port>",
    "replica i listens on port + i, its health page on port + 100 + i",
  )
    .argParser(wholeNumber(1, 65_000))
    .default(7400);

export function addInit(program: Command): void {
  const command = program
    .command("init")
    .description("make keys and configuration of a new cluster")
    .addOption(folderOption())
    .addOption(replicasOption())
    .addOption(
      new Option(
        "--fault <model>",
        "what a faulty replica may do; hybrid: lie, but not about its counter",
      ).choices(["crash", "hybrid", "byzantine"]),
    )
    .addOption(protocolOption())
    .addOption(serviceOption())
    .option("--clients <number>", "client credentials to make", wholeNumber(1, 10_000), 16)
    .addOption(clientAuthenticationOption())
    .addOption(replicaAuthenticationOption())
    .addOption(freshnessOption())
    .addOption(basePortOption())
    .option("--hosts <a,b,c>", "one host a replica, instead of this machine", hostList)
    .option("--memory", "replicas keep no journal: fast, and one that stops is lost", false)
    .action(async (options: InitOptions) => {
      const configuration = await initialiseFolder(options);
      console.log(describeFolder(options.dir, configuration));
    });
  example(
    command,
    "troth init --replicas 3 --fault hybrid --protocol hybster --service kv --dir ./data",
    "troth init --fault byzantine --protocol pbft --replicas 4",
  );
}

function describeFolder(folder: string, configuration: Configuration): string {
  const { n, f, protocol, faultModel, service, clients, clientAuthentication } = configuration;
  return [
    `Made ${folder}: ${n} replicas of ${service} by ${protocol} (${faultModel}, f = ${f}).`,
    "",
    `  cluster.json      public: give it to every replica and client`,
    `  replica-0 … ${n - 1}    private: move each folder to its own machine`,
    `  clients/          private: credentials of ${clients} clients (${clientAuthentication})`,
    `  administrator/    private: keep it offline`,
    "",
    `Start each replica with "troth start --dir ${folder} --replica <i>",`,
    `or all on this machine with "troth up --dir ${folder}".`,
  ].join("\n");
}
