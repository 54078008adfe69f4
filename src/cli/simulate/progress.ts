// The line that tells, while seeds run, how far they are: as much as fits the terminal.

import { duration } from "../text.js";

/** What to tell, the most important first; what it is counted under, and what people call it. */
const marks = [
  ["view established", "views"],
  ["transfer finished", "transfers"],
  ["restart", "restarts"],
  ["liar", "liars"],
  ["lost", "losses"],
  ["crash that lost writes", "lost writes"],
] as const;

export interface ProgressSoFar {
  readonly seeds: number;
  readonly elapsedMs: number;
  readonly virtualMs: number;
  /** Null if it is not time that ends the run. */
  readonly leftMs: number | null;
  readonly reached: Readonly<Record<string, number>>;
}

/** One line of at most `width` characters. */
export function progressText(progress: ProgressSoFar, width: number): string {
  const { seeds, elapsedMs, virtualMs, leftMs, reached } = progress;
  const perSecond = seeds / (elapsedMs / 1000);
  const parts = [
    `${short(seeds)} seeds`,
    `${perSecond.toFixed(perSecond < 10 ? 1 : 0)}/s`,
    `simulated ${span(virtualMs)} (${(virtualMs / elapsedMs).toFixed(0)}×)`,
    ...(leftMs === null ? [] : [`${span(Math.max(0, leftMs))} left`]),
    ...marks.map(([mark, name]) => `${short(reached[mark] ?? 0)} ${name}`),
  ];
  let line = "";
  for (const part of parts) {
    const longer = line === "" ? part : `${line}, ${part}`;
    if (longer.length > width) break;
    line = longer;
  }
  return line;
}

/** `950`, `12k`, `1.5M`. */
function short(count: number): string {
  if (count < 1000) return String(count);
  const [value, unit] = count < 999_500 ? [count / 1000, "k"] : [count / 1e6, "M"];
  return `${value.toFixed(value < 9.95 ? 1 : 0)}${unit}`;
}

/** Also for what takes hours, as virtual time does. */
export function span(ms: number): string {
  if (ms < 60_000) return duration(ms);
  const minutes = ms / 60_000;
  return minutes < 90 ? `${minutes.toFixed(0)} min` : `${(minutes / 60).toFixed(1)} h`;
}
