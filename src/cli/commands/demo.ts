// `troth demo`: a cluster loses its leader, gets it back, has a liar in it, and keeps its word.

import type { Command } from "commander";
import { example, protocolOption } from "../arguments.js";

export function addDemo(program: Command): void {
  const command = program
    .command("demo")
    .description("watch a cluster survive a killed leader and a lying replica; under a minute")
    .addOption(protocolOption())
    .action(async ({ protocol }: { protocol: string }) => {
      const { demo } = await import("../demo/story.js");
      process.exitCode = await demo(protocol);
    });
  example(command, "troth demo", "troth demo --protocol pbft");
}
