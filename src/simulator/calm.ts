// What must not be seen where nothing goes wrong: nobody has a reason then to do what is for when
// something does, and clients do not wait.

import type { Observation, ReplicaId } from "../core/index.js";
import { sizeOf } from "./introspect.js";
import type { Call } from "./workload.js";

type Event = Observation["event"];

/** What is seen only where leaders or hosts fail. */
const ofFailures = new Set<Event>(["suspect", "mute", "view"]);
/** What a liar that does not lead may do to others all the same. */
const ofLies = new Set<Event>(["transfer", "undone"]);

/** What a calm run has all the same: liars that do not lead, or a first leader that stops. */
export interface Excuses {
  readonly liars: boolean;
  readonly firstLeader: boolean;
}

/** Null, or what is wrong with a replica that observes this in a calm run. */
export function unrest(
  replica: ReplicaId,
  observation: Observation,
  { liars, firstLeader }: Excuses,
): string | null {
  const { event } = observation;
  if (ofLies.has(event) ? liars || firstLeader : !ofFailures.has(event)) return null;
  // Whoever comes back late may take a while to see that only it was away.
  if (firstLeader && (replica === 0 || viewOf(observation) <= 1)) return null;
  return `replica ${replica}: ${event}, though ${firstLeader ? "one leader" : "nothing"} was wrong`;
}

/** The view that is not to last, or that is new. */
const viewOf = (observation: Observation): number =>
  observation.event === "suspect"
    ? observation.view + 1
    : observation.event === "view"
      ? observation.view
      : Infinity;

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

/** Orders after which a machine has filled what it may fill, and for which that is looked at. */
const warmOrders = 100;

/** Whether machines grow with the length of a calm run, which they must not. */
export class Growth {
  readonly #largest = new Map<ReplicaId, number>();

  /** Null, or what is wrong: a machine has half as much again as it had when it was warm. */
  judge({ id, machine }: { id: ReplicaId; machine: object }, order: number): string | null {
    if (order < warmOrders) return null;
    const { elements } = sizeOf(machine);
    const largest = this.#largest.get(id) ?? 0;
    if (order < 2 * warmOrders) this.#largest.set(id, Math.max(largest, elements));
    else if (elements > 1.5 * largest + 64) {
      const was = `${largest} until order ${2 * warmOrders}`;
      return `replica ${id} keeps ${elements} elements at order ${order}, and kept ${was}`;
    }
    return null;
  }
}
