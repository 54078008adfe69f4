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

/** What a calm run has all the same. */
export interface Excuses {
  /** Liars that do not lead. */
  readonly liars: boolean;
  /** The first leader stops … */
  readonly firstLeader: boolean;
  /** … or, where there is none, one of many: others settle what it ordered, and it comes back. */
  readonly oneOfMany: boolean;
}

/** Null, or what is wrong with a replica that observes this in a calm run. */
export function unrest(
  replica: ReplicaId,
  observation: Observation,
  { liars, firstLeader, oneOfMany }: Excuses,
): string | null {
  const { event } = observation;
  if (oneOfMany) return null;
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
/** What was looked at less often says little about what is usual. */
const warmLooks = 4;

/** Whether machines grow with the length of a calm run, which they must not. */
export class Growth {
  readonly #usual = new Map<ReplicaId, { looks: number; largest: number }>();

  /** Null, or what is wrong: a machine has half as much again as it had when it was warm. */
  judge({ id, machine }: { id: ReplicaId; machine: object }, order: number): string | null {
    if (order < warmOrders) return null;
    const { elements } = sizeOf(machine);
    const usual = this.#usual.get(id) ?? { looks: 0, largest: 0 };
    this.#usual.set(id, usual);
    const { largest } = usual;
    if (order < 2 * warmOrders || usual.looks < warmLooks) {
      usual.looks += 1;
      usual.largest = Math.max(largest, elements);
    } else if (elements > 1.5 * largest + 64) {
      const was = `${largest} until order ${2 * warmOrders}`;
      return `replica ${id} keeps ${elements} elements at order ${order}, and kept ${was}`;
    }
    return null;
  }
}
