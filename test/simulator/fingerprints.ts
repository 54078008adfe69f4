// The fingerprint after every step of some seeds, as another process or thread finds it: one JSON
// list of lists on the standard output, or as a message to the parent.

import { parentPort } from "node:worker_threads";
import { protocolNamed } from "../../src/protocols/index.js";
import { simulateSeed } from "../../src/simulator/index.js";
import { countingService, countingWorkload } from "./toy-service.js";

/** Few enough for every process, and still with crashes, liars and view changes among them. */
export const seeds = [5, 8, 13];

/** A text for each step of a run. */
export function fingerprintsOf(seed: number): string[] {
  const steps: string[] = [];
  simulateSeed({
    protocol: protocolNamed("hybster"),
    service: countingService,
    workload: countingWorkload,
    n: 3,
    seed,
    watch: ({ now, fingerprint }) => {
      steps.push(`${now.toFixed(3)} ms ${fingerprint.toString()}`);
      return "go on";
    },
  });
  return steps;
}

if (parentPort !== null) parentPort.postMessage(seeds.map(fingerprintsOf));
else if (process.argv[2] === "print") console.log(JSON.stringify(seeds.map(fingerprintsOf)));
