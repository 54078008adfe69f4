// Simulates a range of seeds on several threads.

import { Worker } from "node:worker_threads";
import type { Outcome } from "../../simulator/index.js";
import type { SeedRange, Subject } from "./seed-worker.js";

/** Seeds handed to a thread at a time: some tenths of a second of work. */
const seedsPerTurn = 8;

/**
 * Simulates all seeds and hands over the outcomes as they come, in any order. Ends early, with all
 * threads, when `onOutcomes` says that it has seen enough.
 */
export async function simulateAll(
  subject: Subject,
  seeds: SeedRange,
  jobs: number,
  onOutcomes: (outcomes: readonly Outcome[]) => "go on" | "enough",
): Promise<void> {
  let next = seeds.first;
  const takeRange = (): SeedRange | null => {
    if (next > seeds.last) return null;
    const range = { first: next, last: Math.min(next + seedsPerTurn - 1, seeds.last) };
    next = range.last + 1;
    return range;
  };
  const onTurn = (outcomes: readonly Outcome[]) => {
    if (onOutcomes(outcomes) === "enough") next = Number.POSITIVE_INFINITY;
  };
  const workers = Array.from({ length: jobs }, () => runWorker(subject, takeRange, onTurn));
  await Promise.all(workers);
}

/** One thread, until there are no more seeds. */
async function runWorker(
  subject: Subject,
  takeRange: () => SeedRange | null,
  onTurn: (outcomes: readonly Outcome[]) => void,
): Promise<void> {
  const worker = new Worker(new URL("seed-worker.js", import.meta.url), { workerData: subject });
  try {
    await new Promise<void>((resolve, reject) => {
      const feed = () => {
        const range = takeRange();
        if (range === null) resolve();
        else worker.postMessage(range);
      };
      worker.on("error", reject);
      worker.on("message", (outcomes: Outcome[]) => {
        onTurn(outcomes);
        feed();
      });
      feed();
    });
  } finally {
    await worker.terminate();
  }
}
