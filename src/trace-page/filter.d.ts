import type { Plain } from "../simulator/index.js";
import { type Model, type Topic } from "./model.js";
/** What protocols number their decisions by. */
export declare const dimensions: readonly [
  "view",
  "order",
  "instance",
  "slot",
  "ballot",
  "round",
  "height",
  "epoch",
];
/** What is hidden and what is asked for. */
export interface Wanted {
  readonly hiddenKinds: Set<string>;
  readonly hiddenParties: Set<number>;
  readonly hiddenTopics: Set<Topic>;
  readonly hiddenFates: Set<string>;
  text: string;
  /** Ranges such as `12` or `10..14` by the dimension's name. */
  readonly ranges: Map<string, string>;
}
export declare const wantEverything: () => Wanted;
/** What stays when a filter is applied: one entry for each arrow and mark. */
export interface Shown {
  readonly arrows: Uint8Array;
  readonly marks: Uint8Array;
  readonly arrowCount: number;
}
/** Numbers and texts of messages, found once. */
export declare class Filter {
  #private;
  constructor(model: Model);
  /** The dimensions that some message or mark has. */
  dimensions(): string[];
  apply(wanted: Wanted): Shown;
}
/** The bounds of `12`, `10..14`, `10..` or `..14`; null if it is none of them. */
export declare function boundsOf(text: string): {
  readonly low: number;
  readonly high: number;
} | null;
/** The numbers of a message by dimension, those of what it contains included. */
export declare function numbersIn(message: Plain): ReadonlyMap<string, ReadonlySet<number>>;
/** Reads what a page's address asks for: `#order=3..5&text=commit&kinds=prepare,commit`. */
export declare function wantedFrom(model: Model, address: string): Wanted;
