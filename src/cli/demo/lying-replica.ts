// A program that takes the place of `troth start` with the same keys, and lies.

import { Command } from "commander";
import type { Protocol } from "../../core/index.js";
import { LyingReplica, Random } from "../../simulator/index.js";
import { addStart } from "../commands/start.js";
import { explain } from "../exit-code.js";

const habits = ["forgeResults", "equivocate", "withhold", "replay"] as const;
const seed = 1;

/**
 * The same protocol, except that its replicas lie. They hold their trusted counter, but not its
 * key.
 */
const lying = (protocol: Protocol): Protocol => ({
  ...protocol,
  replica: (context) =>
    new LyingReplica({ protocol, context, lies: habits, random: new Random(seed) }),
});

try {
  const program = new Command("lying-replica");
  addStart(program, lying);
  await program.parseAsync();
} catch (error) {
  const { line, code } = explain(error);
  console.error(`troth: ${line}`);
  process.exitCode = code;
}
