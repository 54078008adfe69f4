import type { Mark, Model } from "./model.js";
/** Fills the page's header. */
export declare function buildHeader({ page, arrows, marks }: Model): void;
/** What is worth a row: violations, faults, changes of views, transfers of state, lies. */
export declare function importantMarks({ marks }: Model): Mark[];
export declare function rowOf({ parties }: Model, mark: Mark): HTMLElement;
