// A plot: a run in which little goes wrong but what is meant to. Each liar has one habit, and what
// befalls the others forces view changes rather than hides what the liar does; hosts crash while
// they change views.

import { type ReplicaId, replicaIds, type Timing } from "../../core/index.js";
import { drawHabit, type LiarPlan, ranked } from "../adversary/draw.js";
import { drawIntrigue, noIntrigue } from "../adversary/intrigue.js";
import { always, type Season } from "../adversary/season.js";
import type { Plan } from "../plan.js";
import type { Random } from "../random.js";
import type { CrashPlan, DiskPlan, PowerCutPlan } from "./host-plan.js";
import { aloneAmong, type LinkPlan, links, type PartitionPlan } from "./network-plan.js";

/** What liars may do: habits that any protocol gives occasion for, and the protocol's own. */
export interface Habits {
  readonly any: readonly string[];
  readonly own: readonly string[];
}

/** The quiet plan with a plot in it. */
export function plotted(plan: Plan, habits: Habits, random: Random): Plan {
  const drawn = drawPlot(plan, habits, random);
  const { timing, healMs, liars } = drawn;
  const powerCuts = random.chance(0.3) ? drawPowerCuts(timing.patienceMs, healMs, random) : [];
  const isPrompt = liars.length === 0 && isBrisk(drawn);
  return { ...drawn, powerCuts, livenessMs: isPrompt ? ampleMs(timing) : plan.livenessMs };
}

function drawPlot(plan: Plan, habits: Habits, random: Random): Plan {
  const { n, f } = plan;
  const healMs = random.between(500, 2_000);
  const patienceMs = random.pick([30, 60]);
  const ids = replicaIds(n);
  const liars = random.chance(0.75) ? drawPlotters(ids, f, habits, healMs, random) : [];
  const lying = new Set(liars.map(({ replica }) => replica));
  const correct = ids.filter((id) => !lying.has(id));
  const clients = { ...plan.clients, correct: random.pick([1, 2, 3]), outstanding: 3 };
  const parties = n + clients.correct;
  const bundles = random.pick([10, 20, 40]);
  const crashes = drawCrashes(correct, liars.length > 0, patienceMs, healMs, random);
  // Too slow for what patience begins with: only that it grows lets anything be done.
  const isSlow = random.chance(0.1);
  const delayMs = isSlow ? patienceMs : random.pick([0.2, 1]);
  return {
    ...plan,
    limits: {
      ...plan.limits,
      batchRequestsMax: random.pick([1, 1, 3]),
      checkpointOrders: random.pick([2, 4, 16, 64]),
      pipeline: random.pick([1, 4, 8]),
    },
    timing: {
      ...plan.timing,
      patienceMs,
      patienceMsMax: patienceMs * (isSlow ? 16 : random.pick([2, 4])),
      statusMs: 20,
      catchUpMs: 30,
    },
    network: {
      ...plan.network,
      delayMs,
      jitterMs: isSlow ? 0 : delayMs * random.pick([0, 0, 1, 5]),
      lossChance: random.pick([0, 0, 0.01]),
    },
    partitions: drawUnrest(parties, n, lying, patienceMs, healMs, random),
    crashes,
    disk: { ...plan.disk, unsynced: random.pick<DiskPlan["unsynced"]>(["kept", "lost", "torn"]) },
    liars,
    intrigue:
      liars.length > 0 && random.chance(0.5)
        ? drawIntrigue(parties, n, lying, healMs, random)
        : noIntrigue,
    clients: {
      ...clients,
      lying: 0,
      bundles,
      thinkMs: healMs / bundles,
      retryMs: 40,
      paced: true,
      askEveryone: true,
    },
    syncMs: random.pick([0, 0.5, 5]),
    turnMs: random.pick([0, 0.1]),
    healMs,
  };
}

/** Whether this is a plot in which messages take no time to speak of. */
export const isBrisk = ({ clients, network, timing }: Plan): boolean =>
  clients.askEveryone === true && network.delayMs < timing.patienceMs;

/** Time enough to answer everything then, where nobody lies. */
export const ampleMs = ({ patienceMsMax }: Timing): number => 3_000 + 20 * patienceMsMax;

/** As many as may be faulty, each with one habit, and two that make it tell. */
export function drawPlotters(
  ids: readonly ReplicaId[],
  f: number,
  { any, own }: Habits,
  healMs: number,
  random: Random,
): LiarPlan[] {
  const candidates = ranked(ids, random);
  const shared = random.chance(0.5) ? drawHabit(any, own, random) : null;
  return candidates.slice(0, f).map((replica) => ({
    replica,
    lies: [
      shared ?? drawHabit(any, own, random),
      ...(random.chance(0.7) ? ["keepSecrets"] : []),
      ...(random.chance(0.2) ? ["insist"] : []),
    ],
    garbleChance: 0,
    patience: random.pick([0.02, 0.02, 1]),
    season: random.pick<Season>([
      always,
      always,
      always,
      { kind: "from", fromMs: random.between(0, healMs / 2) },
      { kind: "changes", afterMs: random.pick([0, 20, 200]) },
    ]),
  }));
}

/** One cut after the other, each longer than others are patient. */
function drawUnrest(
  parties: number,
  n: number,
  liars: ReadonlySet<ReplicaId>,
  patienceMs: number,
  healMs: number,
  random: Random,
): PartitionPlan[] {
  const count = random.pick([1, 2, 4, 8, 16]);
  let fromMs = random.between(0, 200);
  // One after the other, as views have their leaders, or anybody.
  const inTurn = random.chance(liars.size > 0 ? 0.3 : 0.8);
  const cuts: PartitionPlan[] = [];
  for (let index = 0; index < count && fromMs < healMs; index++) {
    const untilMs = Math.min(healMs, fromMs + patienceMs * random.pick([1.5, 2.5, 4, 8]));
    const one = inTurn ? index % n : random.below(n);
    const blocked = drawCut(parties, n, one, liars, random);
    cuts.push({ kind: "partitions", fromMs, untilMs, blocked });
    fromMs = untilMs + (random.chance(0.6) ? 0 : random.between(0, 200));
  }
  return cuts;
}

function drawCut(
  parties: number,
  n: number,
  one: number,
  liars: ReadonlySet<ReplicaId>,
  random: Random,
): readonly LinkPlan[] {
  const correct = replicaIds(n).filter((id) => !liars.has(id));
  const left = random.shuffled(correct).slice(0, Math.floor(correct.length / 2));
  const areApart = (from: number, to: number): boolean =>
    correct.includes(from) && correct.includes(to) && left.includes(from) !== left.includes(to);
  const other = (one + 1 + random.below(n - 1)) % n;
  const arePair = (from: number, to: number): boolean =>
    (from === one && to === other) || (from === other && to === one);
  const lonely = [
    () => aloneAmong(parties, one),
    () => links(parties, (from, to) => from < n && to < n && (from === one || to === one)),
    () => links(parties, (from, to) => from === one && to < n),
    () => links(parties, (from, to) => to === one && from < n),
  ];
  const between = [
    () => links(parties, areApart),
    () => links(parties, areApart),
    () => links(parties, arePair),
  ];
  return random.pick(liars.size > 0 && random.chance(0.7) ? between : lonely)();
}

/** When a host crashes: at any time, or while it is at something. */
const occasions: readonly Pick<CrashPlan, "upon">[] = [
  {},
  {},
  { upon: "view" },
  { upon: "view" },
  { upon: "view" },
  { upon: "view" },
  { upon: "transfer" },
  { upon: "checkpoint" },
  { upon: "stable" },
];

/** What only others remember is lost when all of them crash. */
function drawPowerCuts(patienceMs: number, healMs: number, random: Random): PowerCutPlan[] {
  return Array.from({ length: random.pick([1, 3, 6]) }, () => ({
    atMs: random.between(0, healMs),
    downMs: random.pick([2, 20, patienceMs]),
  }));
}

function drawCrashes(
  correct: readonly ReplicaId[],
  areLiars: boolean,
  patienceMs: number,
  healMs: number,
  random: Random,
): CrashPlan[] {
  const count = random.pick(areLiars ? [0, 0, 1, 3] : [1, 3, 6, 10]);
  return Array.from({ length: count }, () => ({
    replica: random.pick(correct),
    atMs: random.between(0, healMs),
    afterEffects: random.below(random.pick([6, 30])),
    ...random.pick(occasions),
    atRisk: random.pick([0, 0, 1, 2]),
    downMs: random.pick([2, 20, 2 * patienceMs]),
    again: 0,
    againEffects: 0,
  }));
}
