// The hunt for many mutants, and what is printed of it.

import { type Mutant, mutantNamed, mutantsFor, mutated } from "../../../mutants/index.js";
import { UsageError } from "../../core/index.js";
import { exitCode } from "../exit-code.js";
import { replicasFor } from "../plan.js";
import { ProgressLine } from "../progress-line.js";
import { optionsFor, type SeedRange } from "../simulate/seed-worker.js";
import { duration, quantity, table } from "../text.js";
import { type Hunt, hunt } from "./hunt.js";

/** The parsed options of `troth mutants`. */
export interface MutantsOptions {
  readonly protocol: string;
  readonly seeds?: SeedRange;
  readonly maxSeeds?: number;
  readonly only?: readonly string[];
  readonly replicas?: number;
  /** What may go wrong; see `faultsNamed`. Default: everything. */
  readonly faults?: string;
  readonly jobs: number;
  readonly json: boolean;
}

const seedsMaxByDefault = 20_000;

/** Hunts, prints, and gives the exit code: failed if a mutant survived without a reason. */
export async function runMutants(options: MutantsOptions): Promise<number> {
  const { protocol, replicas, faults, jobs } = options;
  const mutants = chosen(options);
  const seeds = seedsOf(options);
  for (const mutant of mutants) mutated(mutant); // one that is out of date is known before all work
  const abort = new AbortController();
  process.once("SIGINT", () => abort.abort());
  const progress = new Progress(mutants.length);
  const hunts: Hunt[] = [];
  const waiting = [...mutants];
  const startedAtMs = performance.now();
  const huntNext = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      if (abort.signal.aborted) return;
      const { name } = mutant;
      const n = replicasFor(protocol, replicas ?? mutant.replicas);
      const subject = { protocol, service: "kv", n, ...(faults === undefined ? {} : { faults }) };
      await optionsFor(subject);
      const onSeed = (seed: number) => progress.show(`${name}, seed ${seed}`);
      const ended = await hunt({ mutant, subject, seeds, signal: abort.signal, onSeed });
      hunts.push(ended);
      progress.add(ended);
    }
  };
  try {
    await Promise.all(Array.from({ length: jobs }, huntNext));
  } catch (error) {
    abort.abort(); // the other threads end, and their copies go
    throw error;
  } finally {
    progress.end();
  }
  const isWhole = !abort.signal.aborted;
  const ended = hunts.toSorted((a, b) => mutants.indexOf(a.mutant) - mutants.indexOf(b.mutant));
  const seconds = (performance.now() - startedAtMs) / 1000;
  console.log(options.json ? asJson(ended, isWhole, seconds) : describe(ended, isWhole, seconds));
  if (!isWhole) return 130;
  return ended.every(({ kill, mutant }) => kill !== null || mutant.survives !== undefined)
    ? exitCode.ok
    : exitCode.failed;
}

/** @throws UsageError `MUTANTS_UNKNOWN` for a protocol that has none, or a name that is none. */
const chosen = ({ protocol, only }: MutantsOptions): readonly Mutant[] =>
  only === undefined
    ? mutantsFor(protocol)
    : [...new Set(only)].map((name) => mutantNamed(protocol, name));

function seedsOf({ seeds, maxSeeds }: MutantsOptions): SeedRange {
  if (seeds !== undefined && maxSeeds !== undefined) {
    throw new UsageError("SEEDS_TWICE", "--seeds and --max-seeds exclude each other: choose one");
  }
  return seeds ?? { first: 1, last: maxSeeds ?? seedsMaxByDefault };
}

/** How many mutants are done, and what is hunted. */
class Progress {
  readonly #mutants: number;
  readonly #line = new ProgressLine(200);
  #ended = 0;
  #killed = 0;

  constructor(mutants: number) {
    this.#mutants = mutants;
  }

  add({ kill }: Hunt): void {
    this.#ended += 1;
    if (kill !== null) this.#killed += 1;
  }

  show(what: string): void {
    const count = `${this.#ended} of ${this.#mutants} mutants, ${this.#killed} killed`;
    this.#line.show(() => `${count}; hunting ${what}`);
  }

  end(): void {
    this.#line.clear();
  }
}

const columns = [
  { title: "mutant", align: "left" },
  { title: "what it breaks", align: "left" },
  { title: "n", align: "right" },
  { title: "killed by", align: "left" },
  { title: "seed", align: "right" },
  { title: "seeds tried", align: "right" },
] as const;

function describe(hunts: readonly Hunt[], isWhole: boolean, seconds: number): string {
  const rows = hunts.map(({ mutant, n, kill, seedsTried }) => [
    mutant.name,
    mutant.breaks,
    String(n),
    kill?.by ?? "survived",
    kill === null ? "" : String(kill.seed),
    String(seedsTried),
  ]);
  const survivors = hunts.filter(({ kill }) => kill === null);
  const killed = hunts.length - survivors.length;
  const percent = hunts.length === 0 ? 0 : (100 * killed) / hunts.length;
  const tried = hunts.reduce((sum, { seedsTried }) => sum + seedsTried, 0);
  const lines = [table(columns, rows), ""];
  if (!isWhole) lines.push("Interrupted: a mutant that was being hunted counts as a survivor.");
  lines.push(
    `Killed ${killed} of ${hunts.length} (${percent.toFixed(1)} %) ` +
      `with ${quantity(tried)} seeds in ${duration(seconds * 1000)}.`,
  );
  for (const { mutant } of survivors) {
    lines.push(`  ${mutant.name} survived: ${mutant.survives ?? "nobody knows why yet."}`);
  }
  return lines.join("\n");
}

function asJson(hunts: readonly Hunt[], isWhole: boolean, seconds: number): string {
  const mutants = hunts.map(({ mutant, n, kill, seedsTried }) => {
    const { name, breaks, file, survives = null } = mutant;
    return { name, breaks, file, replicas: n, kill, seedsTried, survives };
  });
  const killed = hunts.filter(({ kill }) => kill !== null).length;
  return JSON.stringify({ killed, of: hunts.length, isWhole, seconds, mutants });
}
