// The simulation of one seed or many, and what is printed of it.

import { UsageError } from "../../core/index.js";
import {
  addReached,
  lineOf,
  type Outcome,
  simulateSeed,
  type TraceEvent,
} from "../../simulator/index.js";
import { exitCode } from "../exit-code.js";
import { duration, quantity, table } from "../text.js";
import { simulateAll } from "./seed-pool.js";
import { optionsFor, type SeedRange, type Subject } from "./seed-worker.js";

/** The parsed options of `troth simulate`. */
export interface SimulateOptions {
  readonly protocol: string;
  readonly service: string;
  readonly replicas: number;
  readonly seeds: SeedRange;
  readonly seed?: number;
  readonly trace: boolean;
  readonly jobs: number;
  readonly json: boolean;
}

/** Runs, prints, and gives the exit code: failed if a property was violated. */
export async function runSimulation(options: SimulateOptions): Promise<number> {
  const { protocol, service, replicas: n, seed } = options;
  const subject = { protocol, service, n };
  const simulation = optionsFor(subject);
  if (options.trace && seed === undefined) {
    throw new UsageError("TRACE_WITHOUT_SEED", "--trace needs --seed: a trace is of one run");
  }
  const startedAtMs = performance.now();
  const tally = new Tally(subject, options.json);
  if (seed !== undefined) {
    const trace = options.trace ? (event: TraceEvent) => console.log(lineOf(event, n)) : undefined;
    tally.add([simulateSeed({ ...simulation, seed, ...(trace === undefined ? {} : { trace }) })]);
  } else {
    await simulateAll(subject, options.seeds, options.jobs, (outcomes) => tally.add(outcomes));
  }
  return tally.finish((performance.now() - startedAtMs) / 1000);
}

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
  #seeds = 0;
  #shownAtMs = 0;

  constructor(subject: Subject, json: boolean) {
    this.#subject = subject;
    this.#json = json;
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
    const violations = this.#violations.toSorted((a, b) => a.seed - b.seed);
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
    const { protocol, service, n } = this.#subject;
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
      "",
      "Replay it, the same to the bit, with:",
      `  troth simulate --protocol ${protocol} --service ${service} --replicas ${n} ` +
        `--seed ${first.seed} --trace`,
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
