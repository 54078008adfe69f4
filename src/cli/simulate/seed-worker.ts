// A worker thread that simulates the seeds it is handed, range after range.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import { mutantNamed, protocolWith } from "../../../mutants/index.js";
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
  /** The mutant whose mistake is planted in the protocol. */
  readonly plant?: string;
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
export async function optionsFor(subject: Subject): Promise<SimulationOptions> {
  const { service, n, faults } = subject;
  const protocol = await protocolOf(subject);
  return {
    protocol,
    service: () => createService(service, symbolicHash, pageCount),
    workload: workloadFor(service, protocol.order),
    n,
    lies: liesFor(protocol.name),
    ...(faults === undefined ? {} : { faults: faultsNamed(faults) }),
  };
}

/** The product's protocol, that of other layers, or one with a mistake. */
async function protocolOf({ protocol, layers, plant }: Subject): Promise<Protocol> {
  if (plant !== undefined) return await protocolWith(mutantNamed(protocol, plant), protocol);
  if (layers === undefined) return protocolNamed(protocol);
  const url = pathToFileURL(join(layers, "protocols", "index.js")).href;
  const others = (await import(url)) as { protocolNamed: (name: string) => Protocol };
  return others.protocolNamed(protocol);
}

if (parentPort !== null) {
  const port = parentPort;
  const options = await optionsFor(workerData as Subject);
  port.on("message", ({ first, last }: SeedRange) => {
    const outcomes: Outcome[] = [...simulate(options, first, last)];
    port.postMessage(outcomes);
  });
}
