// How the network of a run behaves until it heals: drawn by the seed, plain data.

import { replicaIds } from "../../core/index.js";
import type { Random } from "../random.js";
import type { Fault } from "./faults.js";

/** How messages travel until the network heals. */
export interface NetworkPlan {
  /** The least delay, and how much more it may be. */
  readonly delayMs: number;
  readonly jitterMs: number;
  /** The chance that a message is late, and how late; those after it on its link wait for it. */
  readonly lateChance: number;
  readonly lateMs: number;
  readonly lossChance: number;
  readonly duplicationChance: number;
  /** The chance that a message takes a way of its own, so that others overtake it, or it them. */
  readonly overtakeChance: number;
}

/** Parties are numbered: replicas, then clients. */
export interface LinkPlan {
  readonly from: number;
  readonly to: number;
}

/** A fault that cuts links. */
export type PartitionKind = Extract<
  Fault,
  "partitions" | "one-way-links" | "broken-links" | "bridges" | "swizzles"
>;

/** Links that carry nothing for a while: what is sent on them is lost. */
export interface PartitionPlan {
  readonly kind: PartitionKind;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly blocked: readonly LinkPlan[];
}

/** Links that hold what is sent on them for a while, and then release all of it together. */
export interface ClogPlan {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly held: readonly LinkPlan[];
}

export function drawNetwork(has: (fault: Fault) => boolean, random: Random): NetworkPlan {
  const delayMs = random.pick([0.2, 1, 5]);
  const delays = has("delays");
  return {
    delayMs,
    jitterMs: delays || has("reordering") ? delayMs * random.pick([0.5, 1, 10]) : 0,
    lateChance: delays ? random.pick([0.002, 0.01, 0.05]) : 0,
    lateMs: random.pick([20, 200, 1000]),
    lossChance: has("loss") ? random.pick([0.003, 0.01, 0.1, 0.3]) : 0,
    duplicationChance: has("duplication") ? random.pick([0.01, 0.1]) : 0,
    overtakeChance: has("reordering") ? random.pick([0.05, 0.3, 1]) : 0,
  };
}

/** Which links a partition cuts, among parties of which the first n are replicas. */
type Shape = (parties: number, n: number, random: Random) => readonly LinkPlan[];

const shapes: Record<Exclude<PartitionKind, "swizzles">, readonly Shape[]> = {
  partitions: [
    (parties, _n, random) => {
      const left = sides(parties, random);
      return links(parties, (from, to) => left[from] !== left[to]);
    },
    (parties, n, random) => aloneAmong(parties, random.below(n)),
  ],
  "one-way-links": [
    (parties, _n, random) => {
      const left = sides(parties, random);
      return links(parties, (from, to) => left[from] === true && left[to] === false);
    },
    (parties, n, random) => {
      const deaf = random.below(n);
      return links(parties, (_from, to) => to === deaf);
    },
    (parties, n, random) => {
      const dumb = random.below(n);
      return links(parties, (from) => from === dumb);
    },
  ],
  "broken-links": [(parties, _n, random) => links(parties, () => random.chance(0.3))],
  // Two groups, and one replica that both of them reach.
  bridges: [
    (parties, n, random) => {
      const bridge = random.below(n);
      const left = sides(parties, random);
      const apart = (from: number, to: number) => left[from] !== left[to];
      return links(parties, (from, to) => from !== bridge && to !== bridge && apart(from, to));
    },
  ],
};

const sides = (parties: number, random: Random): boolean[] =>
  Array.from({ length: parties }, () => random.chance(0.5));

export const aloneAmong = (parties: number, alone: number): readonly LinkPlan[] =>
  links(parties, (from, to) => from === alone || to === alone);

export function links(
  parties: number,
  has: (from: number, to: number) => boolean,
): readonly LinkPlan[] {
  const found: LinkPlan[] = [];
  for (let from = 0; from < parties; from++) {
    for (let to = 0; to < parties; to++) {
      if (from !== to && has(from, to)) found.push({ from, to });
    }
  }
  return found;
}

export function drawPartitions(
  has: (fault: Fault) => boolean,
  parties: number,
  n: number,
  healMs: number,
  random: Random,
): PartitionPlan[] {
  const kinds = (Object.keys(shapes) as (keyof typeof shapes)[]).filter(has);
  const partitions = has("swizzles") ? drawSwizzle(parties, n, healMs, random) : [];
  if (kinds.length === 0) return partitions;
  let fromMs = random.between(0, healMs);
  for (let left = kinds.length + random.below(3); left > 0; left--) {
    const untilMs = Math.min(healMs, fromMs + random.between(50, 2_000));
    const kind = random.pick(kinds);
    const blocked = random.pick(shapes[kind])(parties, n, random);
    partitions.push({ kind, fromMs, untilMs, blocked });
    // One after the other as often as not: a quorum of then and a quorum of now share one replica.
    fromMs = random.chance(0.5) ? untilMs : random.between(0, healMs);
  }
  return partitions;
}

/** Replicas are cut off one by one in one order, and joined again in another. */
function drawSwizzle(parties: number, n: number, healMs: number, random: Random): PartitionPlan[] {
  const cut = random.shuffled(replicaIds(n)).slice(0, 1 + random.below(n));
  const beginMs = random.between(0, healMs);
  const stepMs = Math.min(random.between(10, 400), (healMs - beginMs) / (2 * cut.length));
  const joined = random.shuffled(cut);
  return cut.map((replica, index) => ({
    kind: "swizzles",
    fromMs: beginMs + index * stepMs,
    untilMs: beginMs + (cut.length + joined.indexOf(replica)) * stepMs,
    blocked: aloneAmong(parties, replica),
  }));
}

export function drawClogs(parties: number, healMs: number, random: Random): ClogPlan[] {
  const share = random.pick([0.1, 0.3, 1]);
  return Array.from({ length: 1 + random.below(3) }, () => {
    const fromMs = random.between(0, healMs);
    const untilMs = Math.min(healMs, fromMs + random.between(20, 800));
    return { fromMs, untilMs, held: links(parties, () => random.chance(share)) };
  });
}
