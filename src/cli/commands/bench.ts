// `troth bench`: throughput and latency of a cluster of real processes on this machine.

import type { Command } from "commander";
import { example } from "../arguments.js";
import { addSettings } from "../bench/settings.js";
import type { BenchOptions } from "../bench/run.js";

export function addBench(program: Command): void {
  const command = addSettings(
    program
      .command("bench")
      .description("measure a temporary cluster of real processes on this machine"),
  )
    .option("--sweep", "measure with 1, 2, 4 … outstanding bundles up to --outstanding", false)
    .option("--svg <file>", "with --sweep: the picture", "troth-sweep.svg")
    .option("--versus <options>", "measure a second configuration in turns: options that differ")
    .option("--json", "one JSON object", false)
    .action(async (options: BenchOptions) => {
      const { bench } = await import("../bench/run.js");
      process.exitCode = await bench(options);
    });
  example(
    command,
    "troth bench --service null --bundle 64 --clients 64 --outstanding 256 --seconds 5",
    'troth bench --versus "--client-auth signature"',
    "troth bench --sweep --svg sweep.svg",
  );
}
