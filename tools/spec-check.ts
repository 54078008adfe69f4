// Checks one specification of specs/ with tla-checker, a checker of TLA+ in WebAssembly. The check
// blocks its thread until it is done.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { check_spec_with_options, initSync } from "tla-checker";
import { z } from "zod";
import type { SpecRun } from "./spec-runs.js";

/** What a check came to. */
export interface SpecVerdict {
  /** States reached: all there are, unless an invariant was violated. */
  readonly states: number;
  /** The invariant found violated, or null. */
  readonly violated: string | null;
  /** How it comes to that: the variables that each step changes. Empty without a violation. */
  readonly steps: readonly string[];
  /** On one processor, of the time that the check had. */
  readonly processorSeconds: number;
}

/** The specification's text and its .cfg file, from the folder of the repository. */
const folder = new URL("../../specs/", import.meta.url);

/** Above what any run here needs: a check that comes here is not finished, and says so. */
const statesMax = 2_000_000;
const stepsMax = 1_000;

const answerSchema = z.object({
  success: z.boolean(),
  error_type: z.string().nullable(),
  error_message: z.string().nullable(),
  states_explored: z.number(),
  trace: z.array(z.string()).nullable(),
  warnings: z.array(z.unknown()),
});

let isLoaded = false;

/** Makes the checker ready: its file is read once in a thread. */
function load(): void {
  if (isLoaded) return;
  const wasm = createRequire(import.meta.url).resolve("tla-checker/tla_checker_bg.wasm");
  initSync({ module: readFileSync(wasm) });
  isLoaded = true;
}

/** The lines of a specification's .cfg file, as the run wants them. */
function configurationOf({ spec, variant, constants, only }: SpecRun): string[] {
  const lines = readFileSync(new URL(`${spec}.cfg`, folder), "utf8").split("\n");
  for (const [name, value] of Object.entries(constants)) {
    const at = lines.findIndex((line) => line.startsWith(`CONSTANT ${name} = `));
    if (at === -1) throw new Error(`${spec}, ${variant}: ${spec}.cfg has no constant ${name}`);
    lines[at] = `CONSTANT ${name} = ${value}`;
  }
  const isWanted = (line: string) =>
    only === undefined || !line.startsWith("INVARIANT ") || line === `INVARIANT ${only}`;
  return lines.filter(isWanted);
}

/**
 * Checks a specification to the end or to the first violation. Throws if the checker cannot say:
 * it does not understand the text, or a limit was reached.
 */
export function checkSpec(run: SpecRun): SpecVerdict {
  load();
  const text = readFileSync(new URL(`${run.spec}.tla`, folder), "utf8");
  const configuration = configurationOf(run);
  const invariants = configuration.filter((line) => line.startsWith("INVARIANT "));
  const options = {
    cfg_source: configuration.join("\n"),
    max_states: statesMax,
    max_depth: stepsMax,
    allow_deadlock: true,
  };
  const before = process.cpuUsage();
  const answer = answerSchema.parse(
    JSON.parse(check_spec_with_options(text, JSON.stringify(options))),
  );
  const { user, system } = process.cpuUsage(before);
  const { success, error_type, error_message, warnings, states_explored: states, trace } = answer;
  const processorSeconds = (user + system) / 1e6;
  const name = `${run.spec}, ${run.variant}`;
  // The checker goes on without a definition that it does not understand, and only warns.
  if (warnings.length > 0) throw new Error(`${name}: ${JSON.stringify(warnings)}`);
  if (success) return { states, violated: null, steps: [], processorSeconds };
  const index = /^Invariant (\d+) violated$/.exec(error_message ?? "")?.[1];
  const violated = index === undefined ? undefined : invariants[Number(index)]?.split(" ")[1];
  if (violated === undefined) throw new Error(`${name}: ${error_type}: ${error_message}`);
  return { states, violated, steps: stepsOf(trace ?? []), processorSeconds };
}

/** A counterexample, of each state only the variables that its step changed. */
function stepsOf(trace: readonly string[]): string[] {
  const states = trace
    .join("\n")
    .split(/^State \d+\n/m)
    .slice(1);
  return states.map((state, index) => {
    const before = new Set(states[index - 1]?.split("\n"));
    return state
      .split("\n")
      .filter((line) => line.trim() !== "" && !before.has(line))
      .join("\n");
  });
}
