import { type Filter, type Wanted } from "./filter.js";
import { type Model } from "./model.js";
import type { Theme } from "./theme.js";
/** Builds the controls; `changed` is called whenever something else is wanted. */
export declare function buildControls(
  model: Model,
  filter: Filter,
  wanted: Wanted,
  theme: () => Theme,
  changed: () => void,
): void;
