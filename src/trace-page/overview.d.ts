import type { Window } from "./drawing.js";
import type { Shown } from "./filter.js";
import type { Model } from "./model.js";
import type { TimeScale } from "./scale.js";
import type { Theme } from "./theme.js";
/** Draws the strip over the same columns as the diagram above it. */
export declare function drawOverview(
  canvas: HTMLCanvasElement,
  model: Model,
  scale: TimeScale,
  window: Window,
  shown: Shown,
  theme: Theme,
): void;
