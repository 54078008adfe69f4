// One check of `npm run specs` in a thread of its own, so that the command can tell how long it has
// been at it.

import { parentPort, workerData } from "node:worker_threads";
import { checkSpec } from "./spec-check.js";
import type { SpecRun } from "./spec-runs.js";

parentPort?.postMessage(checkSpec(workerData as SpecRun));
