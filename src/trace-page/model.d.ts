import type { Facts } from "../simulator/index.js";
import type { Party, TraceDocument } from "./document.js";
/** A message from its sending to its receiving; one sent once and received twice is two. */
export interface Arrow {
  readonly index: number;
  readonly id: number;
  readonly kind: string;
  readonly from: number;
  readonly to: number;
  readonly sentMs: number;
  /** Null: it never arrived, or nobody was there to take it. */
  readonly receivedMs: number | null;
  readonly fate: "carried" | "not taken" | "lost" | "blocked" | "left out";
  readonly text: string;
  readonly name: string;
  readonly bytes: number;
  /** Position in `TraceDocument.messages`. */
  readonly message: number | null;
  /** Where its sending, and its receiving, stand among all events. */
  readonly sentAt: number;
  readonly receivedAt: number;
}
export declare const topics: readonly [
  "violation",
  "fault",
  "lie",
  "view",
  "recovery",
  "order",
  "answer",
  "timer",
  "dropped",
];
export type Topic = (typeof topics)[number];
/** Something that happened at one party, or everywhere. */
export interface Mark {
  readonly index: number;
  readonly topic: Topic;
  readonly what: string;
  readonly details: string;
  readonly atMs: number;
  readonly party: number | null;
  readonly facts: Facts;
  readonly at: number;
}
/** What a replica's line looks like for a while. */
export interface Span {
  readonly party: number;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly view: number;
  readonly status: "established" | "changing" | "down" | "lying" | "paused";
}
/** Links that carry nothing for a while. */
export interface Cut {
  readonly what: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly links: string;
}
export interface Model {
  readonly page: TraceDocument;
  readonly parties: readonly Party[];
  readonly arrows: readonly Arrow[];
  readonly marks: readonly Mark[];
  readonly spans: readonly Span[];
  readonly cuts: readonly Cut[];
  /** Kinds of messages, the most frequent first. */
  readonly kinds: readonly string[];
  readonly endMs: number;
}
/** Reads a page's document. */
export declare function modelOf(page: TraceDocument): Model;
/** What led to a message being sent: what its sender took last before, all of that moment. */
export declare function causesOf(model: Model, arrow: Arrow): Arrow[];
/** What its receiver sent between taking it and taking the next. */
export declare function effectsOf(model: Model, arrow: Arrow): Arrow[];
