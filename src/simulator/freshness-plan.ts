// Which freshness a run's trusted instances have, and what its plan must then leave out: where a
// restart counts as a fault, only so many replicas may restart.

import type { ReplicaId } from "../core/index.js";
import type { CrashPlan, LiarPlan, Plan } from "./plan.js";
import type { Random } from "./random.js";

/**
 * The plan with trusted instances that do not believe their hosts' storage, and hosts that roll
 * them back. Restarts count towards f now, so that liars and replicas that crash are f together.
 */
export function withRollbacks(plan: Plan, random: Random): Plan {
  const freshness = random.pick(["fail-stop", "leases", "leases"] as const);
  const liars = drawLiars(plan, random);
  const crashes = confined(plan, liars, random);
  return { ...plan, freshness, liars, crashes };
}

function drawLiars({ n, f, liars }: Plan, random: Random): LiarPlan[] {
  const rolling = liars.map((liar) => ({ ...liar, rollsBack: random.chance(0.8) }));
  if (liars.length === f || random.chance(0.3)) return rolling;
  const honest = withoutLiars(n, liars);
  return [...rolling, { replica: random.pick(honest), lies: [], garbleChance: 0, rollsBack: true }];
}

function withoutLiars(n: number, liars: readonly LiarPlan[]): ReplicaId[] {
  const lying = new Set(liars.map(({ replica }) => replica));
  return Array.from({ length: n }, (_, replica) => replica).filter((id) => !lying.has(id));
}

function confined({ n, f, crashes }: Plan, liars: readonly LiarPlan[], random: Random) {
  const mortal = random.shuffled(withoutLiars(n, liars)).slice(0, f - liars.length);
  if (mortal.length === 0) return [];
  return crashes.map((crash): CrashPlan => ({ ...crash, replica: random.pick(mortal) }));
}
