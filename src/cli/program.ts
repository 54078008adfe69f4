// All commands, put together.

import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addBench } from "./commands/bench.js";
import { addBenchTrusted } from "./commands/bench-trusted.js";
import { addCheckHistory } from "./commands/check-history.js";
import { addDemo } from "./commands/demo.js";
import { addExplore } from "./commands/explore.js";
import { addInit } from "./commands/init.js";
import { addKeyValue } from "./commands/key-value.js";
import { addMutants } from "./commands/mutants.js";
import { addProtocols } from "./commands/protocols.js";
import { addSimulate } from "./commands/simulate.js";
import { addStart } from "./commands/start.js";
import { addStatus } from "./commands/status.js";
import { addUp } from "./commands/up.js";

const exitCodes = `
Exit codes:
  0  done
  1  carried out, with a negative outcome: no such key, comparison failed, violation found
  2  a wrong argument, a missing or damaged file, a busy port: nothing was done
  3  too few replicas answered in time; the message says whether there may be an effect
  4  a defect in Troth`;

/** The command-line interface; throws `CommanderError` for usage errors, help and version. */
export function makeProgram(): Command {
  const program = new Command("troth")
    .description("Replicated services that survive crashes and lies.")
    .version(version())
    .helpCommand(false)
    .showHelpAfterError('(see "troth --help" or "troth <command> --help")')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, "troth:")) })
    .addHelpText("after", exitCodes);
  program.commandsGroup("A cluster:");
  addUp(program);
  addInit(program);
  addStart(program);
  addStatus(program);
  addProtocols(program);
  program.commandsGroup("Its key-value service:");
  addKeyValue(program);
  program.commandsGroup("Seeing for yourself:");
  addDemo(program);
  addSimulate(program);
  addExplore(program);
  addCheckHistory(program);
  addMutants(program);
  addBench(program);
  addBenchTrusted(program);
  return program;
}

/** The package's version; its description stands three folders above the built file. */
function version(): string {
  const description = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(description) as { version: string }).version;
}
