// A program that takes the place of `troth start` with the same keys, and lies.

import { Command } from "commander";
import { addStart } from "../commands/start.js";
import { explain } from "../exit-code.js";
import { lying } from "./lies.js";

try {
  const program = new Command("lying-replica");
  addStart(program, lying);
  await program.parseAsync();
} catch (error) {
  const { line, code } = explain(error);
  console.error(line);
  process.exitCode = code;
}
