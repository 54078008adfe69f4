// Hunts a mutant: seed after seed on a thread of its own, until a property is violated.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type Mutant, plant } from "../../../mutants/index.js";
import type { Outcome, Property } from "../../simulator/index.js";
import type { SeedRange, Subject } from "../simulate/seed-worker.js";

/** A seed that takes longer goes in circles: the slowest of the product take some seconds. */
const seedMsMax = 60_000;
/** A mutant that needs more memory never stops gathering. */
const heapMegabytesMax = 1024;

/** What gave a mutant away, besides a property: it did not come to an end, or to no good one. */
export type Killer = Property | "hangs" | "out of memory";

export interface Kill {
  readonly by: Killer;
  readonly seed: number;
  readonly message: string;
}

/** How a hunt ended: without a kill, the mutant survived the seeds that were tried. */
export interface Hunt {
  readonly mutant: Mutant;
  readonly n: number;
  readonly seedsTried: number;
  readonly kill: Kill | null;
}

export interface HuntOptions {
  readonly mutant: Mutant;
  readonly subject: Subject;
  readonly seeds: SeedRange;
  /** Ends the hunt with what was found by then. */
  readonly signal: AbortSignal;
  readonly onSeed: (seed: number) => void;
}

/** @throws UsageError `MUTANT_OUT_OF_DATE`; SyntaxError if the mutant is no program. */
export async function hunt(options: HuntOptions): Promise<Hunt> {
  const { mutant, subject } = options;
  const { folder, remove } = plant(mutant);
  const worker = new Worker(new URL("../simulate/seed-worker.js", import.meta.url), {
    workerData: { ...subject, layers: folder } satisfies Subject,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
  });
  try {
    return { mutant, n: subject.n, ...(await chase(worker, options)) };
  } finally {
    await worker.terminate();
    remove();
  }
}

/** Hands the thread one seed after the other. */
async function chase(
  worker: Worker,
  { seeds, signal, onSeed }: HuntOptions,
): Promise<Pick<Hunt, "seedsTried" | "kill">> {
  for (let seed = seeds.first; seed <= seeds.last; seed++) {
    if (signal.aborted) return { seedsTried: seed - seeds.first, kill: null };
    onSeed(seed);
    const kill = await verdict(worker, seed, signal);
    if (kill !== null) return { seedsTried: seed - seeds.first + 1, kill };
  }
  return { seedsTried: seeds.last - seeds.first + 1, kill: null };
}

/** What one seed comes to; null if the mutant survives it, or the hunt is called off. */
async function verdict(worker: Worker, seed: number, signal: AbortSignal): Promise<Kill | null> {
  const patience = AbortSignal.timeout(seedMsMax);
  const answer = once(worker, "message", { signal: AbortSignal.any([signal, patience]) });
  worker.postMessage({ first: seed, last: seed } satisfies SeedRange);
  try {
    const [[outcome]] = (await answer) as [Outcome[]];
    const violation = outcome?.violations[0];
    return violation ? { by: violation.property, seed, message: violation.message } : null;
  } catch (error) {
    if (signal.aborted) return null;
    if (patience.aborted) {
      return { by: "hangs", seed, message: `no end after ${seedMsMax / 1000} s` };
    }
    const { name, code, message } = error as Error & { code?: string };
    if (name === "SyntaxError" || code?.startsWith("ERR_MODULE") === true) throw error;
    const by = code === "ERR_WORKER_OUT_OF_MEMORY" ? "out of memory" : "never-throws";
    return { by, seed, message };
  }
}
