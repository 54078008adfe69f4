// Swarm testing: every seed draws its own mix of faults, workload, limits and timing. A plan is
// plain data.

import {
  type ClientAuthentication,
  defaultLimits,
  defaultTiming,
  type Freshness,
  type Limits,
  type Protocol,
  type ReplicaId,
  type Timing,
} from "../core/index.js";
import { type LieName, lieNames } from "./adversary/lies.js";
import { withRollbacks } from "./freshness-plan.js";
import type { Random } from "./random.js";

/** What may go wrong; a run can be confined to some of them. */
export const faults = [
  "network",
  "partitions",
  "crashes",
  "lies",
  "lying-clients",
  "rollbacks",
] as const;
export type Fault = (typeof faults)[number];

/** How messages travel until the network heals. */
export interface NetworkPlan {
  /** The least delay, and how much more it may be. */
  readonly delayMs: number;
  readonly jitterMs: number;
  /** The chance that a message is late, and how late. */
  readonly lateChance: number;
  readonly lateMs: number;
  readonly lossChance: number;
  readonly duplicationChance: number;
}

/** Links that carry nothing for a while. Parties are numbered: replicas, then clients. */
export interface PartitionPlan {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly blocked: readonly { readonly from: number; readonly to: number }[];
}

export interface CrashPlan {
  readonly replica: ReplicaId;
  readonly atMs: number;
  /** Null: at that time; else so many effects after it, in the middle of a step perhaps. */
  readonly afterEffects: number | null;
  readonly downMs: number;
}

export interface LiarPlan {
  readonly replica: ReplicaId;
  readonly lies: readonly LieName[];
  /** The chance that a message it sends has a wrong bit. */
  readonly garbleChance: number;
  /** Whether it restarts its trusted instance and uses the earlier lives too. */
  readonly rollsBack?: boolean;
}

export interface ClientsPlan {
  readonly correct: number;
  readonly lying: number;
  /** Of each correct client; the last one is submitted when the network has healed. */
  readonly bundles: number;
  readonly operationsMax: number;
  readonly outstanding: number;
  readonly thinkMs: number;
  readonly retryMs: number;
}

/** Everything that a run does, but for the randomness inside. */
export interface Plan {
  readonly n: number;
  readonly f: number;
  readonly limits: Limits;
  readonly timing: Timing;
  readonly clientAuthentication: ClientAuthentication;
  /** How trusted instances that restart know where they stood. */
  readonly freshness: Freshness;
  readonly network: NetworkPlan;
  readonly partitions: readonly PartitionPlan[];
  readonly crashes: readonly CrashPlan[];
  readonly liars: readonly LiarPlan[];
  readonly clients: ClientsPlan;
  /** What a sync takes at most. */
  readonly syncMs: number;
  /** How long a replica gathers messages for one turn. */
  readonly turnMs: number;
  /** The chance that a host saves a checkpoint it is offered. */
  readonly compactionChance: number;
  /** From then on every link works and every correct replica is up. */
  readonly healMs: number;
  /** So long after the heal every request must be answered and all replicas must agree. */
  readonly livenessMs: number;
}

export interface PlanOptions {
  readonly protocol: Protocol;
  readonly n: number;
  readonly f: number;
  /** Default: all. */
  readonly faults: readonly Fault[];
}

/** The plan of a seed. */
export function drawPlan(options: PlanOptions, random: Random): Plan {
  const { protocol, n, f } = options;
  const has = (fault: Fault): boolean => options.faults.includes(fault) && random.chance(0.7);
  const healMs = random.between(300, 3_000);
  const clients = drawClients(has("lying-clients"), healMs, random);
  const liars = has("lies") && protocol.faultModel !== "crash" ? drawLiars(n, f, random) : [];
  const parties = n + clients.correct + clients.lying;
  const plan: Plan = {
    n,
    f,
    limits: drawLimits(random),
    timing: drawTiming(random),
    clientAuthentication: random.pick(protocol.clientAuthentications),
    freshness: "storage",
    network: drawNetwork(has("network"), random),
    partitions: has("partitions") ? drawPartitions(parties, n, healMs, random) : [],
    crashes: has("crashes") ? drawCrashes(n, liars, healMs, random) : [],
    liars,
    clients,
    syncMs: random.pick([0, 0.5, 5, 30]),
    turnMs: random.pick([0, 0.1, 1]),
    compactionChance: random.pick([0, 0.3, 1]),
    healMs,
    livenessMs: 60_000,
  };
  const rollsBack = protocol.faultModel === "hybrid" && has("rollbacks");
  return rollsBack && random.chance(0.5) ? withRollbacks(plan, random) : plan;
}

function drawLimits(random: Random): Limits {
  const sessionWindow = random.pick([1, 4, 16]);
  return {
    ...defaultLimits,
    sessionWindow,
    sessionsPerClient: random.pick([2, 16]),
    batchRequestsMax: random.pick([1, 3, 16]),
    pipeline: random.pick([1, 2, 4, 8]),
    checkpointOrders: random.pick([2, 4, 16, 64]),
    pendingRequestsMax: random.pick([8, 64, 1024]),
    chunkBytes: random.pick([64, 512, 8192]),
  };
}

function drawTiming(random: Random): Timing {
  const patienceMs = random.pick([60, 150, 400]);
  return {
    ...defaultTiming,
    patienceMs,
    patienceMsMax: patienceMs * random.pick([4, 10]),
    statusMs: random.pick([20, 50, 100]),
    catchUpMs: random.pick([30, 100, 300]),
  };
}

function drawClients(lying: boolean, healMs: number, random: Random): ClientsPlan {
  const bundles = 2 + random.below(20);
  return {
    correct: 1 + random.below(4),
    lying: lying ? 1 + random.below(2) : 0,
    bundles,
    operationsMax: random.pick([1, 1, 4]),
    outstanding: random.pick([1, 3, 8]),
    thinkMs: (healMs / bundles) * random.pick([0.1, 0.5, 1]),
    retryMs: random.pick([40, 120, 400]),
  };
}

function drawNetwork(faulty: boolean, random: Random): NetworkPlan {
  const calm = random.pick([0.2, 1, 5]);
  return {
    delayMs: calm,
    jitterMs: faulty ? calm * random.pick([0, 1, 10]) : 0,
    lateChance: faulty ? random.pick([0, 0.01, 0.1]) : 0,
    lateMs: random.pick([20, 200, 1000]),
    lossChance: faulty ? random.pick([0, 0, 0.01, 0.1, 0.3]) : 0,
    duplicationChance: faulty ? random.pick([0, 0.01, 0.1]) : 0,
  };
}

type Links = PartitionPlan["blocked"];

/** Shapes of a partition among parties, of which the first n are replicas. */
const shapes: Record<string, (parties: number, n: number, random: Random) => Links> = {
  split(parties, _n, random) {
    const left = Array.from({ length: parties }, () => random.chance(0.5));
    return links(parties, (from, to) => left[from] !== left[to]);
  },
  oneWaySplit(parties, _n, random) {
    const left = Array.from({ length: parties }, () => random.chance(0.5));
    return links(parties, (from, to) => left[from] === true && left[to] === false);
  },
  isolated(parties, n, random) {
    const alone = random.below(n);
    return links(parties, (from, to) => from === alone || to === alone);
  },
  deaf(parties, n, random) {
    const deaf = random.below(n);
    return links(parties, (_from, to) => to === deaf);
  },
  dumb(parties, n, random) {
    const dumb = random.below(n);
    return links(parties, (from) => from === dumb);
  },
  brokenLinks(parties, _n, random) {
    return links(parties, () => random.chance(0.3));
  },
};

function links(parties: number, isBlocked: (from: number, to: number) => boolean): Links {
  const blocked: { from: number; to: number }[] = [];
  for (let from = 0; from < parties; from++) {
    for (let to = 0; to < parties; to++) {
      if (from !== to && isBlocked(from, to)) blocked.push({ from, to });
    }
  }
  return blocked;
}

function drawPartitions(
  parties: number,
  n: number,
  healMs: number,
  random: Random,
): PartitionPlan[] {
  let fromMs = random.between(0, healMs);
  return Array.from({ length: 1 + random.below(4) }, () => {
    const untilMs = Math.min(healMs, fromMs + random.between(50, 2_000));
    const blocked = random.pick(Object.values(shapes))(parties, n, random);
    const partition = { fromMs, untilMs, blocked };
    // One after the other as often as not: a quorum of then and a quorum of now share one replica.
    fromMs = random.chance(0.5) ? untilMs : random.between(0, healMs);
    return partition;
  });
}

function drawCrashes(
  n: number,
  liars: readonly LiarPlan[],
  healMs: number,
  random: Random,
): CrashPlan[] {
  const lying = new Set(liars.map(({ replica }) => replica));
  const correct = Array.from({ length: n }, (_, replica) => replica).filter((id) => !lying.has(id));
  return Array.from({ length: 1 + random.below(5) }, () => ({
    replica: random.pick(correct),
    atMs: random.between(0, healMs),
    afterEffects: random.chance(0.7) ? random.below(40) : null,
    downMs: random.between(1, 1_500),
  }));
}

function drawLiars(n: number, f: number, random: Random): LiarPlan[] {
  const replicas = random.shuffled(Array.from({ length: n }, (_, replica) => replica));
  return replicas.slice(0, 1 + random.below(f)).map((replica) => ({
    replica,
    lies: random.shuffled(lieNames).slice(0, 1 + random.below(3)),
    garbleChance: random.pick([0, 0, 0.02, 0.3]),
  }));
}
