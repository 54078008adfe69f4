// `troth mutants`: does the simulation notice mistakes that are planted in a protocol?

import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { example, nameList, range, wholeNumber } from "../arguments.js";
import type { MutantsOptions } from "../mutants/run.js";

export function addMutants(program: Command): void {
  const command = program
    .command("mutants")
    .description(
      "plant mistakes in copies of a protocol, and see which of them the simulation notices; " +
        "exit code 1 if one survives for no known reason",
    )
    .option("--protocol <name>", "one of `troth protocols`", "hybster")
    .option("--seeds <A..B>", "which runs, at most, for each mutant", range)
    .option(
      "--max-seeds <N>",
      "the same as --seeds 1..N (default: 20000)",
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option("--only <names>", "these mutants, separated by commas", nameList)
    .option("--replicas <n>", "for all mutants (default: what each needs)", wholeNumber(1, 64))
    .option(
      "--faults <list>",
      "only these faults and groups of faults; see `troth simulate --help`",
    )
    .option("--jobs <J>", "threads", wholeNumber(1, 256), availableParallelism())
    .option("--json", "one JSON object", false)
    .action(async (options: MutantsOptions) => {
      const { runMutants } = await import("../mutants/run.js");
      process.exitCode = await runMutants(options);
    });
  example(
    command,
    "troth mutants --protocol hybster --max-seeds 500",
    "troth mutants --only quorum-of-one,reply-of-one --seeds 1..100",
  );
}
