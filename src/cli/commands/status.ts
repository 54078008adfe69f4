// `troth status`: what every replica of a cluster on this machine says of itself.

import type { Command } from "commander";
import { readConfiguration } from "../../cluster/index.js";
import { example, folderOption } from "../arguments.js";
import { exitCode } from "../exit-code.js";
import { describeWaiting, look, replicaTable, votersOf } from "../replica-table.js";

const rateWindowMs = 500;

export function addStatus(program: Command): void {
  const command = program
    .command("status")
    .description(
      "ask every replica on this machine how it is; exit code 3 unless n-f of them answer and vote",
    )
    .addOption(folderOption())
    .option("--json", "one JSON object", false)
    .action(async (options: { dir: string; json: boolean }) => {
      process.exitCode = await showStatus(options.dir, options.json);
    });
  example(command, "troth status --dir ./data");
}

async function showStatus(folder: string, json: boolean): Promise<number> {
  const configuration = readConfiguration(folder);
  const first = await look(configuration);
  if (json) {
    const replicas = first.reports.map((report, id) => ({
      id,
      answers: report !== null,
      ...report,
    }));
    const { name, protocol, service, n, f, freshness } = configuration;
    console.log(JSON.stringify({ cluster: name, protocol, service, n, f, freshness, replicas }));
  } else {
    await new Promise((resolve) => setTimeout(resolve, rateWindowMs));
    const now = await look(configuration);
    console.log(replicaTable(configuration, now, first));
    const waiting = describeWaiting(configuration, now);
    if (waiting !== null) console.log(`\n${waiting}`);
  }
  const { n, f } = configuration;
  return n - votersOf(first) > f ? exitCode.unavailable : exitCode.ok;
}
