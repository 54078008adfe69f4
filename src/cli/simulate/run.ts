// The simulation of one seed or many, and what is printed of it.

import { writeFileSync } from "node:fs";
import { UsageError } from "../../core/index.js";
import {
  addReached,
  type Call,
  lineOf,
  type Outcome,
  simulateSeed,
  type TraceEvent,
} from "../../simulator/index.js";
import { exitCode } from "../exit-code.js";
import { duration, quantity, table } from "../text.js";
import { historyLines } from "./history.js";
import { progressLine, span } from "./progress.js";
import { simulateAll } from "./seed-pool.js";
import { optionsFor, type SeedRange, type Subject } from "./seed-worker.js";

/** The parsed options of `troth simulate`. */
export interface SimulateOptions {
  readonly protocol: string;
  readonly service: string;
  readonly replicas: number;
  readonly seeds: SeedRange;
  readonly seed?: number;
  /** New seeds until so many minutes are over. */
  readonly minutes?: number;
  /** What may go wrong; see `faultsNamed`. Default: everything. */
  readonly faults?: string;
  readonly trace: boolean;
  /** A file for the history of the one run. */
  readonly history?: string;
  readonly jobs: number;
  readonly json: boolean;
}

/** What shells expect of a program that Ctrl-C ended. */
const interrupted = 130;

/** Runs, prints, and gives the exit code: failed if a property was violated. */
export async function runSimulation(options: SimulateOptions): Promise<number> {
  const { protocol, service, replicas: n, seed, faults } = options;
  const subject = { protocol, service, n, ...(faults === undefined ? {} : { faults }) };
  const simulation = optionsFor(subject);
  if (options.trace && seed === undefined) {
    throw new UsageError("TRACE_WITHOUT_SEED", "--trace needs --seed: a trace is of one run");
  }
  if (options.history !== undefined) requireHistory(options);
  const startedAtMs = performance.now();
  const tally = new Tally(subject, options.json, options.minutes ?? null);
  if (seed !== undefined) {
    const trace = options.trace ? (event: TraceEvent) => console.log(lineOf(event, n)) : undefined;
    const { history: file } = options;
    const history =
      file && ((calls: readonly Call[]) => writeFileSync(file, linesOf(historyLines(calls))));
    const asked = { ...(trace ? { trace } : {}), ...(history ? { history } : {}) };
    tally.add([simulateSeed({ ...simulation, seed, ...asked })]);
  } else {
    const { first } = options.seeds;
    const endless = { first, last: Number.MAX_SAFE_INTEGER };
    const seeds = options.minutes === undefined ? options.seeds : endless;
    // Once: a second Ctrl-C does not wait for the runs under way.
    const interrupt = () => tally.interrupt();
    process.once("SIGINT", interrupt);
    await simulateAll(subject, seeds, options.jobs, (outcomes) => tally.add(outcomes));
    process.removeListener("SIGINT", interrupt);
  }
  return tally.finish((performance.now() - startedAtMs) / 1000);
}

function requireHistory({ seed, service }: SimulateOptions): void {
  if (seed === undefined) {
    throw new UsageError("HISTORY_WITHOUT_SEED", "--history needs --seed: it is of one run");
  }
  if (service !== "kv") {
    const text = `--history needs --service kv: the operations of ${service} cannot be told`;
    throw new UsageError("HISTORY_UNREADABLE", text);
  }
}

const linesOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

interface FoundViolation {
  readonly seed: number;
  readonly property: string;
  readonly message: string;
}

/** What the seeds came to so far. */
class Tally {
  readonly #subject: Subject;
  readonly #json: boolean;
  readonly #reached: Record<string, number> = {};
  readonly #violations: FoundViolation[] = [];
  readonly #startedAtMs = performance.now();
  readonly #endsAtMs: number;
  #seeds = 0;
  #virtualMs = 0;
  #shownAtMs = 0;
  #isInterrupted = false;

  constructor(subject: Subject, json: boolean, minutes: number | null) {
    this.#subject = subject;
    this.#json = json;
    this.#endsAtMs = minutes === null ? Infinity : this.#startedAtMs + minutes * 60_000;
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
    this.#showProgress();
    if (this.#isInterrupted || performance.now() >= this.#endsAtMs) return "enough";
    return this.#violations.length > 0 && !this.#json ? "enough" : "go on";
  }

  /** Prints the result and gives the exit code. */
  finish(seconds: number): number {
    const violations = this.#violations.toSorted((a, b) => a.seed - b.seed);
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
    if (this.#json) {
      const [seeds, reached, virtualMs] = [this.#seeds, this.#reached, this.#virtualMs];
      console.log(JSON.stringify({ seeds, violations, reached, seconds, virtualMs }));
    } else {
      console.log(this.#describe(violations, seconds));
    }
    if (this.#isInterrupted) return interrupted;
    return violations.length === 0 ? exitCode.ok : exitCode.failed;
  }

  #describe(violations: readonly FoundViolation[], seconds: number): string {
    const { protocol, service, n, faults } = this.#subject;
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
      "",
      "Replay it, the same to the bit, with:",
      `  troth simulate --protocol ${protocol} --service ${service} --replicas ${n} ` +
        `${faults === undefined ? "" : `--faults ${faults} `}--seed ${first.seed} --trace`,
    ].join("\n");
  }

  #showProgress(): void {
    const now = performance.now();
    if (!process.stderr.isTTY || now - this.#shownAtMs < 500) return;
    this.#shownAtMs = now;
    const elapsedMs = now - this.#startedAtMs;
    const leftMs = this.#endsAtMs === Infinity ? null : this.#endsAtMs - now;
    const [seeds, virtualMs, reached] = [this.#seeds, this.#virtualMs, this.#reached];
    const width = Math.min(80, process.stderr.columns) - 1;
    const line = progressLine({ seeds, elapsedMs, virtualMs, leftMs, reached }, width);
    process.stderr.write(`\r\u001b[K${line}`);
  }
}
