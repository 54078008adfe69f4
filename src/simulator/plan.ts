// Swarm testing: every seed draws its own mix of faults, workload, limits and timing. A plan is
// plain data.

import {
  type ClientAuthentication,
  defaultLimits,
  defaultTiming,
  type Freshness,
  type Limits,
  type Protocol,
  type ReplicaAuthentication,
  replicaIds,
  type Timing,
} from "../core/index.js";
import { drawLiars, type LiarPlan } from "./adversary/draw.js";
import { drawIntrigue, type IntriguePlan, noIntrigue } from "./adversary/intrigue.js";
import { lieNamesFor } from "./adversary/lies.js";
import { withRollbacks } from "./freshness-plan.js";
import { type Fault, type FaultGroup, faultKinds } from "./plan/faults.js";
import { drawFinale, type FinalePlan } from "./plan/finale.js";
import {
  type ClockPlan,
  type CrashPlan,
  type DiskPlan,
  drawDamages,
  HostPlans,
  type PausePlan,
  type PowerCutPlan,
  type SlowPlan,
} from "./plan/host-plan.js";
import {
  type ClogPlan,
  drawClogs,
  drawNetwork,
  drawPartitions,
  type NetworkPlan,
  type PartitionPlan,
} from "./plan/network-plan.js";
import { drawPlotters, type Habits, plotted } from "./plan/plot.js";
import type { Random } from "./random.js";

export { describePlan } from "./plan/describe.js";
export { describeFaults, type Fault, faultKinds, faults, faultsNamed } from "./plan/faults.js";
export { type FinalePlan, finaleRounds } from "./plan/finale.js";
export type * from "./plan/host-plan.js";
export type { ClogPlan, LinkPlan, NetworkPlan, PartitionPlan } from "./plan/network-plan.js";

export interface ClientsPlan {
  readonly correct: number;
  readonly lying: number;
  /** Of each correct client; the last one is submitted when the network has healed. */
  readonly bundles: number;
  readonly operationsMax: number;
  readonly outstanding: number;
  readonly thinkMs: number;
  /**
   * Whether a client takes that time from one bundle to the next, on average. Else it does so only
   * at first, and each answer has it submit the next at once.
   */
  readonly paced?: boolean;
  readonly retryMs: number;
  /** They ask every replica at once, whatever the protocol has them do. Default: false. */
  readonly askEveryone?: boolean;
}

/** Everything that a run does, but for the randomness inside. */
export interface Plan {
  readonly n: number;
  readonly f: number;
  readonly limits: Limits;
  readonly timing: Timing;
  readonly clientAuthentication: ClientAuthentication;
  /** Null: the protocol lists none. */
  readonly replicaAuthentication: ReplicaAuthentication | null;
  /** How trusted instances that restart know where they stood. */
  readonly freshness: Freshness;
  readonly network: NetworkPlan;
  readonly partitions: readonly PartitionPlan[];
  readonly clogs: readonly ClogPlan[];
  readonly crashes: readonly CrashPlan[];
  readonly powerCuts: readonly PowerCutPlan[];
  readonly pauses: readonly PausePlan[];
  readonly slow: readonly SlowPlan[];
  readonly disk: DiskPlan;
  readonly clocks: readonly ClockPlan[];
  /** At these times every correct client submits as much as its session's window lets it. */
  readonly bursts: readonly { readonly atMs: number }[];
  readonly liars: readonly LiarPlan[];
  /** How the network helps the liars. */
  readonly intrigue: IntriguePlan;
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
  /**
   * Nothing goes wrong and nothing is short: no replica may suspect another, and every answer must
   * come within so many milliseconds. If the first leader stops, one view change must do. Null in
   * all other runs.
   */
  readonly calmMs: number | null;
  /** What comes when all is answered and equal. Null: the run is over then. */
  readonly finale: FinalePlan | null;
}

export interface PlanOptions {
  readonly protocol: Protocol;
  readonly n: number;
  readonly f: number;
  /** Default: all. */
  readonly faults: readonly Fault[];
  /** The share of runs with no fault at all, which are judged the more strictly. */
  readonly calmShare: number;
  /** Names of the habits of liars that are for this protocol only. */
  readonly lies: readonly string[];
}

/** The plan of a seed. */
export function drawPlan(options: PlanOptions, random: Random): Plan {
  const plan = drawRun(options, random);
  const endsQuietly = plan.calmMs !== null || !options.faults.includes("crashes");
  return endsQuietly ? plan : { ...plan, finale: drawFinale(plan, random) };
}

function drawRun(options: PlanOptions, random: Random): Plan {
  const isCalm = random.chance(options.calmShare);
  const plan = drawFaultyPlan(isCalm ? { ...options, faults: [] } : options, random);
  if (isCalm) return calmed(plan, options, random);
  const mayPlot = options.faults.length === Object.keys(faultKinds).length;
  if (!mayPlot || options.protocol.faultModel === "crash" || !random.chance(plotShare)) return plan;
  return plotted(drawFaultyPlan({ ...options, faults: [] }, random), habits(options), random);
}

/** As many as may be faulty, and not the first leader. */
function drawMeddlers(options: PlanOptions, random: Random): LiarPlan[] {
  return drawPlotters(replicaIds(options.n).slice(1), options.f, habits(options), 0, random);
}

const habits = ({ protocol, lies }: PlanOptions): Habits => ({
  any: lieNamesFor(protocol),
  own: lies,
});

/** The share of calm runs that are long, so that what only ever grows is seen to. */
const longShare = 0.05;

/** The share of the other runs that are plots, if nothing is excluded. */
const plotShare = 0.4;

/** The share of calm runs with liars: those who do not lead cannot disturb who does. */
const meddlersShare = 0.4;

/** Where there is no leader, whoever lies orders something, and others wait for that. */
const mayMeddle = ({ faultModel, order }: Protocol): boolean =>
  faultModel !== "crash" && order === "total";

/** The share of the other calm runs whose first leader stops. */
const stopShare = 0.3;

/** How patient replicas are then. A second view change would take twice as long again. */
const stopPatienceMs = 300;

/** A client of a calm run that is not answered sends again so late. */
const calmRetryMs = 400;

/**
 * A liar may keep its votes from one replica, the leader perhaps, which then learns from the
 * others' status and by a transfer what they decided. And where requests are ordered that f+1
 * replicas endorse, it may have a session's requests endorsed in the wrong order: the client has to
 * send the later ones again.
 */
const meddlingMs = ({ timing, clientAuthentication }: Plan): number =>
  2 * timing.statusMs + timing.catchUpMs + (clientAuthentication === "mac" ? calmRetryMs : 0);

/** With more patience than anything needs, and no queue that is short. */
function calmed(plan: Plan, options: PlanOptions, random: Random): Plan {
  const hasMeddlers = mayMeddle(options.protocol) && random.chance(meddlersShare);
  const isLong = random.chance(longShare);
  const calm = quieted(plan, isLong, hasMeddlers ? drawMeddlers(options, random) : [], random);
  return !hasMeddlers && !isLong && random.chance(stopShare) ? withStop(calm, random) : calm;
}

/** The first leader stops, for as long as a run has faults. */
function withStop(plan: Plan, random: Random): Plan {
  const { healMs, clients } = plan;
  const stop = { replica: 0, atMs: healMs * random.between(0, 0.8), afterEffects: null };
  const never = { atRisk: 0, again: 0, againEffects: 0 };
  return {
    ...plan,
    timing: { ...plan.timing, patienceMs: stopPatienceMs },
    crashes: [{ ...stop, ...never, downMs: healMs }],
    clients: { ...clients, askEveryone: true },
    calmMs: plan.calmMs! * 3 + stopPatienceMs + plan.timing.fastPathMs,
  };
}

function quieted(plan: Plan, isLong: boolean, liars: readonly LiarPlan[], random: Random): Plan {
  const syncMs = Math.min(plan.syncMs, 5);
  const delayMs = Math.min(plan.network.delayMs, 1);
  return {
    ...plan,
    syncMs,
    network: { ...plan.network, delayMs },
    limits: {
      ...plan.limits,
      batchRequestsMax: 16,
      pendingRequestsMax: 1024,
      pendingBytesMax: defaultLimits.pendingBytesMax,
      ...(isLong
        ? { checkpointOrders: random.pick([2, 4]), batchRequestsMax: 1, endorsementsMax: 64 }
        : {}),
    },
    timing: {
      ...plan.timing,
      patienceMs: isLong && liars.length === 0 ? 200 : 600,
      patienceMsMax: 6_000,
      throughputWindowMs: defaultTiming.throughputWindowMs,
    },
    clients: {
      ...plan.clients,
      outstanding: random.pick([1, 3]),
      retryMs: calmRetryMs,
      ...(isLong ? { correct: 3, bundles: 200, thinkMs: 1 } : {}),
    },
    liars,
    calmMs: 20 + 12 * (delayMs + syncMs + plan.turnMs) + (liars.length > 0 ? meddlingMs(plan) : 0),
  };
}

function drawFaultyPlan(options: PlanOptions, random: Random): Plan {
  const { protocol, n, f } = options;
  const has = drawFaults(options.faults, random);
  const healMs = random.between(300, 2_600);
  const clients = drawClients(has, healMs, random);
  const damages = drawDamages(has, n, f, healMs, random);
  const mayLie = has("lies") && protocol.faultModel !== "crash";
  // None of them is faulty in another way.
  const sound = replicaIds(n).filter((id) => !damages.some(({ replica }) => replica === id));
  const most = mayLie ? f - damages.length : 0;
  const liars = drawLiars(sound, most, lieNamesFor(protocol), options.lies, healMs, random);
  const lying = new Set(liars.map(({ replica }) => replica));
  const correct = replicaIds(n).filter((id) => !lying.has(id));
  const parties = n + clients.correct + clients.lying;
  const hosts = new HostPlans(has, correct, healMs, random);
  const plan: Plan = {
    n,
    f,
    limits: drawLimits(has("small-queues"), random),
    timing: drawTiming(random),
    clientAuthentication: random.pick(protocol.clientAuthentications),
    replicaAuthentication: drawReplicaAuthentication(protocol, random),
    freshness: "storage",
    network: drawNetwork(has, random),
    partitions: drawPartitions(has, parties, n, healMs, random),
    clogs: has("clogs") ? drawClogs(parties, healMs, random) : [],
    crashes: hosts.crashes(damages),
    powerCuts: hosts.powerCuts(),
    pauses: hosts.pauses(n + clients.correct),
    slow: hosts.slow(),
    disk: hosts.disk(damages),
    clocks: hosts.clocks(),
    bursts: has("bursts") ? drawBursts(healMs, random) : [],
    liars,
    intrigue: has("intrigue") ? drawIntrigue(parties, n, lying, healMs, random) : noIntrigue,
    clients,
    syncMs: random.pick([0, 0.5, 5, 30]),
    turnMs: random.pick([0, 0.1, 1]),
    compactionChance: random.pick([0, 0.3, 1]),
    healMs,
    livenessMs: 60_000,
    calmMs: null,
    finale: null,
  };
  const mayRollBack = protocol.usesTrustedCounter && options.faults.includes("rollbacks");
  const { chance } = faultKinds.rollbacks; // drawn last: it confines what was drawn before
  return mayRollBack && random.chance(chance) ? withRollbacks(plan, random) : plan;
}

function drawReplicaAuthentication(
  { replicaAuthentications }: Protocol,
  random: Random,
): ReplicaAuthentication | null {
  return replicaAuthentications.length === 0 ? null : random.pick(replicaAuthentications);
}

/**
 * What a run may concentrate on. Some mistakes show only where much of one sort goes wrong and
 * little else, liars most of all: other faults hide what they do.
 */
const focuses: readonly (readonly FaultGroup[])[] = [
  ["adversaries"],
  ["adversaries"],
  ["processes", "disks"],
  ["network"],
];
const focusShare = 0.6;

/** Some runs have hardly any fault, few have nearly all; a run confined to few has more of them. */
function drawFaults(wanted: readonly Fault[], random: Random): (fault: Fault) => boolean {
  const all = Object.keys(faultKinds).length;
  const focus = wanted.length === all && random.chance(focusShare) ? random.pick(focuses) : null;
  const intensity = random.pick([0.2, 0.6, 1, 1, 1.5]) * Math.min(3, all / wanted.length);
  const chanceOf = (fault: Fault): number => {
    const { chance, group } = faultKinds[fault];
    if (focus === null) return chance * intensity;
    return focus.includes(group) ? chance * 1.5 : chance * 0.15;
  };
  const drawn = new Set(wanted.filter((fault) => random.chance(Math.min(0.9, chanceOf(fault)))));
  return (fault) => drawn.has(fault);
}

function drawBursts(healMs: number, random: Random): { readonly atMs: number }[] {
  return Array.from({ length: 1 + random.below(3) }, () => ({ atMs: random.between(0, healMs) }));
}

function drawLimits(small: boolean, random: Random): Limits {
  const sessionWindow = random.pick([1, 4, 16]);
  return {
    ...defaultLimits,
    sessionWindow,
    sessionsPerClient: random.pick([2, 16]),
    batchRequestsMax: random.pick([1, 3, 16]),
    pipeline: random.pick([1, 2, 4, 8]),
    checkpointOrders: random.pick([2, 4, 16, 64]),
    // Room for a few of the largest at least, so that everything is answered in the end.
    checkpointBytes: random.pick([2_048, 8_192, ...twice(defaultLimits.checkpointBytes)]),
    pendingBytesMax: random.pick([4_096, 16_384, ...twice(defaultLimits.pendingBytesMax)]),
    sessionReplyBytesMax: random.pick([16_384, ...twice(defaultLimits.sessionReplyBytesMax)]),
    pendingRequestsMax: small ? random.pick([1, 2, 4]) : random.pick([8, 64, 1024]),
    // Fewer than clients have under way at once, repeated in step, would hold some back for ever.
    endorsementsMax: small ? 32 : random.pick([48, ...twice(defaultLimits.endorsementsMax)]),
    chunkBytes: small ? 64 : random.pick([64, 512, 8192]),
  };
}

const twice = (value: number): number[] => [value, value];

function drawTiming(random: Random): Timing {
  const patienceMs = random.pick([60, 150, 400]);
  const patienceMsMax = patienceMs * random.pick([4, 10]);
  const statusMs = random.pick([20, 50, 100]);
  const catchUpMs = random.pick([30, 100, 300]);
  return {
    ...defaultTiming,
    patienceMs,
    patienceMsMax,
    statusMs,
    catchUpMs,
    fastPathMs: (statusMs * catchUpMs) / 300, // as different as they are: 2 to 100
    throughputWindowMs: 10 * patienceMs,
  };
}

function drawClients(has: (fault: Fault) => boolean, healMs: number, random: Random): ClientsPlan {
  const many = has("bursts");
  const bundles = 2 + random.below(many ? 8 : 20);
  const drawn = {
    correct: many ? 4 + random.below(6) : 1 + random.below(4),
    lying: has("lying-clients") ? 1 + random.below(2) : 0,
    bundles,
    operationsMax: random.pick([1, 1, 4]),
    outstanding: random.pick([1, 3, 8]),
  };
  const leisure = random.pick([0.1, 0.5, 1]);
  return {
    ...drawn,
    thinkMs: (healMs / bundles) * leisure,
    paced: leisure > 0.1,
    retryMs: random.pick([40, 120, 400]),
  };
}
