// `troth explore`: every schedule of a small configuration.

import type { Command } from "commander";
import { example } from "../arguments.js";
import type { ExploreCommand } from "../explore/run.js";

export function addExplore(program: Command): void {
  const command = program
    .command("explore")
    .description(
      "try every schedule of a small configuration of the real machines; exit code 1 on a " +
        "violation",
    )
    .option("--protocol <name>", "one of `troth protocols`", "hybster")
    .requiredOption("--config <file>", "what to explore: see docs/exploring.md")
    .option("--trace <file>", "where to write the steps that lead to a violation")
    .option("--json", "one JSON object", false)
    .action(async (options: ExploreCommand) => {
      const { runExploration } = await import("../explore/run.js");
      process.exitCode = await runExploration(options);
    });
  example(
    command,
    "troth explore --config examples/explore/crash.json",
    "troth explore --config examples/explore/twins.json --json",
  );
}
