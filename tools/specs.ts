// `npm run specs`: checks the specifications in specs/, as built and with rules left out.

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { SpecVerdict } from "./spec-check.js";
import { type SpecRun, specRuns } from "./spec-runs.js";

const help = `Usage: npm run specs -- [--large] [--trace] [words...]

Checks the TLA+ specifications in specs/ with tla-checker: each as it is built, where no invariant
may be violated, and with rules left out, where the checker must find the violation.

  words      only the runs whose line contains one of them: npm run specs -- Dester norecord
  --large    also at the larger constants (minutes)
  --trace    print each counterexample: of every state, the variables that its step changed
  --help     this page

Exit code: 0 all as expected, 1 not, 2 wrong arguments. specs/README.md says what is covered.
`;

interface Wanted {
  readonly runs: readonly SpecRun[];
  readonly trace: boolean;
}

/** What the arguments ask for; null where they ask for help. Throws on wrong ones. */
function wanted(args: string[]): Wanted | null {
  const { values, positionals } = parseArgs({
    args,
    options: {
      large: { type: "boolean", default: false },
      trace: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
    allowPositionals: true,
  });
  if (values.help) return null;
  const runs = specRuns
    .filter(({ large }) => values.large || large !== true)
    .filter((run) => positionals.length === 0 || positionals.some((word) => isNamed(run, word)));
  if (runs.length === 0) throw new Error(`no run's line contains ${positionals.join(" or ")}`);
  return { runs, trace: values.trace };
}

const isNamed = ({ spec, variant }: SpecRun, word: string) =>
  `${spec} ${variant}`.toLowerCase().includes(word.toLowerCase());

/** Checks in another thread, while a line on the terminal tells that it goes on. */
function check(run: SpecRun): Promise<SpecVerdict> {
  return new Promise((resolve, reject) => {
    const startedAtMs = performance.now();
    const ticking = setInterval(() => {
      const seconds = Math.round((performance.now() - startedAtMs) / 1000);
      if (process.stderr.isTTY)
        process.stderr.write(`\r\u001b[K${run.spec}, ${run.variant}: ${seconds} s`);
    }, 1000);
    const worker = new Worker(new URL("./spec-worker.js", import.meta.url), { workerData: run });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => {
      clearInterval(ticking);
      if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
    });
  });
}

const widths = [7, 50, 8, 8, 13];
const row = (...cells: readonly string[]) =>
  cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(" ");

const named = (invariant: string | null) => invariant ?? "none";

/** Checks all that is wanted, one after another; the exit code. */
async function checkAll({ runs, trace }: Wanted): Promise<number> {
  let surprises = 0;
  console.log(row("spec", "variant", "states", "seconds", "violated", "expected"));
  for (const run of runs) {
    const { states, violated, steps, processorSeconds } = await check(run);
    const isSurprise = violated !== run.expected;
    if (isSurprise) surprises += 1;
    const expected = `${named(run.expected)}${isSurprise ? "  <- not as expected" : ""}`;
    const seconds = processorSeconds.toFixed(1);
    console.log(row(run.spec, run.variant, `${states}`, seconds, named(violated), expected));
    if (trace || (isSurprise && violated !== null)) {
      for (const [index, step] of steps.entries()) console.log(`  ${index}:\n${step}`);
    }
  }
  const all = `${runs.length} runs`;
  console.log(surprises === 0 ? `specs: ${all}, as expected` : `specs: ${surprises} of ${all} not`);
  return surprises === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  let asked: Wanted | null;
  try {
    asked = wanted(process.argv.slice(2));
  } catch (error) {
    console.error(`specs: ${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    return 2;
  }
  if (asked === null) {
    console.log(help);
    return 0;
  }
  return checkAll(asked);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main();
