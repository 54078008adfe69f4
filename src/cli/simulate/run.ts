// The simulation of one seed or many, and what is printed of it.

import { UsageError } from "../../core/index.js";
import { addReached, type Outcome, type Property } from "../../simulator/index.js";
import { exitCode } from "../exit-code.js";
import { duration, quantity, table } from "../text.js";
import { checkTraceName } from "../trace/output.js";
import { replayCommand, replayFileCommand, simulateRun } from "./one-run.js";
import { drawnRun, readRun, type Run, writeRun } from "./run-file.js";
import { simulateAll } from "./seed-pool.js";
import { optionsFor, type SeedRange, type Subject } from "./seed-worker.js";
import { shrink } from "./shrink.js";

/** The parsed options of `troth simulate`. */
export interface SimulateOptions {
  readonly protocol: string;
  readonly service: string;
  readonly replicas: number;
  readonly seeds: SeedRange;
  readonly seed?: number;
  /** True: lines on the screen. */
  readonly trace: string | boolean;
  /** A run in a file, in place of a seed. */
  readonly plan?: string;
  /** Where the smaller run goes; true: the usual place. */
  readonly minimise: string | boolean;
  readonly jobs: number;
  readonly json: boolean;
}

/** Runs, prints, and gives the exit code: failed if a property was violated. */
export async function runSimulation(options: SimulateOptions): Promise<number> {
  const startedAtMs = performance.now();
  checkTraceName(options.trace);
  const given = oneRun(options);
  const subject = given?.subject ?? subjectOf(options);
  optionsFor(subject); // names that are not known are refused here, not in a thread
  const tally = new Tally(options.json, (seed) => replayCommand(subject, seed));
  if (given === null) {
    await simulateAll(subject, options.seeds, options.jobs, (outcomes) => tally.add(outcomes));
    const [first] = tally.violations;
    if (first !== undefined && options.minimise !== false) {
      await minimised(drawnRun(subject, first.seed), first.property, options, tally);
    }
  } else {
    const command =
      options.plan === undefined
        ? replayCommand(subject, given.seed)
        : replayFileCommand(options.plan);
    // A run to be made smaller is traced when it is small.
    const trace = options.minimise === false ? options.trace : false;
    const outcome = simulateRun(given, trace, command);
    tally.add([outcome]);
    tally.replay = () => command;
    const [first] = outcome.violations;
    if (first !== undefined && options.minimise !== false) {
      await minimised(given, first.property, options, tally);
    } else if (options.minimise !== false) simulateRun(given, options.trace, command);
  }
  return tally.finish((performance.now() - startedAtMs) / 1000);
}

const subjectOf = ({ protocol, service, replicas: n }: SimulateOptions): Subject => ({
  protocol,
  service,
  n,
});

/** The one run that the options name; null if they name many. */
function oneRun(options: SimulateOptions): Run | null {
  const { seed, plan, trace } = options;
  if (plan !== undefined) {
    if (seed === undefined) return readRun(plan);
    throw new UsageError("SEED_WITH_PLAN", `${plan} names its seed: leave --seed out`);
  }
  if (seed !== undefined) return drawnRun(subjectOf(options), seed);
  if (trace === false || options.minimise !== false) return null;
  throw new UsageError("TRACE_WITHOUT_SEED", "--trace needs --seed: a trace is of one run");
}

/** Shrinks a failing run into a file, and traces what is left of it. */
async function minimised(
  run: Run,
  property: Property,
  { minimise, trace }: SimulateOptions,
  tally: Tally,
): Promise<void> {
  const path = minimise === true ? "minimal.json" : String(minimise);
  const small = await shrink(run, property);
  writeRun(path, small.run);
  const command = replayFileCommand(path);
  simulateRun(small.run, trace, command);
  tally.note(`Minimised to ${small.messages} messages, in ${path}.`);
  tally.replay = () => command;
}

interface FoundViolation {
  readonly seed: number;
  readonly property: Property;
  readonly message: string;
}

/** What the seeds came to so far. */
class Tally {
  /** The command that replays a seed. */
  replay: (seed: number) => string;
  readonly #json: boolean;
  readonly #notes: string[] = [];
  readonly #reached: Record<string, number> = {};
  readonly #violations: FoundViolation[] = [];
  readonly #startedAtMs = performance.now();
  #seeds = 0;
  #shownAtMs = 0;

  constructor(json: boolean, replay: (seed: number) => string) {
    this.#json = json;
    this.replay = replay;
  }

  /** By their seeds. */
  get violations(): FoundViolation[] {
    return this.#violations.toSorted((a, b) => a.seed - b.seed);
  }

  /** A line to print beside the violation. */
  note(line: string): void {
    this.#notes.push(line);
  }

  /** Without `--json`, the first violation is enough. */
  add(outcomes: readonly Outcome[]): "go on" | "enough" {
    for (const { seed, violations, reached } of outcomes) {
      this.#seeds += 1;
      addReached(this.#reached, reached);
      for (const { property, message } of violations) {
        this.#violations.push({ seed, property, message });
      }
    }
    this.#showProgress();
    return this.#violations.length > 0 && !this.#json ? "enough" : "go on";
  }

  /** Prints the result and gives the exit code. */
  finish(seconds: number): number {
    const { violations } = this;
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
    if (this.#json) {
      const reached = this.#reached;
      console.log(JSON.stringify({ seeds: this.#seeds, violations, reached, seconds }));
    } else {
      console.log(this.#describe(violations, seconds));
    }
    return violations.length === 0 ? exitCode.ok : exitCode.failed;
  }

  #describe(violations: readonly FoundViolation[], seconds: number): string {
    const took = duration(seconds * 1000);
    const [first] = violations;
    if (first === undefined) {
      const rows = Object.entries(this.#reached)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, count]) => [name, quantity(count)]);
      const columns = [
        { title: "what the runs reached", align: "left" },
        { title: "times", align: "right" },
      ] as const;
      return `${this.#seeds} seeds clean in ${took}.\n\n${table(columns, rows)}`;
    }
    return [
      `Seed ${first.seed} violates ${first.property}: ${first.message}`,
      ...this.#notes,
      "",
      "Replay it, the same to the bit, and look at it in a browser:",
      `  ${this.replay(first.seed)}`,
    ].join("\n");
  }

  #showProgress(): void {
    const now = performance.now();
    if (!process.stderr.isTTY || now - this.#shownAtMs < 500) return;
    this.#shownAtMs = now;
    const perSecond = this.#seeds / ((now - this.#startedAtMs) / 1000);
    process.stderr.write(`\r\u001b[K${this.#seeds} seeds, ${quantity(perSecond)} a second`);
  }
}
