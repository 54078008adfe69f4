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
/** Reads the theme that holds now; `kinds` get their colours by position. */
export declare function themeNow(kinds: readonly string[]): Theme;
