// The end of a run: whatever happened before, any replicas that are not faulty must be enough.

import { type ReplicaId, replicaIds } from "../../core/index.js";
import type { Plan } from "../plan.js";
import type { Random } from "../random.js";
import { ampleMs, isBrisk } from "./plot.js";

/**
 * In each round as many replicas as may be faulty are down, and every client submits more. One
 * round follows the other when all is answered and equal again.
 */
export interface FinalePlan {
  readonly rounds: number;
  /** Whose turn it is to be down: all replicas, or those only that may be. */
  readonly order: readonly ReplicaId[];
  /** Whether the others restart as a round begins, where that is no fault. */
  readonly restart: boolean;
  /** So many more bundles each client submits in a round. */
  readonly bundles: number;
  /** So soon all must be answered and equal. */
  readonly withinMs: number;
}

export function drawFinale(plan: Plan, random: Random): FinalePlan {
  return {
    rounds: random.pick([1, 2, 3]),
    order: random.shuffled(replicaIds(plan.n)),
    restart: random.chance(0.5),
    bundles: random.pick([2, 2, 8]),
    // Nobody lies any more.
    withinMs: isBrisk(plan) ? ampleMs(plan.timing) : plan.livenessMs,
  };
}

/** Whether those that are not down restart as a round begins. */
export const othersRestart = ({ finale, freshness }: Plan): boolean =>
  finale?.restart === true && freshness === "storage";

/** Who is down in each round: whoever is faulty already, and with them others in turn. */
export function finaleRounds(plan: Plan): readonly ReplicaId[][] {
  const { finale, f, liars, disk, crashes, freshness } = plan;
  if (finale === null) return [];
  const restarts = freshness === "storage" ? [] : [...crashes, ...disk.refusals];
  const mishaps = [...liars, ...disk.damages, ...restarts];
  const faulty = [...new Set(mishaps.map(({ replica }) => replica))];
  const sound = finale.order.filter((id) => !faulty.includes(id));
  const spare = Math.min(f - faulty.length, sound.length);
  // Who was down a round before comes back: where that counts as a fault, there is no second one.
  const most = spare === 0 || freshness !== "storage" ? 1 : Infinity;
  return Array.from({ length: Math.min(most, finale.rounds) }, (_, round) => {
    const others = Array.from({ length: spare }, (_, i) => (round * spare + i) % sound.length);
    return [...faulty, ...others.map((index) => sound[index]!)];
  });
}
