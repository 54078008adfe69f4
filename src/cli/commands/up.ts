// `troth up`: a whole cluster on this machine, made on first use and kept running; what `npm start`
// does.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { type Configuration, readConfiguration, readReplicaKeys } from "../../cluster/index.js";
import { UsageError } from "../../core/index.js";
import {
  clientAuthenticationOption,
  example,
  folderOption,
  freshnessOption,
  protocolOption,
  replicasOption,
} from "../arguments.js";
import { exitCode } from "../exit-code.js";
import { describeExit } from "../replica-process.js";
import { describeWaiting, type Look, look, replicaTable } from "../replica-table.js";
import { Screen } from "../screen.js";
import { Supervisor } from "../supervisor.js";
import { duration } from "../text.js";
import { recordedService } from "../service.js";
import { basePortOption, type InitOptions, initialiseFolder, serviceOption } from "./init.js";

type UpOptions = Pick<
  InitOptions,
  "dir" | "protocol" | "replicas" | "service" | "basePort" | "memory" | "clientAuth" | "freshness"
>;

const refreshMs = 1000;
/** Without a terminal, a table this often. */
const reportEveryMs = 10_000;

export function addUp(program: Command): void {
  const command = program
    .command("up")
    .description("run a whole cluster on this machine, made on first use; Ctrl-C stops it")
    .addOption(folderOption())
    .addOption(protocolOption())
    .addOption(replicasOption())
    .addOption(serviceOption())
    .addOption(basePortOption())
    .option("--memory", "first use: no journal; fast, and everything is lost at the end", false)
    .addOption(clientAuthenticationOption())
    .addOption(freshnessOption())
    .action(async (options: UpOptions) => {
      const given = (name: string) => command.getOptionValueSource(name) === "cli";
      process.exitCode = await up(options, given);
    });
  example(command, "troth up --dir ./data", "troth up --protocol pbft --dir ./data-pbft");
}

async function up(options: UpOptions, given: (option: string) => boolean): Promise<number> {
  const configuration = await openFolder(options, given);
  for (const { id } of configuration.replicas) readReplicaKeys(options.dir, id);
  const screen = new Screen(process.stdout);
  const stopping = stopSignal();
  const supervisor = supervise(options.dir, screen);
  const failure = await Promise.race([supervisor.start(configuration.n), stopping]);
  if (failure !== null) {
    console.error(`troth: replica ${failure.replica} did not start: ${describeExit(failure.exit)}`);
    return failure.exit.code ?? exitCode.defect;
  }
  screen.say(howToUse(options.dir, configuration, supervisor.pid(0)));
  const live = keepShowing(configuration, screen);
  await stopping;
  live.stop();
  screen.say("Stopping …");
  await supervisor.stop();
  screen.clear();
  screen.say(`Stopped. ${whatRemains(options.dir, configuration)}`);
  return exitCode.ok;
}

function whatRemains(folder: string, { durable, freshness }: Configuration): string {
  if (!durable) return "This cluster kept nothing on disk.";
  if (freshness === "storage") return `"troth up --dir ${folder}" goes on with all the data.`;
  return `With freshness ${freshness}, replicas that were all stopped never vote again.`;
}

/**
 * Reads the configuration, or makes one on first use. @throws UsageError if options contradict it.
 */
async function openFolder(
  options: UpOptions,
  given: (option: string) => boolean,
): Promise<Configuration> {
  if (!existsSync(join(options.dir, "cluster.json"))) {
    console.log(`Making keys and configuration in ${options.dir} …`);
    return initialiseFolder({ clients: 16, ...options });
  }
  const configuration = readConfiguration(options.dir);
  const contradicted = [
    given("protocol") && options.protocol !== configuration.protocol ? "--protocol" : null,
    given("replicas") && options.replicas !== configuration.n ? "--replicas" : null,
    given("service") && recordedService(options.service, options.dir) !== configuration.service
      ? "--service"
      : null,
    given("basePort") && options.basePort !== configuration.replicas[0]?.port
      ? "--base-port"
      : null,
    given("memory") && configuration.durable ? "--memory" : null,
    given("clientAuth") && options.clientAuth !== configuration.clientAuthentication
      ? "--client-auth"
      : null,
    given("freshness") && options.freshness !== configuration.freshness ? "--freshness" : null,
  ].find((name) => name !== null);
  if (contradicted === undefined) return configuration;
  throw new UsageError(
    "FOLDER_DIFFERS",
    `${options.dir} was made with another ${contradicted}: leave it out, or use another --dir`,
    { option: contradicted },
  );
}

function supervise(folder: string, screen: Screen): Supervisor {
  return new Supervisor(folder, {
    ended: (replica, exit, pauseMs) => {
      const then = pauseMs === null ? "not started again" : `starts again in ${duration(pauseMs)}`;
      screen.say(`Replica ${replica} ended: ${describeExit(exit)}; ${then}.`);
    },
    restarted: (replica) => screen.say(`Replica ${replica} is back.`),
  });
}

function howToUse(folder: string, configuration: Configuration, leader: number | null): string {
  const { n, f, protocol, service, faultModel, durable, freshness } = configuration;
  const at = folder === "./data" ? "" : ` --dir ${folder}`;
  const harm = faultModel === "crash" ? "crash" : "lie";
  const afterwards = freshness === "fail-stop" ? ", and only listens" : "";
  const isForGood = durable && freshness !== "storage";
  const stays = durable ? `; its data stays in ${folder}` : "";
  const atTheEnd = isForGood ? ` for good (freshness ${freshness})` : stays;
  const keyValue = [
    `  npx troth put${at} greeting "hello"     npx troth get${at} greeting`,
    `  npx troth incr${at} visits              npx troth list${at}`,
  ];
  return [
    `${n} replicas of ${service} by ${protocol}: any ${f} may ${harm}. From another terminal:`,
    "",
    ...(service === "kv" ? keyValue : []),
    `  npx troth status${at}                   npx troth --help`,
    "",
    ...(durable
      ? [`"kill -9 ${leader}" crashes replica 0; it is started again${afterwards}.`]
      : []),
    `Ctrl-C stops the cluster${atTheEnd}.`,
    "",
  ].join("\n");
}

/** Refreshes the table until told to stop. */
function keepShowing(configuration: Configuration, screen: Screen): { stop(): void } {
  let before: Look | null = null;
  let stopped = false;
  const everyMs = screen.isLive ? refreshMs : reportEveryMs;
  const refresh = async (): Promise<void> => {
    const now = await look(configuration);
    if (stopped) return;
    const waiting = describeWaiting(configuration, now);
    const table = replicaTable(configuration, now, before);
    screen.show(waiting === null ? table : `${table}\n\n${waiting}`);
    before = now;
    timer = setTimeout(() => void refresh(), everyMs);
  };
  let timer = setTimeout(() => void refresh(), 0);
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** Resolves to null on Ctrl-C or SIGTERM. */
function stopSignal(): Promise<null> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolve(null));
  });
}
