// `troth bench-trusted`: the trusted module's certificates beside `createHmac`, in one run.

import type { Command } from "commander";
import type { TrustedBenchmark } from "../../trusted/index.js";
import { example, seconds } from "../arguments.js";
import { type Column, quantity, table } from "../text.js";

export function addBenchTrusted(program: Command): void {
  const command = program
    .command("bench-trusted")
    .description("measure the trusted module's certificates beside node:crypto's createHmac")
    .option("--seconds <s>", "how long to measure", seconds, 3)
    .option("--json", "one JSON object", false)
    .action(async (options: { seconds: number; json: boolean }) => {
      const { benchTrusted } = await import("../../trusted/index.js");
      const figures = benchTrusted({ seconds: options.seconds });
      console.log(options.json ? JSON.stringify(figures) : describe(figures));
    });
  example(command, "troth bench-trusted --seconds 3");
}

const columns: readonly Column[] = [
  { title: "operation", align: "left" },
  { title: "per second", align: "right" },
  { title: "each", align: "right" },
];

function describe(figures: TrustedBenchmark): string {
  const row = (name: string, perSecond: number) => [
    name,
    quantity(perSecond),
    `${(1e6 / perSecond).toFixed(2)} µs`,
  ];
  const rows = [
    row("certificate", figures.certificatesPerSecond),
    row("verification of a certificate", figures.verificationsPerSecond),
    row("verification of a client's MAC", figures.clientVerificationsPerSecond),
    row("createHmac of node:crypto", figures.createHmacPerSecond),
  ];
  const ratio = figures.ratio.toFixed(2);
  return `${table(columns, rows)}\n\ncertificates / createHmac = ${ratio}`;
}
