// What befalls the hosts of a run, their processes, disks and clocks, until it heals: drawn by the
// seed, plain data.

import { type Observation, replicaIds, type ReplicaId } from "../../core/index.js";
import type { Random } from "../random.js";
import type { Fault } from "./faults.js";

/** At what a host may be caught by a crash: changing its view, fetching a state, storing one. */
export type CrashEvent = Extract<
  Observation["event"],
  "view" | "transfer" | "checkpoint" | "stable"
>;

export interface CrashPlan {
  readonly replica: ReplicaId;
  readonly atMs: number;
  /** Null: at that time; else so many effects after it, in the middle of a step perhaps. */
  readonly afterEffects: number | null;
  /** With `afterEffects`: counted from when it next observes this. */
  readonly upon?: CrashEvent;
  /** With `afterEffects`: only once so many writes wait for the disk. */
  readonly atRisk: number;
  readonly downMs: number;
  /** So often it crashes again as it starts, after so many effects at most. */
  readonly again: number;
  readonly againEffects: number;
}

/** All replicas crash at once. */
export interface PowerCutPlan {
  readonly atMs: number;
  readonly downMs: number;
}

/** A replica, or a client, stands still, and then goes on with all that came meanwhile. */
export interface PausePlan {
  readonly party: number;
  readonly atMs: number;
  readonly forMs: number;
}

/** A time in which every message costs a replica so much. */
export interface SlowPlan {
  readonly replica: ReplicaId;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly messageMs: number;
}

/** A time in which a replica's syncs take so long at least. */
export interface SpellPlan {
  readonly replica: ReplicaId;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly syncMs: number;
}

/** The disk refuses the next write after that time: the replica stops, and comes back later. */
export interface RefusalPlan {
  readonly replica: ReplicaId;
  readonly atMs: number;
  readonly downMs: number;
}

/**
 * The disk loses or damages what it held. Damage is found at the next start, which it prevents;
 * the operator then brings the replica back with an empty folder (docs/threat-model.md): it has no
 * token, and is one of the f faulty from `atMs` on.
 */
export interface DamagePlan {
  readonly replica: ReplicaId;
  readonly atMs: number;
  readonly kind: "lost" | "corrupt" | "unreadable";
  readonly downMs: number;
}

export interface DiskPlan {
  /**
   * What a crash leaves of writes that no sync has confirmed. `lost`: as LMDB does, the group of
   * writes under way as a whole or nothing, and nothing later. `torn`: as an appended file does,
   * any first part of all of them.
   */
  readonly unsynced: "kept" | "lost" | "torn";
  readonly spells: readonly SpellPlan[];
  readonly refusals: readonly RefusalPlan[];
  readonly damages: readonly DamagePlan[];
}

/** A replica's clock: it begins at `offsetMs` and runs `rate` times as fast as time. */
export interface ClockPlan {
  readonly replica: ReplicaId;
  readonly offsetMs: number;
  readonly rate: number;
  readonly jumps: readonly { readonly atMs: number; readonly byMs: number }[];
}

/** Draws what befalls the correct replicas, up to the heal. */
export class HostPlans {
  readonly #has: (fault: Fault) => boolean;
  readonly #correct: readonly ReplicaId[];
  readonly #healMs: number;
  readonly #random: Random;

  constructor(
    has: (fault: Fault) => boolean,
    correct: readonly ReplicaId[],
    healMs: number,
    random: Random,
  ) {
    this.#has = has;
    this.#correct = correct;
    this.#healMs = healMs;
    this.#random = random;
  }

  crashes(damages: readonly DamagePlan[]): CrashPlan[] {
    const random = this.#random;
    const loops = this.#has("crash-loops");
    const loses = this.#has("lost-writes") || this.#has("torn-writes");
    const count = (this.#has("crashes") ? 1 + random.below(5) : 0) + (loops ? 1 : 0);
    const crashes = Array.from({ length: count }, (_, index) => ({
      replica: random.pick(this.#correct),
      ...this.#moment(1_500),
      afterEffects: random.chance(0.7) ? random.below(40) : null,
      atRisk: loses ? random.pick([0, 1, 2, 4]) : 0,
      again: loops && (index === 0 || random.chance(0.3)) ? 1 + random.below(4) : 0,
      againEffects: random.pick([1, 4, 12]),
    }));
    // Damage is found at a start only.
    for (const { replica, kind, atMs } of damages) {
      if (kind === "lost") continue;
      const later = { atMs: random.between(atMs, this.#healMs), afterEffects: null, atRisk: 0 };
      const downMs = random.between(1, 500);
      crashes.push({ replica, ...later, downMs, again: 0, againEffects: 0 });
    }
    return crashes;
  }

  powerCuts(): PowerCutPlan[] {
    if (!this.#has("power-cuts")) return [];
    return Array.from({ length: 1 + this.#random.below(2) }, () => this.#moment(500));
  }

  /** Of replicas and clients, numbered in this order. */
  pauses(parties: number): PausePlan[] {
    if (!this.#has("pauses")) return [];
    return Array.from({ length: 1 + this.#random.below(4) }, () => ({
      party: this.#random.below(parties),
      atMs: this.#random.between(0, this.#healMs),
      forMs: this.#random.pick([20, 200, 1_500]) * this.#random.between(0.2, 1),
    }));
  }

  slow(): SlowPlan[] {
    if (!this.#has("slow-replicas")) return [];
    const replicas = this.#random.shuffled(this.#correct);
    return replicas.slice(0, this.#random.pick([1, 1, 2])).map((replica) => ({
      replica,
      ...this.#while(),
      messageMs: this.#random.pick([0.3, 2, 10]),
    }));
  }

  disk(damages: readonly DamagePlan[]): DiskPlan {
    const random = this.#random;
    const torn = this.#has("torn-writes");
    const lost = this.#has("lost-writes");
    const spells = this.#has("slow-disks") ? 1 + random.below(3) : 0;
    const refusals = this.#has("refused-writes") ? 1 + random.below(2) : 0;
    return {
      unsynced: torn ? "torn" : lost ? "lost" : "kept",
      spells: Array.from({ length: spells }, () => ({
        replica: random.pick(this.#correct),
        ...this.#while(),
        syncMs: random.pick([10, 100, 1_000]),
      })),
      refusals: Array.from({ length: refusals }, () => ({
        replica: random.pick(this.#correct),
        ...this.#moment(500),
      })),
      damages,
    };
  }

  clocks(): ClockPlan[] {
    const random = this.#random;
    const drift = this.#has("clock-drift");
    const jumps = this.#has("clock-jumps");
    if (!drift && !jumps) return [];
    return this.#correct.map((replica) => ({
      replica,
      offsetMs: drift ? random.pick([0, 1_000, 1e9]) : 0,
      rate: drift ? random.pick([1, 0.5, 0.8, 1.01, 1.3, 2]) : 1,
      jumps: Array.from({ length: jumps ? random.below(4) : 0 }, () => ({
        atMs: random.between(0, this.#healMs),
        byMs: random.pick([-1, 1]) * random.pick([10, 100, 1_000]) * random.fraction(),
      })),
    }));
  }

  /** A time before the heal, and how long the replica is down then. */
  #moment(downMsMax: number): { readonly atMs: number; readonly downMs: number } {
    return {
      atMs: this.#random.between(0, this.#healMs),
      downMs: this.#random.between(1, downMsMax),
    };
  }

  #while(): { readonly fromMs: number; readonly untilMs: number } {
    if (this.#random.chance(0.3)) return { fromMs: 0, untilMs: this.#healMs };
    const fromMs = this.#random.between(0, this.#healMs);
    return { fromMs, untilMs: Math.min(this.#healMs, fromMs + this.#random.between(50, 1_500)) };
  }
}

/** Of at most `most` replicas, each of which is faulty from then on. */
export function drawDamages(
  has: (fault: Fault) => boolean,
  n: number,
  most: number,
  healMs: number,
  random: Random,
): DamagePlan[] {
  const kinds: DamagePlan["kind"][] = [];
  if (has("lost-disks")) kinds.push("lost");
  if (has("damaged-records")) kinds.push("corrupt", "unreadable");
  if (kinds.length === 0 || most === 0) return [];
  const replicas = random.shuffled(replicaIds(n));
  return replicas.slice(0, 1 + random.below(most)).map((replica) => ({
    replica,
    atMs: random.between(0, healMs),
    kind: random.pick(kinds),
    downMs: random.between(1, 800),
  }));
}
