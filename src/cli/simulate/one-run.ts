// One run of the simulator: simulated, traced, and told how to have it again.

import { writeFileSync } from "node:fs";
import { mutantNamed } from "../../../mutants/index.js";
import { type Call, type Outcome, simulateSeed, type Watch } from "../../simulator/index.js";
import { traceOutput } from "../trace/output.js";
import { historyLines } from "./history.js";
import type { Run } from "./run-file.js";
import { optionsFor, type Subject } from "./seed-worker.js";

/** The command that replays a seed and draws it. */
export function replayCommand(subject: Subject, seed: number, trace = "out.html"): string {
  const { protocol, service, n, faults, plant } = subject;
  const only = faults === undefined ? "" : ` --faults ${faults}`;
  const mistake = plant === undefined ? "" : ` --plant ${plant}`;
  const names = `--protocol ${protocol}${mistake} --service ${service} --replicas ${n}${only}`;
  return `npx troth simulate ${names} --seed ${seed} --trace ${trace}`;
}

/** The same for a run in a file. */
export const replayFileCommand = (path: string, trace = "out.html"): string =>
  `npx troth simulate --plan ${path} --trace ${trace}`;

/** Writes what clients asked and were answered, a line each. */
const historyTo =
  (file: string) =>
  (calls: readonly Call[]): void =>
    writeFileSync(
      file,
      historyLines(calls)
        .map((line) => `${line}\n`)
        .join(""),
    );

/** What would follow the violation in a script is what was left out of it. */
const untilViolated: Watch = ({ violations }) => (violations.length > 0 ? "stop" : "go on");

/**
 * Simulates; `trace` is true for lines, or a file's name; what clients saw goes to the file
 * `history`.
 */
export async function simulateRun(
  run: Run,
  trace: string | boolean,
  command: string,
  history?: string,
): Promise<Outcome> {
  const { subject, seed, plan, script } = run;
  const options = {
    ...(await optionsFor(subject)),
    seed,
    plan,
    ...(script === null ? {} : { script, watch: untilViolated }),
    ...(history === undefined ? {} : { history: historyTo(history) }),
  };
  if (trace === false) return simulateSeed(options);
  const { protocol, service, plant } = subject;
  const planted = plant === undefined ? null : mutantNamed(protocol, plant);
  const output = traceOutput(trace, { protocol, planted, service, seed, plan, command });
  const outcome = simulateSeed({ ...options, trace: (event) => output.take(event) });
  output.finish(outcome);
  return outcome;
}
