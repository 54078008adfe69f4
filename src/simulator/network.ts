// The links between parties: what becomes of a message sent now. Parties are numbered: replicas,
// then clients.

import type { ClogPlan, LinkPlan, NetworkPlan, PartitionPlan } from "./plan.js";
import type { Random } from "./random.js";

/** What happened to one message. */
export type Fate =
  | { readonly kind: "blocked" | "lost" }
  /** When each copy arrives. */
  | { readonly kind: "carried"; readonly atMs: number; readonly againMs: number | null };

export const blocked: Fate = { kind: "blocked" };
const lost: Fate = { kind: "lost" };

export interface NetworkOptions {
  readonly plan: NetworkPlan;
  readonly partitions: readonly PartitionPlan[];
  readonly clogs: readonly ClogPlan[];
  readonly parties: number;
  /** From then on it is perfect but for its delay. */
  readonly healMs: number;
  readonly random: Random;
  /** Told of each thing that befalls a message, but for the fates. */
  readonly count: (mark: "overtaken" | "late" | "clogged" | "duplicated") => void;
}

/** Links in some state for a while. */
interface Spell {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly links: Uint8Array;
}

/** Decides the fate of messages. A link keeps their order, but for those that go their own way. */
export class Network {
  readonly #options: NetworkOptions;
  readonly #cuts: readonly Spell[];
  readonly #clogs: readonly Spell[];
  /** When the last message of each link arrives. */
  readonly #lastMs: Float64Array;

  constructor(options: NetworkOptions) {
    const { partitions, clogs, parties } = options;
    this.#options = options;
    const spell = (fromMs: number, untilMs: number, list: readonly LinkPlan[]): Spell => {
      const links = new Uint8Array(parties * parties);
      for (const { from, to } of list) links[from * parties + to] = 1;
      return { fromMs, untilMs, links };
    };
    this.#cuts = partitions.map((one) => spell(one.fromMs, one.untilMs, one.blocked));
    this.#clogs = clogs.map((one) => spell(one.fromMs, one.untilMs, one.held));
    this.#lastMs = new Float64Array(parties * parties);
  }

  fate(nowMs: number, from: number, to: number): Fate {
    const { plan, parties, healMs, random, count } = this.#options;
    const link = from * parties + to;
    if (nowMs >= healMs) {
      return { kind: "carried", atMs: this.#arrival(nowMs, link, false), againMs: null };
    }
    if (spellAt(this.#cuts, nowMs, link) !== null) return blocked;
    if (random.chance(plan.lossChance)) return lost;
    const clog = spellAt(this.#clogs, nowMs, link);
    if (clog !== null) count("clogged");
    const sentMs = clog === null ? nowMs : clog.untilMs;
    const atMs = this.#arrival(sentMs, link, true);
    if (!random.chance(plan.duplicationChance)) return { kind: "carried", atMs, againMs: null };
    count("duplicated");
    return { kind: "carried", atMs, againMs: this.#arrival(sentMs, link, true) };
  }

  #arrival(sentMs: number, link: number, faulty: boolean): number {
    const { plan, random, count } = this.#options;
    const { delayMs, jitterMs, lateChance, lateMs, overtakeChance } = plan;
    let atMs = sentMs + delayMs;
    if (jitterMs > 0) atMs += random.fraction() * jitterMs;
    if (faulty && lateChance > 0 && random.chance(lateChance)) {
      count("late");
      atMs += random.fraction() * lateMs;
    }
    const lastMs = this.#lastMs[link]!;
    if (faulty && overtakeChance > 0 && random.chance(overtakeChance)) {
      if (atMs < lastMs) count("overtaken");
      return atMs;
    }
    this.#lastMs[link] = atMs < lastMs ? lastMs : atMs;
    return this.#lastMs[link];
  }
}

function spellAt(spells: readonly Spell[], nowMs: number, link: number): Spell | null {
  for (const spell of spells) {
    if (nowMs >= spell.fromMs && nowMs < spell.untilMs && spell.links[link] === 1) return spell;
  }
  return null;
}
