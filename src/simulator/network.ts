// The links between parties: what becomes of a message sent now. Parties are numbered: replicas,
// then clients.

import type { NetworkPlan, PartitionPlan } from "./plan.js";
import type { Random } from "./random.js";

/** What happened to one message. */
export type Fate =
  | { readonly kind: "blocked" | "lost" }
  /** One delay a copy. */
  | { readonly kind: "carried"; readonly delaysMs: readonly number[] };

/** Decides the fate of messages; perfect but for its delay from `healMs` on. */
export class Network {
  readonly #plan: NetworkPlan;
  readonly #partitions: readonly { fromMs: number; untilMs: number; blocked: Set<number> }[];
  readonly #parties: number;
  readonly #healMs: number;
  readonly #random: Random;

  constructor(
    plan: NetworkPlan,
    partitions: readonly PartitionPlan[],
    parties: number,
    healMs: number,
    random: Random,
  ) {
    this.#plan = plan;
    this.#parties = parties;
    this.#healMs = healMs;
    this.#random = random;
    this.#partitions = partitions.map(({ fromMs, untilMs, blocked }) => ({
      fromMs,
      untilMs,
      blocked: new Set(blocked.map(({ from, to }) => from * parties + to)),
    }));
  }

  fate(nowMs: number, from: number, to: number): Fate {
    const healed = nowMs >= this.#healMs;
    if (!healed && this.#isBlocked(nowMs, from, to)) return { kind: "blocked" };
    if (!healed && this.#random.chance(this.#plan.lossChance)) return { kind: "lost" };
    const twice = !healed && this.#random.chance(this.#plan.duplicationChance);
    const delaysMs = twice ? [this.#delay(healed), this.#delay(healed)] : [this.#delay(healed)];
    return { kind: "carried", delaysMs };
  }

  #isBlocked(nowMs: number, from: number, to: number): boolean {
    const link = from * this.#parties + to;
    return this.#partitions.some(
      ({ fromMs, untilMs, blocked }) => nowMs >= fromMs && nowMs < untilMs && blocked.has(link),
    );
  }

  #delay(healed: boolean): number {
    const { delayMs, jitterMs, lateChance, lateMs } = this.#plan;
    const usual = delayMs + this.#random.fraction() * jitterMs;
    const isLate = !healed && this.#random.chance(lateChance);
    return isLate ? usual + this.#random.fraction() * lateMs : usual;
  }
}
