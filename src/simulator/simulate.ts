// The simulator's front door: one seed, or a range of seeds, of one protocol with one service.

import type { Protocol, Service } from "../core/index.js";
import type { Lies } from "./adversary/lie.js";
import { faultsTolerated } from "./cluster.js";
import type { Script } from "./deliveries.js";
import type { Violation } from "./judge.js";
import type { LeaseRules } from "./model-leases.js";
import { drawPlan, type Fault, faults, type Plan } from "./plan.js";
import { Random } from "./random.js";
import type { Trace } from "./trace.js";
import type { Call, Workload } from "./workload.js";
import type { Watch } from "./watch.js";
import { World } from "./world.js";

export interface SimulationOptions {
  readonly protocol: Protocol;
  readonly service: () => Service;
  /** Made anew for every seed: it may number its values. */
  readonly workload: () => Workload;
  readonly n: number;
  /** What may go wrong. Default: everything. */
  readonly faults?: readonly Fault[];
  /** Habits of liars for this protocol, beside those that every protocol gives occasion for. */
  readonly lies?: Lies;
}

export interface SeedOptions extends SimulationOptions {
  /** A whole number below 2^53. */
  readonly seed: number;
  /** Is told everything that happens; it changes nothing. */
  readonly trace?: Trace;
  /** Is handed the calls of correct clients when the run is over. */
  readonly history?: (calls: readonly Call[]) => void;
  /** In place of what the seed draws. */
  readonly plan?: Plan;
  /** In place of how trusted instances keep leases: a test takes a rule out. */
  readonly rules?: LeaseRules;
  /** The messages and timers that happen, and when (deliveries.ts). Default: all. */
  readonly script?: Script;
  /** Looks at the run after every step, and may end it there; it changes nothing else. */
  readonly watch?: Watch;
}

/** How one seed ended. */
export interface Outcome {
  readonly seed: number;
  /** Empty if all is well; at most one of each property. */
  readonly violations: readonly Violation[];
  /** How often things happened: view changes, transfers, crashes, lies, messages lost … */
  readonly reached: Readonly<Record<string, number>>;
  readonly virtualMs: number;
  readonly steps: number;
  /** A hash of every step in its order: two runs of one seed agree on it. */
  readonly fingerprint: string;
}

/** Runs one seed. The same options give the same outcome, bit for bit. */
export function simulateSeed(options: SeedOptions): Outcome {
  const { protocol, service, workload, seed } = options;
  const plan = options.plan ?? planOf(options);
  const world = new World({
    protocol,
    service,
    workload: workload(),
    plan,
    ...(options.rules === undefined ? {} : { rules: options.rules }),
    lies: options.lies ?? {},
    random: new Random(seed),
    trace: options.trace ?? null,
    script: options.script ?? null,
    watch: options.watch ?? null,
  });
  world.run();
  options.history?.(world.history);
  return {
    seed,
    violations: world.judge.violations,
    reached: world.reached,
    virtualMs: world.now,
    steps: world.steps,
    fingerprint: world.fingerprint.toString(),
  };
}

/** The share of runs in which nothing goes wrong: mistakes hide behind faults as well. */
const calmShare = 0.08;

/** What a seed draws: the faults, the workload, the limits and the timing of its run. */
export function planOf(options: SimulationOptions & { readonly seed: number }): Plan {
  const { protocol, n, seed } = options;
  const f = faultsTolerated(protocol, n);
  return drawPlan(
    {
      protocol,
      n,
      f,
      faults: options.faults ?? faults,
      calmShare: options.faults === undefined ? calmShare : 0,
      lies: Object.keys(options.lies ?? {}),
    },
    new Random(seed).fork("plan"),
  );
}

/** The outcomes of the seeds `first … last`, one after the other, as they are asked for. */
export function* simulate(
  options: SimulationOptions,
  first: number,
  last: number,
): Generator<Outcome, void, void> {
  for (let seed = first; seed <= last; seed++) yield simulateSeed({ ...options, seed });
}

/** Adds up what several runs reached. */
export function addReached(
  into: Record<string, number>,
  reached: Readonly<Record<string, number>>,
): void {
  for (const [name, count] of Object.entries(reached)) into[name] = (into[name] ?? 0) + count;
}
