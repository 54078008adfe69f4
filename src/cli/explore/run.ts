// An exploration from the command line: its progress, its result, and the way to a violation.

import { writeFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { protocolNamed } from "../../protocols/index.js";
import { Exploration, type Progress, type Report, type StoryStep } from "../../simulator/index.js";
import { exitCode } from "../exit-code.js";
import { ProgressLine } from "../progress-line.js";
import { duration, quantity, table } from "../text.js";
import { readExploration } from "./configuration.js";

/** The parsed options of `troth explore`. */
export interface ExploreCommand {
  readonly protocol: string;
  readonly config: string;
  readonly trace?: string;
  readonly json: boolean;
}

/** Explores, prints, and gives the exit code: failed on a violation, or if a mark was missed. */
export async function runExploration(command: ExploreCommand): Promise<number> {
  const { options, secondsMax } = readExploration(command.config, protocolNamed(command.protocol));
  const exploration = new Exploration(options);
  const startedAtMs = performance.now();
  const seconds = () => (performance.now() - startedAtMs) / 1000;
  const { ended, searched } = await explore(exploration, seconds, secondsMax);
  const report = exploration.report();
  const story = report.violation === null ? "" : storyText(report.violation.story);
  if (command.trace !== undefined && report.violation !== null) {
    writeFileSync(command.trace, `${headline(report)}\n\n${story}\n`);
  }
  const took = seconds();
  if (command.json) {
    const statesPerSecond = Math.round(report.states / searched);
    console.log(JSON.stringify({ ...report, ended, seconds: took, searched, statesPerSecond }));
  } else {
    console.log(describe(report, { ended, searched, took }, story, command));
  }
  // a mark can be missed for certain only where everything was seen
  const isMissing = report.missed.length > 0 && report.complete;
  return report.violation !== null || isMissing ? exitCode.failed : exitCode.ok;
}

/** How the exploration ended: of itself, or by a person. */
type Ended = "finished" | "interrupted";

async function explore(
  exploration: Exploration,
  seconds: () => number,
  secondsMax: number,
): Promise<{ readonly ended: Ended; readonly searched: number }> {
  let ended: Ended = "finished";
  let searched: number | null = null;
  const line = new ProgressLine(500);
  let pausedAt = 0;
  const interrupt = () => {
    ended = "interrupted";
  };
  process.once("SIGINT", interrupt);
  try {
    for (const progress of exploration.run()) {
      const now = seconds();
      if (progress.isContinuing) searched ??= now;
      if (now > secondsMax && !progress.isContinuing) exploration.endSearch();
      if (now - pausedAt > 0.1) {
        await setImmediate(); // lets a signal in
        pausedAt = now;
      }
      if (ended !== "finished") break;
      line.show(() => progressText(progress, now));
    }
  } finally {
    process.off("SIGINT", interrupt);
    line.clear();
  }
  return { ended, searched: searched ?? seconds() };
}

/** How long it took, in seconds: to search, and with all that came after. */
interface Times {
  readonly ended: Ended;
  readonly searched: number;
  readonly took: number;
}

function progressText({ states, depth, waiting }: Progress, seconds: number): string {
  const rate = quantity(states / seconds);
  const soFar = `${quantity(states)} states, ${rate} a second, depth ${depth}`;
  return `${soFar}, ${quantity(waiting)} waiting`;
}

const headline = ({ violation }: Report): string =>
  violation === null ? "" : `Violated: ${violation.property}: ${violation.message}`;

function describe(
  report: Report,
  { ended, searched, took }: Times,
  story: string,
  { trace }: ExploreCommand,
): string {
  const { states, depth, transitions, machineStates, turns, continuations } = report;
  const lines: string[] = [];
  if (report.violation !== null) {
    const where = trace === undefined ? "" : `\n\nThe steps are in ${trace}, too.`;
    lines.push(headline(report), "", `The way there:\n\n${story}${where}`, "");
  }
  lines.push(
    extent(report, ended),
    "",
    `${quantity(states)} states, ${quantity(transitions)} steps, depth ${depth}, ` +
      `${duration(searched * 1000)}: ${quantity(states / searched)} states a second.`,
    `Machines: ${machineStates.map((count) => quantity(count)).join(", ")} states of the ` +
      `replicas, ${quantity(turns)} turns run.`,
    `Answered in the end: tried ${quantity(continuations)} times, in ` +
      `${duration((took - searched) * 1000)}.`,
    "",
    reachedTable(report),
  );
  for (const mark of report.missed) lines.push("", `Never reached: ${mark}`);
  return lines.join("\n");
}

function extent({ complete, cutBy, waiting, violation }: Report, ended: Ended): string {
  if (violation !== null) return "The search ended with the violation.";
  if (complete) return "Every reachable state was seen, and nothing is wrong.";
  const why = { depth: "the bound on depth", states: "the bound on states", stopped: "the clock" };
  const by = ended === "interrupted" || cutBy === null ? ended : why[cutBy];
  return (
    `Nothing is wrong in what was seen, which is not all: ${by}. ` +
    `${quantity(waiting)} states were found and not looked at.`
  );
}

function reachedTable({ reached }: Report): string {
  const rows = Object.entries(reached).map(([mark, count]) => [mark, quantity(count)]);
  return table(
    [
      { title: "reached", align: "left" },
      { title: "in different turns", align: "right" },
    ],
    rows,
  );
}

function storyText(story: readonly StoryStep[]): string {
  const width = String(story.length).length;
  return story
    .map(({ what, effects }, index) => {
      const number = String(index + 1).padStart(width);
      return [`${number}. ${what}`, ...effects.map((line) => `${" ".repeat(width + 4)}${line}`)];
    })
    .flat()
    .join("\n");
}
