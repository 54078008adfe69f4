// Colours, taken from the page's style sheet, so that light and dark are decided in one place.

import type { Topic } from "./model.js";

export interface Theme {
  readonly isDark: boolean;
  readonly background: string;
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  readonly accent: string;
  readonly bad: string;
  readonly topics: Readonly<Record<Topic, string>>;
  kind(position: number): string;
  /** The band of a view; neighbouring views are far apart in colour. */
  view(view: number, strength: number): string;
}

const kindsLight = [
  "#1f6feb",
  "#c2410c",
  "#15803d",
  "#9333ea",
  "#b45309",
  "#0e7490",
  "#be185d",
  "#4d7c0f",
  "#4338ca",
  "#a16207",
  "#0f766e",
  "#b91c1c",
];
const kindsDark = [
  "#6cb0ff",
  "#ff9a5c",
  "#5fd38a",
  "#c79bff",
  "#f3c04b",
  "#4fd1e0",
  "#ff8fc0",
  "#b6d957",
  "#9aa5ff",
  "#e2c08d",
  "#5eead4",
  "#ff8a8a",
];

/** Regular messages that say where a sender stands: many, and seldom what one looks for. */
const chatter = new Set(["status", "heartbeat"]);

/** Reads the theme that holds now; `kinds` get their colours by position. */
export function themeNow(kinds: readonly string[]): Theme {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const style = getComputedStyle(document.documentElement);
  const value = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const palette = isDark ? kindsDark : kindsLight;
  const coloured = kinds.filter((kind) => !chatter.has(kind));
  const colours = kinds.map((kind) =>
    chatter.has(kind) ? value("faint") : palette[coloured.indexOf(kind) % palette.length]!,
  );
  const [bad, accent, faint] = [value("bad"), value("accent"), value("faint")];
  return {
    isDark,
    background: value("background"),
    text: value("text"),
    faint,
    line: value("line"),
    accent,
    bad,
    topics: {
      violation: bad,
      fault: bad,
      lie: value("lie"),
      view: value("view"),
      recovery: accent,
      order: value("good"),
      answer: value("good"),
      timer: faint,
      dropped: faint,
    },
    kind: (position) => colours[position] ?? faint,
    view: (view, strength) =>
      `hsl(${(212 + view * 137.5) % 360} 60% ${isDark ? 60 : 50}% / ${strength})`,
  };
}
