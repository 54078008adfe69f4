// `troth start`: one replica, in this process, in the foreground.

import type { Command } from "commander";
import type { Protocol } from "../../core/index.js";
import { example, folderOption, wholeNumber } from "../arguments.js";
import { exitCode } from "../exit-code.js";
import { readyMessage } from "../replica-process.js";

interface StartOptions {
  readonly dir: string;
  readonly replica: number;
}

/**
 * Runs a replica until a signal, or the end of the process that started it; then stops it cleanly.
 */
async function runReplica(
  options: StartOptions,
  disguise?: (protocol: Protocol) => Protocol,
): Promise<number> {
  const stopping = stopRequest();
  try {
    const { startFromFolder } = await import("../compose.js");
    const { configuration, replica } = await startFromFolder(
      options.dir,
      options.replica,
      disguise,
    );
    const { protocol, service } = configuration;
    console.log(`replica ${options.replica} of ${service} by ${protocol} on port ${replica.port}`);
    process.send?.(readyMessage);
    const failure = await Promise.race([stopping, replica.failed]);
    await replica.stop();
    if (failure === null) return exitCode.ok;
    console.error(`troth: replica ${options.replica} stopped: ${failure.message}`);
    return exitCode.failed;
  } finally {
    if (process.connected) process.disconnect();
  }
}

/** Resolves to null on SIGTERM, SIGINT, or when the parent that we have a channel to is gone. */
function stopRequest(): Promise<null> {
  return new Promise((resolve) => {
    for (const event of ["SIGTERM", "SIGINT", "disconnect"] as const) {
      process.on(event, () => resolve(null));
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
    .action(async (options: StartOptions) => {
      process.exitCode = await runReplica(options, disguise);
    });
  example(command, "troth start --dir ./data --replica 0");
}
