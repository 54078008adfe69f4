import type { Mark } from "./model.js";
import type { Theme } from "./theme.js";
/** Draws a mark among so many, with its order or name beside it where there is room. */
export declare function drawMark(
  context: CanvasRenderingContext2D,
  mark: Mark,
  x: number,
  y: number,
  theme: Theme,
  among: number,
): void;
