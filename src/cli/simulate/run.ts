// The simulation of one seed or many, and what is printed of it.

import { type Mutant, mutantNamed } from "../../../mutants/index.js";
import { UsageError } from "../../core/index.js";
import { addReached, type Outcome, type Property } from "../../simulator/index.js";
import { exitCode } from "../exit-code.js";
import { replicasFor } from "../plan.js";
import { ProgressLine } from "../progress-line.js";
import { duration, quantity, table } from "../text.js";
import { checkTraceName, plantedText } from "../trace/output.js";
import { replayCommand, replayFileCommand, simulateRun } from "./one-run.js";
import { progressText, span } from "./progress.js";
import { drawnRun, readRun, type Run, writeRun } from "./run-file.js";
import { simulateAll } from "./seed-pool.js";
import { optionsFor, type SeedRange, type Subject } from "./seed-worker.js";
import { shrink } from "./shrink.js";

/** The parsed options of `troth simulate`. */
export interface SimulateOptions {
  readonly protocol: string;
  readonly service: string;
  /** Default: what the protocol needs to tolerate one fault, or the planted mistake to show. */
  readonly replicas?: number;
  /** The mutant whose mistake is planted. */
  readonly plant?: string;
  readonly seeds: SeedRange;
  readonly seed?: number;
  /** New seeds until so many minutes are over. */
  readonly minutes?: number;
  /** What may go wrong; see `faultsNamed`. Default: everything. */
  readonly faults?: string;
  /** True: lines on the screen. */
  readonly trace: string | boolean;
  /** A run in a file, in place of a seed. */
  readonly plan?: string;
  /** Where the smaller run goes; true: the usual place. */
  readonly minimise: string | boolean;
  /** A file for the history of the one run. */
  readonly history?: string;
  readonly jobs: number;
  readonly json: boolean;
}

/** What shells expect of a program that Ctrl-C ended. */
const interrupted = 130;

/** Runs, prints, and gives the exit code: failed if a property was violated. */
export async function runSimulation(options: SimulateOptions): Promise<number> {
  const startedAtMs = performance.now();
  checkTraceName(options.trace);
  if (options.history !== undefined) requireHistory(options);
  const given = await oneRun(options);
  const subject = given?.subject ?? subjectOf(options);
  await optionsFor(subject); // names that are not known are refused here, not in a thread
  const replay = (seed: number) => replayCommand(subject, seed);
  const tally = new Tally(options.json, options.minutes ?? null, replay);
  const { protocol, plant } = subject;
  if (plant !== undefined) tally.planted = mutantNamed(protocol, plant);
  if (given === null) await simulateMany(subject, options, tally);
  else await simulateGiven(given, options, tally);
  return tally.finish((performance.now() - startedAtMs) / 1000);
}

/** Seeds on several threads; the first violation is made smaller if that is asked for. */
async function simulateMany(
  subject: Subject,
  options: SimulateOptions,
  tally: Tally,
): Promise<void> {
  const { first } = options.seeds;
  const endless = { first, last: Number.MAX_SAFE_INTEGER };
  const seeds = options.minutes === undefined ? options.seeds : endless;
  // Once: a second Ctrl-C does not wait for the runs under way.
  const interrupt = () => tally.interrupt();
  process.once("SIGINT", interrupt);
  await simulateAll(subject, seeds, options.jobs, (outcomes) => tally.add(outcomes));
  process.removeListener("SIGINT", interrupt);
  const [violation] = tally.violations;
  if (violation !== undefined && options.minimise !== false) {
    await minimised(await drawnRun(subject, violation.seed), violation.property, options, tally);
  }
}

/** One run; when it is to be made smaller, the small one is traced. */
async function simulateGiven(given: Run, options: SimulateOptions, tally: Tally): Promise<void> {
  const { plan, minimise, trace, history } = options;
  const command =
    plan === undefined ? replayCommand(given.subject, given.seed) : replayFileCommand(plan);
  tally.replay = () => command;
  const outcome = await simulateRun(given, minimise === false ? trace : false, command, history);
  tally.add([outcome]);
  const [violation] = outcome.violations;
  if (minimise === false) return;
  if (violation !== undefined) await minimised(given, violation.property, options, tally);
  else await simulateRun(given, trace, command);
}

function subjectOf({ protocol, plant, service, replicas, faults }: SimulateOptions): Subject {
  const wanted = plant === undefined ? undefined : mutantNamed(protocol, plant).replicas;
  return {
    protocol,
    service,
    n: replicasFor(protocol, replicas ?? wanted),
    ...(plant === undefined ? {} : { plant }),
    ...(faults === undefined ? {} : { faults }),
  };
}

/** The one run that the options name; null if they name many. */
async function oneRun(options: SimulateOptions): Promise<Run | null> {
  const { seed, plan, trace, plant } = options;
  if (plan !== undefined) {
    if (plant !== undefined) {
      const text = `${plan} names the mistake that is planted, if any: leave --plant out`;
      throw new UsageError("PLANT_WITH_PLAN", text);
    }
    if (seed === undefined) return await readRun(plan);
    throw new UsageError("SEED_WITH_PLAN", `${plan} names its seed: leave --seed out`);
  }
  if (seed !== undefined) return await drawnRun(subjectOf(options), seed);
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
  await simulateRun(small.run, trace, command);
  tally.note(`Minimised to ${small.messages} messages, in ${path}.`);
  tally.replay = () => command;
}

function requireHistory({ seed, plan, service }: SimulateOptions): void {
  if (seed === undefined && plan === undefined) {
    throw new UsageError("HISTORY_WITHOUT_SEED", "--history needs --seed: it is of one run");
  }
  if (service !== "kv") {
    const text = `--history needs --service kv: the operations of ${service} cannot be told`;
    throw new UsageError("HISTORY_UNREADABLE", text);
  }
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
  /** The mistake that the runs have; null if they are the product's. */
  planted: Mutant | null = null;
  readonly #json: boolean;
  readonly #notes: string[] = [];
  readonly #reached: Record<string, number> = {};
  readonly #violations: FoundViolation[] = [];
  readonly #startedAtMs = performance.now();
  readonly #endsAtMs: number;
  readonly #progress = new ProgressLine(500);
  #seeds = 0;
  #virtualMs = 0;
  #isInterrupted = false;

  constructor(json: boolean, minutes: number | null, replay: (seed: number) => string) {
    this.#json = json;
    this.replay = replay;
    this.#endsAtMs = minutes === null ? Infinity : this.#startedAtMs + minutes * 60_000;
  }

  /** By their seeds. */
  get violations(): FoundViolation[] {
    return this.#violations.toSorted((a, b) => a.seed - b.seed);
  }

  /** A line to print beside the violation. */
  note(line: string): void {
    this.#notes.push(line);
  }

  /** Enough, once the runs under way are done. */
  interrupt(): void {
    this.#isInterrupted = true;
  }

  /** Without `--json`, the first violation is enough. */
  add(outcomes: readonly Outcome[]): "go on" | "enough" {
    for (const { seed, violations, reached, virtualMs } of outcomes) {
      this.#seeds += 1;
      this.#virtualMs += virtualMs;
      addReached(this.#reached, reached);
      for (const { property, message } of violations) {
        this.#violations.push({ seed, property, message });
      }
    }
    this.#progress.show((width) => this.#soFar(Math.min(79, width)));
    if (this.#isInterrupted || performance.now() >= this.#endsAtMs) return "enough";
    return this.#violations.length > 0 && !this.#json ? "enough" : "go on";
  }

  /** Prints the result and gives the exit code. */
  finish(seconds: number): number {
    const { violations } = this;
    this.#progress.clear();
    if (this.#json) {
      const [seeds, reached, virtualMs] = [this.#seeds, this.#reached, this.#virtualMs];
      const planted = this.planted?.name;
      console.log(JSON.stringify({ planted, seeds, violations, reached, seconds, virtualMs }));
    } else {
      if (this.planted !== null) console.log(`${plantedText(this.planted)}\n`);
      console.log(this.#describe(violations, seconds));
    }
    if (this.#isInterrupted) return interrupted;
    return violations.length === 0 ? exitCode.ok : exitCode.failed;
  }

  #describe(violations: readonly FoundViolation[], seconds: number): string {
    const took = seconds < 60 ? duration(seconds * 1000) : span(seconds * 1000);
    const [first] = violations;
    if (first === undefined) {
      const rows = Object.entries(this.#reached)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, count]) => [name, quantity(count)]);
      const columns = [
        { title: "what the runs reached", align: "left" },
        { title: "times", align: "right" },
      ] as const;
      const stopped = this.#isInterrupted ? "Stopped: " : "";
      const times = (this.#virtualMs / 1000 / seconds).toFixed(0);
      const virtual = `${span(this.#virtualMs)} of virtual time (${times} × real time)`;
      const result = `${stopped}${this.#seeds} seeds clean in ${took}, ${virtual}.`;
      return rows.length === 0 ? result : `${result}\n\n${table(columns, rows)}`;
    }
    return [
      `Seed ${first.seed} violates ${first.property}: ${first.message}`,
      ...this.#notes,
      "",
      "Replay it, the same to the bit, and look at it in a browser:",
      `  ${this.replay(first.seed)}`,
    ].join("\n");
  }

  #soFar(width: number): string {
    const now = performance.now();
    const elapsedMs = now - this.#startedAtMs;
    const leftMs = this.#endsAtMs === Infinity ? null : this.#endsAtMs - now;
    const [seeds, virtualMs, reached] = [this.#seeds, this.#virtualMs, this.#reached];
    return progressText({ seeds, elapsedMs, virtualMs, leftMs, reached }, width);
  }
}
