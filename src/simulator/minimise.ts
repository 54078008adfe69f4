// Shrinks a failing run: first its plan, then the messages and timers that happen, as long as the
// same property is violated. Delta debugging (Zeller and Hildebrandt 2002), and nothing random.

import type { Script } from "./deliveries.js";
import type { Property } from "./judge.js";
import type { Plan } from "./plan.js";
import { planOf, type SeedOptions, simulateSeed } from "./simulate.js";
import type { TraceEvent } from "./trace.js";

/** A run as it can be had again: see the fields of the same names in `SeedOptions`. */
export interface SmallRun {
  readonly plan: Plan;
  readonly script: Script | null;
}

/** How far the shrinking has come. */
export interface Shrinking {
  readonly stage: "plan" | "messages";
  /** Runs tried so far. */
  readonly runs: number;
  readonly best: SmallRun;
  /** Messages sent and not left out until the violation. */
  readonly messages: number;
}

export interface MinimiseOptions extends SeedOptions {
  readonly property: Property;
  /** Steps of all runs together: the bound on the work, and the same everywhere. */
  readonly stepsMax: number;
}

/** A run may take so many times the steps of the best one, and this many more. */
const patience = { times: 2, more: 500 };

/**
 * Yields after every run tried; returns the smallest run found, null if the run it begins with does
 * not violate the property.
 */
export function* minimise(options: MinimiseOptions): Generator<Shrinking, SmallRun | null, void> {
  const shrinker = new Shrinker(options);
  if (!shrinker.begins()) return null;
  // A smaller plan makes fewer messages, and fewer messages need less of the plan.
  for (let size = Number.POSITIVE_INFINITY; shrinker.size < size && !shrinker.isSpent; ) {
    size = shrinker.size;
    yield* shrinker.shrinkPlan();
    if (leavesOut(options.property)) yield* shrinker.shrinkDeliveries();
  }
  return shrinker.best;
}

/** Who leaves messages out after the heal breaks liveness himself. */
const leavesOut = (property: Property): boolean => property !== "liveness";

/** What a run that violates the property needed. */
interface Failure {
  readonly steps: number;
  readonly messages: number;
  readonly deliveries: readonly Delivery[];
}

type Delivery = readonly [name: string, atMs: number];

class Shrinker {
  readonly #options: MinimiseOptions;
  #best: SmallRun;
  #failure: Failure = { steps: Infinity, messages: Infinity, deliveries: [] };
  #stage: Shrinking["stage"] = "plan";
  #runs = 0;
  #steps = 0;

  constructor(options: MinimiseOptions) {
    this.#options = options;
    this.#best = { plan: options.plan ?? planOf(options), script: options.script ?? null };
  }

  get best(): SmallRun {
    return this.#best;
  }

  get isSpent(): boolean {
    return this.#steps >= this.#options.stepsMax;
  }

  /** What is made smaller: the plan's text, and what happens. */
  get size(): number {
    return JSON.stringify(this.#best.plan).length + this.#failure.deliveries.length;
  }

  begins(): boolean {
    return this.#tries(this.#best);
  }

  *shrinkPlan(): Generator<Shrinking, void, void> {
    this.#stage = "plan";
    for (let improved = true; improved && !this.isSpent; ) {
      improved = false;
      for (const path of pathsOf(this.#best.plan)) {
        for (const value of smaller(path, valueAt(this.#best.plan, path))) {
          const tried = this.#tries({
            ...this.#best,
            plan: withValue(this.#best.plan, path, value),
          });
          yield this.#progress();
          if (this.isSpent) return;
          if (!tried) continue;
          improved = true;
          break;
        }
      }
    }
  }

  /** Makes a script of what happened, and keeps as few deliveries of it as do it. */
  *shrinkDeliveries(): Generator<Shrinking, void, void> {
    this.#stage = "messages";
    let parts = 2;
    if (!this.#follows(this.#failure.deliveries)) return;
    for (let kept = this.#failure.deliveries; kept.length > 0 && !this.isSpent; ) {
      const size = Math.ceil(kept.length / parts);
      let reduced = false;
      for (let from = 0; from < kept.length && !reduced; from += size) {
        const others = kept.filter((_, index) => index < from || index >= from + size);
        reduced = this.#follows(others);
        yield this.#progress();
        if (this.isSpent) return;
      }
      if (reduced) {
        kept = this.#failure.deliveries;
        parts = Math.max(2, parts - 1);
      } else if (size <= 1) return;
      else parts = Math.min(kept.length, 2 * parts);
    }
  }

  #follows(deliveries: readonly Delivery[]): boolean {
    return this.#tries({ ...this.#best, script: Object.fromEntries(deliveries) });
  }

  #progress(): Shrinking {
    const { messages } = this.#failure;
    return { stage: this.#stage, runs: this.#runs, best: this.#best, messages };
  }

  /** Whether this run violates the property too; then it is the best so far. */
  #tries(run: SmallRun): boolean {
    const { property } = this.#options;
    const stepsMax = this.#failure.steps * patience.times + patience.more;
    const deliveries: Delivery[] = [];
    let messages = 0;
    const trace = (event: TraceEvent): void => {
      const delivery = deliveryOf(event);
      if (delivery !== null) deliveries.push(delivery);
      if (event.kind === "sent" && event.fate !== "left out") messages++;
    };
    const violates = (found: readonly { readonly property: Property }[]): boolean =>
      found.some((violation) => violation.property === property);
    const outcome = simulateSeed({
      ...this.#options,
      plan: run.plan,
      ...(run.script === null ? {} : { script: run.script }),
      trace,
      watch: ({ steps, violations }) =>
        violates(violations) || steps > stepsMax ? "stop" : "go on",
    });
    this.#runs++;
    this.#steps += outcome.steps;
    if (!violates(outcome.violations)) return false;
    // What did not come up anyway is no part of the script.
    const { script } = run;
    const followed = deliveries.map(([name, atMs]) => [name, script?.[name] ?? atMs] as const);
    this.#best = script === null ? run : { ...run, script: Object.fromEntries(followed) };
    const kept = script === null ? deliveries : followed;
    this.#failure = { steps: outcome.steps, messages, deliveries: kept };
    return true;
  }
}

/** A message that arrives, or a timeout. */
function deliveryOf(event: TraceEvent): Delivery | null {
  if (event.kind === "sent") {
    return event.arrivesMs === null ? null : [event.name, event.arrivesMs];
  }
  if (event.kind !== "happened") return null;
  const name = event.facts["name"];
  return typeof name === "string" ? [name, event.atMs] : null;
}

// Plans as plain data: nothing here knows which faults there are.

type Path = readonly (string | number)[];

/** What is given: making it smaller would be another cluster, or another question. */
const given = new Set([
  "n",
  "f",
  "limits",
  "timing",
  "clientAuthentication",
  "livenessMs",
  "withinMs",
]);

/** The least that makes sense of what is counted, by name; other counts are left alone. */
const leastCounts: Readonly<Record<string, number>> = {
  correct: 1,
  lying: 0,
  bundles: 1,
  operationsMax: 1,
  outstanding: 1,
  again: 0,
  atRisk: 0,
};

/** The least of some times; who sends again sooner sends more, so that patience is left alone. */
const leastMs: Readonly<Record<string, number>> = { delayMs: 1, thinkMs: 1, retryMs: Infinity };

/** Every place in a plan that may be made smaller, the large ones first. */
function pathsOf(plan: Plan): Path[] {
  const paths: Path[] = [];
  const look = (value: unknown, path: Path): void => {
    if (Array.isArray(value)) paths.push(path);
    if (typeof value === "number") paths.push(path);
    if (typeof value !== "object" || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      if (given.has(name)) continue;
      look(inner, [...path, Array.isArray(value) ? Number(name) : name]);
    }
  };
  look(plan, []);
  return paths.sort((a, b) => a.length - b.length);
}

/** Smaller values to try in place of one, the smallest first. */
function smaller(path: Path, value: unknown): unknown[] {
  if (Array.isArray(value)) return smallerLists(value);
  const name = String(path.at(-1));
  if (typeof value !== "number") return [];
  const least = name.endsWith("Ms")
    ? (leastMs[name] ?? 0)
    : name.endsWith("Chance")
      ? 0
      : (leastCounts[name] ?? value);
  if (value <= least) return [];
  const half = Math.max(least, Math.floor((least + value) / 2));
  const quarters = Math.max(least, Math.floor((least + 3 * value) / 4));
  return [...new Set([least, half, quarters])].filter((other) => other < value);
}

function smallerLists(list: readonly unknown[]): unknown[] {
  if (list.length === 0) return [];
  const half = list.length >> 1;
  const halves = list.length > 1 ? [list.slice(0, half), list.slice(half)] : [];
  const without = list.length > 2 ? list.map((_, index) => list.toSpliced(index, 1)) : [];
  return [[], ...halves, ...without];
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const name of path) at = (at as Readonly<Record<string, unknown>> | undefined)?.[name];
  return at;
}

function withValue<Value>(value: Value, [name, ...rest]: Path, replacement: unknown): Value {
  if (name === undefined) return replacement as Value;
  const inner = withValue((value as Record<string, unknown>)[name], rest, replacement);
  if (Array.isArray(value)) return value.with(Number(name), inner) as Value;
  return { ...value, [name]: inner };
}
