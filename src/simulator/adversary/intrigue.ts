// A network that helps the liars: it cuts their victims off from each other, and loses what is said
// of some kinds. All of it ends when the network heals.

import { replicaIds, type ReplicaId } from "../../core/index.js";
import type { Random } from "../random.js";

/** For a while everybody but the liars is in one of two camps, or (null) in both. */
export interface CampsPlan {
  readonly fromMs: number;
  readonly untilMs: number;
  /** By party: replicas, then clients. */
  readonly sides: readonly (number | null)[];
  /** Whether the network carries nothing between the camps. */
  readonly isCut: boolean;
}

/** For a while links carry no messages of some kinds. */
export interface CensorPlan {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly from: number;
  readonly to: number;
  /** A bit for each kind: the number of a message's kind is its first byte. */
  readonly kinds: number;
}

export interface IntriguePlan {
  readonly camps: readonly CampsPlan[];
  readonly censors: readonly CensorPlan[];
}

export const noIntrigue: IntriguePlan = { camps: [], censors: [] };

/** Whether the network loses a message by intrigue. */
export function isIntercepted(
  { camps, censors }: IntriguePlan,
  now: number,
  from: number,
  to: number,
  bytes: Uint8Array,
): boolean {
  for (const { fromMs, untilMs, sides, isCut } of camps) {
    if (!isCut || now < fromMs || now >= untilMs) continue;
    const [a, b] = [sides[from] ?? null, sides[to] ?? null];
    if (a !== null && b !== null && a !== b) return true;
  }
  for (const censor of censors) {
    const { fromMs, untilMs, kinds } = censor;
    if (censor.from !== from || censor.to !== to || now < fromMs || now >= untilMs) continue;
    if (((kinds >>> (bytes[0]! & 31)) & 1) === 1) return true;
  }
  return false;
}

/** Draws the intrigue around the liars among so many parties; the first n are replicas. */
export function drawIntrigue(
  parties: number,
  n: number,
  liars: ReadonlySet<ReplicaId>,
  healMs: number,
  random: Random,
): IntriguePlan {
  return {
    camps: random.chance(0.7) ? drawCamps(parties, n, liars, healMs, random) : [],
    censors: random.chance(0.4) ? drawCensors(n, liars, healMs, random) : [],
  };
}

function drawCamps(
  parties: number,
  n: number,
  liars: ReadonlySet<ReplicaId>,
  healMs: number,
  random: Random,
): CampsPlan[] {
  let fromMs = random.between(0, healMs / 2);
  // Who was apart stays apart as often as not, while the walls come and go.
  let sides = drawSides(parties, n, liars, random);
  return Array.from({ length: 1 + random.below(4) }, () => {
    const untilMs = Math.min(healMs, fromMs + random.between(50, 1_500));
    const camps = { fromMs, untilMs, sides, isCut: random.chance(0.8) };
    fromMs = untilMs;
    if (random.chance(0.4)) sides = drawSides(parties, n, liars, random);
    return camps;
  });
}

function drawSides(
  parties: number,
  n: number,
  liars: ReadonlySet<ReplicaId>,
  random: Random,
): (number | null)[] {
  const correct = random.shuffled(replicaIds(n).filter((replica) => !liars.has(replica)));
  const left = new Set(correct.slice(0, Math.max(1, random.below(correct.length))));
  return Array.from({ length: parties }, (_, party) => {
    if (party >= n) return random.pick([0, 1, null]);
    if (liars.has(party)) return null;
    return left.has(party) ? 0 : 1;
  });
}

function drawCensors(
  n: number,
  liars: ReadonlySet<ReplicaId>,
  healMs: number,
  random: Random,
): CensorPlan[] {
  const correct = replicaIds(n).filter((id) => !liars.has(id));
  return Array.from({ length: 1 + random.below(3) }, () => {
    const fromMs = random.between(0, healMs);
    const [from, to] = random.shuffled(correct);
    return {
      fromMs,
      untilMs: Math.min(healMs, fromMs + random.between(100, 2_000)),
      from: from!,
      to: to ?? from!,
      kinds: drawKinds(random),
    };
  });
}

function drawKinds(random: Random): number {
  const chance = random.pick([0.1, 0.3, 0.6]);
  let kinds = 0;
  for (let kind = 0; kind < 32; kind++) if (random.chance(chance)) kinds |= 1 << kind;
  return kinds;
}
