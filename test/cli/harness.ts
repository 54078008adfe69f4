// Runs the built `troth` command as a person would.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

/** build/src/cli/main.js, seen from build/test/cli. */
const main = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts `troth` with arguments; `input` is its standard input. */
export function launch(args: readonly string[], input = ""): Running {
  return new Running([process.execPath, main, ...args], input);
}

/** Starts `troth` in a shell of its own, after a command that limits it. */
export function launchLimited(limit: string, args: readonly string[], shell = ["bash"]): Running {
  const script = [...shell, "-c", `${limit} && exec "$@"`, "troth"];
  return new Running([...script, process.execPath, main, ...args], "");
}

/** Runs `troth` to its end. */
export const troth = (...args: string[]): Promise<Ended> => launch(args).ended;

export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #out = "";
  #err = "";
  #wake: (() => void)[] = [];

  constructor([program, ...args]: readonly string[], input: string) {
    const child = spawn(program!, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.child = child;
    child.stdin.end(input);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#out += text;
      for (const wake of this.#wake.splice(0)) wake();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#err += text;
    });
    this.ended = new Promise((resolve) => {
      child.once("close", (code) => {
        for (const wake of this.#wake.splice(0)) wake();
        resolve({ code, out: this.#out, err: this.#err });
      });
    });
  }

  /** What it has written to the standard output so far. */
  get out(): string {
    return this.#out;
  }

  /** Resolves when the standard output has this text; throws if the process ends before. */
  async says(text: string): Promise<void> {
    while (!this.#out.includes(text)) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        const { err } = await this.ended;
        throw new Error(`ended without saying "${text}": ${this.#out}${err}`);
      }
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Ends it by a signal and waits. */
  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** A folder that is removed after the test. */
export function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "troth-test-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
