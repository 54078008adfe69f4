// Which replicas of a run lie, with which habits, and when.

import type { ReplicaId } from "../../core/index.js";
import type { Random } from "../random.js";
import type { LieName } from "./lies.js";
import { always, type Season } from "./season.js";

export interface LiarPlan {
  readonly replica: ReplicaId;
  /** Names of habits: of adversary/lies.ts, or the protocol's own. */
  readonly lies: readonly string[];
  /** The chance that a message it sends has a wrong bit. */
  readonly garbleChance: number;
  /** When it lies; always, if that is not said. */
  readonly season?: Season;
  /** How many times as patient as others its machine is. Default: once. */
  readonly patience?: number;
  /** Whether it restarts its trusted instance and uses the earlier lives too. */
  readonly rollsBack?: boolean;
}

/** What is hardest to withstand: two truths for two camps, and lies that are made to be read. */
const strong: readonly LieName[] = [
  "twins",
  "twins",
  "secondBest",
  "secondBest",
  "splice",
  "splice",
  "rewrite",
  "usurp",
  "invent",
  "confide",
  "launder",
];

/**
 * At most `most` of the candidates, each with a few habits: of `any`, or of the protocol's `own`.
 */
export function drawLiars(
  candidates: readonly ReplicaId[],
  most: number,
  any: readonly string[],
  own: readonly string[],
  healMs: number,
  random: Random,
): LiarPlan[] {
  if (most === 0) return [];
  return ranked(candidates, random)
    .slice(0, 1 + random.below(most))
    .map((replica) => ({
      replica,
      lies: drawLies(any, own, random),
      garbleChance: random.pick([0, 0, 0, 0.02, 0.3]),
      season: drawSeason(healMs, random),
    }));
}

/** In any order, but rather with the first leader first: who leads can do the most harm. */
export function ranked(candidates: readonly ReplicaId[], random: Random): ReplicaId[] {
  const shuffled = random.shuffled(candidates);
  if (!random.chance(firstLeaderShare)) return shuffled;
  return shuffled.sort((a, b) => Number(b === 0) - Number(a === 0));
}

/** The share of runs in which the first leader lies, if it may and anybody does. */
const firstLeaderShare = 0.4;

/** Few, so that each acts often: one of the strong or of the protocol's own, and some of any. */
function drawLies(any: readonly string[], own: readonly string[], random: Random): string[] {
  const count = random.pick([1, 1, 2, 2, 3]);
  return [...new Set(Array.from({ length: count }, () => drawHabit(any, own, random)))];
}

/** One habit, rather of the strong or of the protocol's own. */
export function drawHabit(any: readonly string[], own: readonly string[], random: Random): string {
  const way = random.fraction();
  if (own.length > 0 && way < 0.6) return random.pick(own);
  return way < 0.85 ? random.pick(strong) : random.pick(any);
}

function drawSeason(healMs: number, random: Random): Season {
  return random.pick<Season>([
    always,
    always,
    always,
    always,
    always,
    { kind: "from", fromMs: random.between(0, healMs) },
    { kind: "spells", everyMs: random.between(100, 1_000), share: random.pick([0.2, 0.5, 0.8]) },
    { kind: "changes", afterMs: random.pick([0, 20, 200]) },
  ]);
}
