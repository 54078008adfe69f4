// A worker thread that simulates the seeds it is handed, range after range.

import { parentPort, workerData } from "node:worker_threads";
import { protocolNamed } from "../../protocols/index.js";
import {
  type Outcome,
  simulate,
  type SimulationOptions,
  symbolicHash,
} from "../../simulator/index.js";
import { createService } from "../../services/index.js";
import { workloadFor } from "./workloads.js";

/** What is simulated: names, so that it can travel to a thread. */
export interface Subject {
  readonly protocol: string;
  readonly service: string;
  readonly n: number;
}

/** Seeds `first … last`. */
export interface SeedRange {
  readonly first: number;
  readonly last: number;
}

/** Runs have few keys: a power of two beside them, so that some pages change and others do not. */
const pageCount = 32;

/** The simulator's options for a subject. @throws UsageError for names that are not known. */
export function optionsFor({ protocol, service, n }: Subject): SimulationOptions {
  return {
    protocol: protocolNamed(protocol),
    service: () => createService(service, symbolicHash, pageCount),
    workload: workloadFor(service),
    n,
  };
}

if (parentPort !== null) {
  const port = parentPort;
  const options = optionsFor(workerData as Subject);
  port.on("message", ({ first, last }: SeedRange) => {
    const outcomes: Outcome[] = [...simulate(options, first, last)];
    port.postMessage(outcomes);
  });
}
