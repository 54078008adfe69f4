// A replica in its own process on this machine: `troth start`, or another program that behaves like
// it.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** How a process ended. `reason` is the last line it wrote, "" if it ended well or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly reason: string;
}

/** What a replica's process tells the one that started it, once it serves clients. */
export const readyMessage = "ready";

/**
 * What a replica makes lives until a checkpoint: room for that much in the heap's young generation
 * spares the collector copying it, a third of the time under full load.
 */
const youngGeneration = "--max-semi-space-size=32";

const stopPatienceMs = 5000;

export interface ReplicaProcessOptions {
  /** The cluster's folder. */
  readonly folder: string;
  readonly replica: number;
  /** The script to run instead of `troth start`; it gets the same arguments. */
  readonly script?: string;
}

/**
 * One child process. It ends when its parent does: the child stops when their channel closes. It
 * has a process group of its own, so that Ctrl-C in a terminal reaches the parent only, which then
 * stops its children in order.
 */
export class ReplicaProcess {
  readonly replica: number;
  /** Resolves to null when the replica serves clients, or to how it ended before that. */
  readonly started: Promise<Exit | null>;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;

  constructor(options: ReplicaProcessOptions) {
    this.replica = options.replica;
    const script = options.script ?? fileURLToPath(new URL("main.js", import.meta.url));
    const log = join(options.folder, `replica-${options.replica}`, "replica.log");
    const output = openSync(log, "a", 0o600);
    const written = fstatSync(output).size;
    const child = spawn(
      process.execPath,
      [
        youngGeneration,
        script,
        "start",
        "--dir",
        options.folder,
        "--replica",
        String(options.replica),
      ],
      { detached: true, stdio: ["ignore", output, output, "ipc"] },
    );
    closeSync(output);
    this.#child = child;
    this.exited = exitOf(child, () => lastWords(log, written));
    this.started = new Promise((resolve) => {
      child.on("message", (message) => {
        if (message === readyMessage) resolve(null);
      });
      void this.exited.then(resolve);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }

  /** Asks it to stop, and insists after five seconds. */
  async stop(): Promise<Exit> {
    this.#child.kill("SIGTERM");
    const insist = setTimeout(() => this.#child.kill("SIGKILL"), stopPatienceMs);
    const exit = await this.exited;
    clearTimeout(insist);
    return exit;
  }
}

function exitOf(child: ChildProcess, reason: () => string): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, signal: null, reason: error.message }));
    child.once("close", (code, signal) => {
      resolve({ code, signal, reason: code === null || code === 0 ? "" : reason() });
    });
  });
}

/** What a log says last, after so many bytes: a line of ours, or the text of a record of pino. */
function lastWords(log: string, skipBytes: number): string {
  const lines = readFileSync(log).subarray(skipBytes).toString().trim().split("\n");
  const line = lines.findLast((text) => /^(troth: |\{)/.test(text)) ?? lines.at(-1) ?? "";
  if (!line.startsWith("{")) return line.replace(/^troth: /, "");
  return (JSON.parse(line) as { msg?: string }).msg ?? line;
}

/** Why a process ended, for people. */
export function describeExit(exit: Exit): string {
  if (exit.reason !== "") return exit.reason;
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}
