// `troth start`: one replica, in this process, in the foreground.

import type { Command } from "commander";
import type { Protocol } from "../../core/index.js";
import { example, folderOption, wholeNumber } from "../arguments.js";
import { startFromFolder } from "../compose.js";
import { readyMessage } from "../replica-process.js";

interface StartOptions {
  readonly dir: string;
  readonly replica: number;
}

/** Runs a replica until a signal, or the end of the process that started it; then stops it cleanly. */
async function runReplica(
  options: StartOptions,
  disguise?: (protocol: Protocol) => Protocol,
): Promise<void> {
  const stopping = stopRequest();
  try {
    const { configuration, replica } = await startFromFolder(options.dir, options.replica, disguise);
    const { protocol, service } = configuration;
    console.log(`replica ${options.replica} of ${service} by ${protocol} on port ${replica.port}`);
    process.send?.(readyMessage);
    await stopping;
    await replica.stop();
  } finally {
    if (process.connected) process.disconnect();
  }
}

/** Resolves on SIGTERM, SIGINT, or when the parent that we have a channel to is gone. */
function stopRequest(): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ["SIGTERM", "SIGINT", "disconnect"] as const) {
      process.on(event, () => resolve());
    }
  });
}

/** The command; `disguise` may wrap the protocol (the demo's liar). */
export function addStart(program: Command, disguise?: (protocol: Protocol) => Protocol): void {
  const command = program
    .command("start")
    .description("run one replica in the foreground; SIGTERM or Ctrl-C stops it cleanly")
    .addOption(folderOption())
    .requiredOption("--replica <i>", "which one", wholeNumber(0, 99))
    .action((options: StartOptions) => runReplica(options, disguise));
  example(command, "troth start --dir ./data --replica 0");
}
