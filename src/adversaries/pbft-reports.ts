// Reports of a liar in a PBFT cluster, and views that it begins with them: well-formed,
// well-proven, and not what is so.

import { type Tagged, toHex } from "../core/index.js";
import type { Ballot } from "../parts/index.js";
import { pbft } from "../protocols/index.js";
import { type Means, others } from "../simulator/index.js";
import { forging } from "./pbft-forge.js";
import type { PbftMemory } from "./pbft-memory.js";
import { nothingStable } from "./stable-memory.js";

type PbftNewView = pbft.PbftNewView;
type PbftReport = pbft.PbftReport;

const byOrder = (a: Ballot, b: Ballot): number => a.order - b.order;

/** One ballot of each order, or one of each batch of an order. */
function distinct(ballots: readonly Ballot[], keyOf: (ballot: Ballot) => string): Ballot[] {
  return [...new Map(ballots.map((ballot) => [keyOf(ballot), ballot])).values()].toSorted(byOrder);
}

/** Reports that are well-formed, and not what the replica knows. */
function falseReports(
  { random, context }: Means,
  memory: PbftMemory,
  { to: view, ...own }: PbftReport,
): Omit<PbftReport, "replica" | "proof">[] {
  const stable = memory.stables.isEmpty ? own.stable : memory.stables.pick(random);
  const last = stable.order + 2 * context.limits.checkpointOrders;
  const fits = (ballot: Ballot) =>
    ballot.order > stable.order && ballot.order <= last && ballot.view < view;
  const known = Array.from({ length: 16 }, () =>
    memory.ballots.isEmpty ? null : memory.ballots.pick(random),
  ).filter((ballot) => ballot !== null);
  const invented = Array.from({ length: 1 + random.below(3) }, (_, index) => ({
    view: random.below(view),
    order: stable.order + 1 + index,
    batch: random.bytes(32),
  }));
  const raised = known.map((ballot) => ({ ...ballot, view: view - 1 }));
  const pick = () => random.pick([[], own.prepared, known, raised, invented]).filter(fits);
  const prepared = distinct(pick(), ({ order }) => String(order));
  const seen = distinct(
    [...pick(), ...(random.chance(0.5) ? prepared : [])].filter(fits),
    ({ order, batch }) => `${order} ${toHex(batch)}`,
  );
  const counts = new Map<number, number>();
  const few = seen.filter(({ order }) => {
    counts.set(order, (counts.get(order) ?? 0) + 1);
    return counts.get(order)! <= pbft.seenMax;
  });
  return [
    { to: view, ...own, prepared: [] },
    { to: view, ...own, prepared: [], seen: [] },
    { to: view, stable, prepared, seen: few },
    { to: view, stable, prepared, seen: few },
  ];
}

/** Reports that nobody should read, whatever they say. */
function brokenReports(
  { random, context }: Means,
  memory: PbftMemory,
  { to: view, stable, prepared, seen }: PbftReport,
): Omit<PbftReport, "replica" | "proof">[] {
  const { latest } = memory.stable;
  const order = stable.order + 2 * context.limits.checkpointOrders;
  const digest = random.bytes(32);
  const own = forging(context).checkpoint(order, digest);
  const stables = [
    { order, digest, statements: [] },
    { order, digest, statements: [own] },
    { order, digest, statements: Array.from({ length: context.n }, () => own) },
    { ...latest, order: latest.order + context.limits.checkpointOrders },
    { ...latest, digest },
    { ...latest, order, digest },
  ];
  const far = { view: 0, order: 2 ** 40, batch: digest };
  const twice = prepared.flatMap((ballot) => [ballot, { ...ballot, batch: digest }]);
  return [
    ...stables.map((one) => ({ to: view, stable: one, prepared: [], seen: [] })),
    { to: view, stable, prepared: [...prepared, far], seen },
    { to: view, stable, prepared: twice, seen },
  ];
}

/** A false report; one that nobody should read, if others would. */
export function falseReport(means: Means, memory: PbftMemory, own: PbftReport): PbftReport {
  const { random, protocol, context, claimContext } = means;
  const forge = forging(context);
  const isRead = (lie: PbftReport): boolean =>
    protocol.claims({ ...lie, kind: "view-change" } as Tagged, context.replica, claimContext) !==
    null;
  const broken = brokenReports(means, memory, own)
    .map((lie) => forge.report(lie))
    .filter(isRead);
  if (broken.length > 0 && random.chance(0.6)) return random.pick(broken);
  return forge.report(random.pick(falseReports(means, memory, own)));
}

/** A new view from reports: chosen, too few, of other views, in others' names, or one's twice. */
function anyBeginning(means: Means, memory: PbftMemory, view: number): PbftNewView & Tagged {
  const { random, context } = means;
  const { n, f, replica } = context;
  const forge = forging(context);
  const genuine = memory.reportsFor(view);
  const own = genuine.find((report) => report.replica === replica) ?? {
    replica,
    to: view,
    stable: nothingStable,
    prepared: [],
    seen: [],
    proof: new Uint8Array(0),
  };
  const lies = Array.from({ length: 3 }, () => falseReport(means, memory, own));
  const mine = random.pick([forge.report(own), forge.report({ ...own, prepared: [] }), ...lies]);
  const beside = random.shuffled(genuine.filter((report) => report.replica !== replica));
  const forged = random.shuffled(others(means)).map((other) => {
    const content = { to: view, stable: own.stable, prepared: [], seen: [] };
    return { ...forge.report(content), replica: other };
  });
  const old = memory.oldReports(random).filter((report) => report.replica !== replica);
  const reports = random.pick([
    [mine, ...beside].slice(0, n - f),
    beside.slice(0, n - f),
    [mine, ...beside].slice(0, 1 + random.below(n - f)),
    [mine, ...old].slice(0, n - f),
    [mine, ...beside.slice(0, n - f - 2), ...old].slice(0, n - f),
    [mine, ...beside.slice(0, 1), ...forged].slice(0, n - f),
    [mine, ...forged].slice(0, n - f),
    [mine, ...beside.slice(0, n - f - 1), forge.report(random.pick([own, ...lies]))],
    Array.from({ length: n - f }, () => mine),
  ]);
  const each = new Map(reports.map((report, index) => [`${report.replica} ${index}`, report]));
  const sorted = [...each.values()].toSorted((a, b) => a.replica - b.replica);
  return { kind: "new-view", ...forge.newView(view, sorted) };
}

/** Lies that are tried before one is told that nobody may read. */
const attempts = 12;

/** A new view that others would read, if there is any, and that `serves`. */
export function beginning(
  means: Means,
  memory: PbftMemory,
  view: number,
  serves: (lie: PbftNewView) => boolean = () => true,
): Tagged | null {
  const { protocol, context, claimContext } = means;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const lie = anyBeginning(means, memory, view);
    const isRead = protocol.claims(lie, context.replica, claimContext) !== null;
    if (isRead && serves(lie)) return lie;
  }
  return null;
}
