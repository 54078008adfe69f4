import { type Child } from "./element.js";
import { type Arrow, type Mark, type Model } from "./model.js";
/** A line or two on what the pointer is at. */
export declare function tooltipOf(model: Model, thing: Arrow | Mark): Child[];
/** Everything about a selected arrow or mark. `go` selects another arrow. */
export declare function detailsOf(
  model: Model,
  thing: Arrow | Mark,
  go: (arrow: Arrow) => void,
): Child[];
