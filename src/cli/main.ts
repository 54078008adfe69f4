#!/usr/bin/env node
// The `troth` command: one subcommand a file in commands/, one exit code for each sort of end.

import { CommanderError } from "commander";
import { exitCode, explain } from "./exit-code.js";
import { makeProgram } from "./program.js";

try {
  await makeProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  } else {
    const { line, code } = explain(error);
    console.error(`troth: ${line}`);
    process.exitCode = code;
  }
}
