// `troth simulate`: seeded runs of a protocol under faults, in virtual time.

import { availableParallelism } from "node:os";
import { type Command, InvalidArgumentError, Option } from "commander";
import { example, protocolOption, range, replicasOption, wholeNumber } from "../arguments.js";
import { describeFaults } from "../../simulator/index.js";
import type { SimulateOptions } from "../simulate/run.js";

export function addSimulate(program: Command): void {
  const seedNumber = wholeNumber(0, Number.MAX_SAFE_INTEGER);
  const command = program
    .command("simulate")
    .description(
      "run a protocol under seeded faults and lies in virtual time; exit code 1 on a violation",
    )
    .addOption(protocolOption())
    .option("--service <name>", "what is replicated: kv or null", "kv")
    .addOption(replicasOption(64))
    .option("--plant <mutant>", "with a mistake in the protocol; docs/mutants.md lists them")
    .addOption(
      new Option("--seeds <A..B>", "which runs")
        .argParser(range)
        .default({ first: 1, last: 1000 }, "1..1000"),
    )
    .option("--minutes <M>", "new seeds from A on, until so many minutes are over", minutes)
    .option("--faults <list>", "only these faults and groups of faults, or none; see below")
    .option("--seed <S>", "one run only", seedNumber)
    .option(
      "--trace [file]",
      "with --seed: a line for everything that happens; as a page to look at with a file that " +
        "ends in .html, as JSON lines with .jsonl",
      false,
    )
    .option(
      "--minimise [file]",
      "shrink the first violation to few messages; the file (default: minimal.json) is for --plan",
      false,
    )
    .option("--plan <file>", "the one run in a file, as --minimise writes it")
    .option("--history <file>", "with --seed: writes what clients asked and were answered")
    .option("--jobs <J>", "threads", wholeNumber(1, 256), availableParallelism())
    .option("--json", "one JSON object", false)
    .action(async (options: SimulateOptions) => {
      const { runSimulation } = await import("../simulate/run.js");
      process.exitCode = await runSimulation(options);
    });
  command.addHelpText("after", `\nFaults, by group:\n${indented(describeFaults())}`);
  example(
    command,
    "troth simulate --protocol hybster --seeds 1..1000",
    "troth simulate --minutes 10 --faults crashes,disks,loss",
    "troth simulate --protocol hybster --seed 17 --trace run.html",
    "troth simulate --seeds 1..1000 --minimise --trace run.html",
    "troth simulate --plan minimal.json --trace run.html",
    "troth simulate --protocol hybster --plant reply-of-one --minimise --trace run.html",
  );
}

function minutes(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value <= 100_000) return value;
  throw new InvalidArgumentError("Expected minutes above 0 and up to 100000.");
}

const indented = (text: string): string => text.replaceAll(/^/gm, "  ");
