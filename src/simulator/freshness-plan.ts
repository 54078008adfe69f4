// Which freshness a run's trusted instances have, and what its plan must then leave out: where a
// restart counts as a fault, only so many replicas may restart.

import { replicaIds, type ReplicaId } from "../core/index.js";
import type { LiarPlan } from "./adversary/draw.js";
import type { Plan } from "./plan.js";
import type { Random } from "./random.js";

/**
 * The plan with trusted instances that do not believe their hosts' storage, and hosts that roll
 * them back. Restarts count towards f now: liars, replicas with damaged disks and those that crash
 * are f together, and the power stays on.
 */
export function withRollbacks(plan: Plan, random: Random): Plan {
  const { f, disk } = plan;
  const freshness = random.pick(["fail-stop", "leases", "leases"] as const);
  const damaged = disk.damages.map(({ replica }) => replica);
  const liars = drawLiars(plan, damaged, random);
  const others = sound(plan.n, liars, damaged);
  const mortal = [
    ...damaged,
    ...random.shuffled(others).slice(0, Math.max(0, f - liars.length - damaged.length)),
  ];
  const confined = <T extends { readonly replica: ReplicaId }>(mishaps: readonly T[]): T[] =>
    mortal.length === 0
      ? []
      : mishaps.map((one) =>
          mortal.includes(one.replica) ? one : { ...one, replica: random.pick(mortal) },
        );
  const crashes = confined(plan.crashes);
  const refusals = confined(disk.refusals);
  return { ...plan, freshness, liars, crashes, powerCuts: [], disk: { ...disk, refusals } };
}

function drawLiars(plan: Plan, damaged: readonly ReplicaId[], random: Random): LiarPlan[] {
  const { n, f, liars } = plan;
  const rolling = liars.map((liar) => ({ ...liar, rollsBack: random.chance(0.8) }));
  if (liars.length + damaged.length >= f || random.chance(0.3)) return rolling;
  const replica = random.pick(sound(n, liars, damaged));
  return [...rolling, { replica, lies: [], garbleChance: 0, rollsBack: true }];
}

function sound(n: number, liars: readonly LiarPlan[], damaged: readonly ReplicaId[]): ReplicaId[] {
  const others = new Set([...damaged, ...liars.map(({ replica }) => replica)]);
  return replicaIds(n).filter((id) => !others.has(id));
}
