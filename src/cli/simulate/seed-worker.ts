// A worker thread that simulates the seeds it is handed, range after range.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import { liesFor } from "../../adversaries/index.js";
import type { Protocol } from "../../core/index.js";
import { protocolNamed } from "../../protocols/index.js";
import {
  faultsNamed,
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
  /** A folder with other built layers, from which the protocol is taken. */
  readonly layers?: string;
  /** As `--faults` names them; everything if there are none. */
  readonly faults?: string;
}

/** Seeds `first … last`. */
export interface SeedRange {
  readonly first: number;
  readonly last: number;
}

/** Runs have few keys: a power of two beside them, so that some pages change and others do not. */
const pageCount = 32;

/** The simulator's options for a subject. @throws UsageError for names that are not known. */
export function optionsFor(
  { protocol, service, n, faults }: Subject,
  find: (name: string) => Protocol = protocolNamed,
): SimulationOptions {
  return {
    protocol: find(protocol),
    service: () => createService(service, symbolicHash, pageCount),
    workload: workloadFor(service),
    n,
    lies: liesFor(protocol),
    ...(faults === undefined ? {} : { faults: faultsNamed(faults) }),
  };
}

/** How the protocols of some built layers are found by their names. */
async function finderIn(layers: string): Promise<(name: string) => Protocol> {
  const url = pathToFileURL(join(layers, "protocols", "index.js")).href;
  return ((await import(url)) as { protocolNamed: (name: string) => Protocol }).protocolNamed;
}

if (parentPort !== null) {
  const port = parentPort;
  const subject = workerData as Subject;
  const find = subject.layers === undefined ? protocolNamed : await finderIn(subject.layers);
  const options = optionsFor(subject, find);
  port.on("message", ({ first, last }: SeedRange) => {
    const outcomes: Outcome[] = [...simulate(options, first, last)];
    port.postMessage(outcomes);
  });
}
