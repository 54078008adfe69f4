// What must not be seen where nothing goes wrong: nobody has a reason then to do what is for when
// something does, and clients do not wait.

import type { Observation, ReplicaId } from "../core/index.js";
import type { Call } from "./workload.js";

/** Null, or what is wrong with a replica that observes this in a calm run. */
export function unrest(replica: ReplicaId, { event }: Observation): string | null {
  if (event !== "suspect" && event !== "transfer" && event !== "mute") return null;
  return `replica ${replica}: ${event}, though nothing was wrong`;
}

/** Null, or the first call that took longer than `calmMs`; those not answered last till now. */
export function slowness(history: readonly Call[], calmMs: number, nowMs: number): string | null {
  for (const { client, invokedMs, returnedMs } of history) {
    const tookMs = (returnedMs ?? nowMs) - invokedMs;
    if (tookMs <= calmMs) continue;
    const what = `client ${client} waited ${tookMs.toFixed(1)} ms, ${calmMs} are ample`;
    return `${what}: from ${invokedMs.toFixed(1)} on, nothing was wrong`;
  }
  return null;
}
