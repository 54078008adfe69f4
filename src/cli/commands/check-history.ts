// `troth check-history`: whether a history of key-value operations is linearizable.

import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { example } from "../arguments.js";
import { exitCode } from "../exit-code.js";

const headlines = { wrong: "Not linearizable", undecided: "Undecided" } as const;

export function addCheckHistory(program: Command): void {
  const command = program
    .command("check-history")
    .description(
      "judge a history of key-value operations, as `simulate --history` writes it; " +
        "exit code 1 if it is not linearizable, or if that could not be decided",
    )
    .argument("<file>", "lines of JSON; docs/histories.md describes them")
    .action(async (file: string) => {
      const { readHistory } = await import("../simulate/history.js");
      const { checkLinearizability, keyValueModel } = await import("../../simulator/index.js");
      const operations = readHistory(readFileSync(file, "utf8"));
      const judged = checkLinearizability(operations, keyValueModel);
      const keys = new Set(operations.map(({ key }) => key)).size;
      const size = `${operations.length} operations on ${keys} keys`;
      if (judged.verdict === "ok") console.log(`Linearizable: one order explains all ${size}.`);
      else console.log(`${headlines[judged.verdict]}: ${judged.explanation}`);
      process.exitCode = judged.verdict === "ok" ? exitCode.ok : exitCode.failed;
    });
  example(command, "troth simulate --seed 17 --history out.jsonl", "troth check-history out.jsonl");
}
