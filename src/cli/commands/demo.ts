// `troth demo`: a cluster loses its leader, gets it back, has a liar in it, and keeps its word.

import type { Command } from "commander";
import { example } from "../arguments.js";
import { DemoFailure, playDemo } from "../demo/story.js";
import { exitCode } from "../exit-code.js";
import { duration } from "../text.js";

export function addDemo(program: Command): void {
  const command = program
    .command("demo")
    .description("watch a cluster survive a killed leader and a lying replica; under a minute")
    .action(async () => {
      process.exitCode = await demo();
    });
  example(command, "troth demo");
}

async function demo(): Promise<number> {
  const startedAtMs = performance.now();
  const tell = (line: string) => {
    const second = ((performance.now() - startedAtMs) / 1000).toFixed(1).padStart(5);
    console.log(`${second} s  ${line}`);
  };
  try {
    const kept = await playDemo(tell);
    const took = duration(performance.now() - startedAtMs);
    console.log(kept ? `\nTroth kept its word. (${took})` : `\nTroth broke its word. (${took})`);
    return kept ? exitCode.ok : exitCode.failed;
  } catch (error) {
    if (!(error instanceof DemoFailure)) throw error;
    console.error(`troth: the demo failed: ${error.message}`);
    return exitCode.failed;
  }
}
