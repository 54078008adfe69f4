import type { Shown } from "./filter.js";
import type { Arrow, Mark, Model } from "./model.js";
import { type TimeScale } from "./scale.js";
import type { Theme } from "./theme.js";
/** The part of the run that is seen, in the scale's units. */
export interface Window {
  readonly from: number;
  readonly to: number;
}
/** What is to be seen in one frame. */
export interface Frame {
  readonly scale: TimeScale;
  readonly window: Window;
  readonly shown: Shown;
  readonly theme: Theme;
  /** What the pointer is at, what is pinned, and the arrows that led to it or follow from it. */
  readonly hovered: Arrow | Mark | null;
  readonly pinned: Arrow | Mark | null;
  readonly related: ReadonlySet<number>;
}
export declare const isArrow: (thing: Arrow | Mark) => thing is Arrow;
export declare class Drawing {
  #private;
  constructor(canvas: HTMLCanvasElement, model: Model);
  get left(): number;
  /** The width that time has. */
  get breadth(): number;
  /** Takes the size that the page gives the canvas. */
  fit(): void;
  /** Draws a frame and says how many arrows are in it. */
  draw(frame: Frame): number;
  /** What is at a place of the canvas; marks before arrows. */
  at(x: number, y: number): Arrow | Mark | null;
}
