// A plan in words: the header of a trace, a line for everything that is going to go wrong.

import type { Plan } from "../plan.js";
import { finaleRounds, othersRestart } from "./finale.js";

const at = (ms: number): string => `at ${ms.toFixed(1)} ms`;
const during = ({ fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number }) =>
  `from ${fromMs.toFixed(1)} to ${untilMs.toFixed(1)} ms`;
const percent = (chance: number): string => `${Number((100 * chance).toPrecision(2))} %`;
const links = (list: readonly { readonly from: number; readonly to: number }[]): string =>
  list.map(({ from, to }) => `${from}→${to}`).join(" ");

/** One line each; parties are numbered: replicas, then clients. */
export function describePlan(plan: Plan): string[] {
  const { n, f, clients, clientAuthentication: authentication } = plan;
  const lying = clients.lying === 0 ? "" : ` and ${clients.lying} lying`;
  return [
    `${n} replicas, ${f} may be faulty; ${clients.correct} correct${lying} clients ` +
      `(${authentication}), ${clients.bundles} bundles each; everything heals ${at(plan.healMs)}`,
    ...(plan.replicaAuthentication === null
      ? []
      : [`replicas prove what they say by ${plan.replicaAuthentication}`]),
    describeNetwork(plan),
    ...plan.liars.map(({ replica, lies }) => `replica ${replica} lies: ${lies.join(", ")}`),
    ...describeIntrigue(plan),
    ...describeLinks(plan),
    ...describeProcesses(plan),
    ...describeDisk(plan),
    ...describeClocks(plan),
    ...plan.bursts.map(({ atMs }) => `every client submits all it may ${at(atMs)}`),
    ...describeFinale(plan),
  ];
}

function describeNetwork({ network }: Plan): string {
  const { delayMs, jitterMs, lateChance, lateMs } = network;
  const faults = [
    [network.lossChance, "lost"],
    [network.duplicationChance, "doubled"],
    [network.overtakeChance, "out of order"],
    [lateChance, `up to ${lateMs} ms late`],
  ] as const;
  const drawn = faults.filter(([chance]) => chance > 0);
  const text = drawn.map(([chance, what]) => `, ${percent(chance)} ${what}`).join("");
  return `messages take ${delayMs} to ${delayMs + jitterMs} ms${text}`;
}

function describeLinks({ partitions, clogs }: Plan): string[] {
  return [
    ...partitions.map((one) => `${one.kind} ${during(one)}, cut: ${links(one.blocked)}`),
    ...clogs.map((one) => `clogged ${during(one)}: ${links(one.held)}`),
  ];
}

function describeProcesses({ n, crashes, powerCuts, pauses, slow }: Plan): string[] {
  const party = (number: number) => (number < n ? `replica ${number}` : `client ${number - n}`);
  return [
    ...crashes.map(({ replica, atMs, afterEffects, upon, atRisk, downMs, again }) => {
      const ofWhat = upon === undefined ? "" : ` of its next ${upon}`;
      const effects = afterEffects === null ? "" : ` and ${afterEffects} effects${ofWhat}`;
      const when = atRisk === 0 || effects === "" ? effects : `${effects} and ${atRisk} writes`;
      const loop = again === 0 ? "" : `, then ${again} times at the start`;
      return `replica ${replica} crashes ${at(atMs)}${when}, down ${downMs.toFixed(1)} ms${loop}`;
    }),
    ...powerCuts.map(({ atMs, downMs }) => `all crash ${at(atMs)}, down ${downMs.toFixed(1)} ms`),
    ...pauses.map(
      (pause) => `${party(pause.party)} pauses ${at(pause.atMs)} for ${pause.forMs.toFixed(1)} ms`,
    ),
    ...slow.map(
      (one) => `replica ${one.replica} is slow ${during(one)}: ${one.messageMs} ms a message`,
    ),
  ];
}

function describeDisk({ disk, syncMs }: Plan): string[] {
  return [
    `a sync takes up to ${syncMs} ms; unsynced writes are ${disk.unsynced} in a crash`,
    ...disk.spells.map(
      (one) => `replica ${one.replica}'s disk is slow ${during(one)}: ${one.syncMs} ms a sync`,
    ),
    ...disk.refusals.map(({ replica, atMs }) => `replica ${replica}'s disk refuses ${at(atMs)}`),
    ...disk.damages.map(({ replica, atMs, kind }) =>
      kind === "lost"
        ? `replica ${replica} loses its disk ${at(atMs)}`
        : `a record of replica ${replica} is ${kind} from ${atMs.toFixed(1)} ms on`,
    ),
  ];
}

function describeClocks({ clocks }: Plan): string[] {
  return clocks.map(({ replica, offsetMs, rate, jumps }) => {
    const leaps = jumps.map(({ atMs, byMs }) => `, jumps by ${byMs.toFixed(1)} ms ${at(atMs)}`);
    const pace = `from ${offsetMs} ms, ${rate} times as fast`;
    return `replica ${replica}'s clock: ${pace}${leaps.join("")}`;
  });
}

function describeFinale(plan: Plan): string[] {
  const [first, ...others] = finaleRounds(plan).map((down) => down.join(" and "));
  if (first === undefined) return [];
  const rounds = [first, ...others.map((round) => `then without ${round}`)].join(", ");
  const restart = othersRestart(plan) ? "; the others restart each time" : "";
  return [
    `in the end ${plan.finale?.bundles} more bundles each without replica ${rounds}${restart}`,
  ];
}

function describeIntrigue({ intrigue: { camps, censors } }: Plan): string[] {
  const cuts = camps.filter(({ isCut }) => isCut);
  return [
    ...cuts.map(
      ({ fromMs, untilMs, sides }) =>
        `no link between camps ${sides.map((side) => side ?? "-").join("")} ` +
        `${at(fromMs)} until ${at(untilMs)}`,
    ),
    ...censors.map(
      ({ fromMs, untilMs, from, to }) =>
        `some kinds of message are lost from ${from} to ${to} ${at(fromMs)} until ${at(untilMs)}`,
    ),
  ];
}
