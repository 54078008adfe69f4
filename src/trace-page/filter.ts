// Which arrows and marks are shown: by kind, party, topic, text, and the numbers in messages.

import type { Plain } from "../simulator/index.js";
import { type Arrow, type Mark, type Model, type Topic, topics } from "./model.js";

/** What protocols number their decisions by. */
export const dimensions = [
  "view",
  "order",
  "instance",
  "slot",
  "ballot",
  "round",
  "height",
  "epoch",
] as const;

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

export const wantEverything = (): Wanted => ({
  hiddenKinds: new Set(),
  hiddenParties: new Set(),
  hiddenTopics: new Set(),
  hiddenFates: new Set(["left out"]),
  text: "",
  ranges: new Map(),
});

/** What stays when a filter is applied: one entry for each arrow and mark. */
export interface Shown {
  readonly arrows: Uint8Array;
  readonly marks: Uint8Array;
  readonly arrowCount: number;
}

/** Numbers and texts of messages, found once. */
export class Filter {
  readonly #model: Model;
  readonly #numbers: readonly ReadonlyMap<string, ReadonlySet<number>>[];
  readonly #texts: readonly string[];

  constructor(model: Model) {
    this.#model = model;
    const { messages } = model.page;
    this.#numbers = messages.map(numbersIn);
    this.#texts = messages.map((message) => JSON.stringify(message).toLowerCase());
  }

  /** The dimensions that some message or mark has. */
  dimensions(): string[] {
    const facts = new Set(this.#model.marks.flatMap((mark) => Object.keys(mark.facts)));
    return dimensions.filter(
      (name) => facts.has(name) || this.#numbers.some((numbers) => numbers.has(name)),
    );
  }

  apply(wanted: Wanted): Shown {
    const { arrows, marks } = this.#model;
    const text = wanted.text.trim().toLowerCase();
    const ranges = [...wanted.ranges].flatMap(([name, range]) => {
      const bounds = boundsOf(range);
      return bounds === null ? [] : { name, ...bounds };
    });
    const shown = new Uint8Array(arrows.length);
    let arrowCount = 0;
    for (const arrow of arrows) {
      if (!this.#wantsArrow(arrow, wanted, text, ranges)) continue;
      shown[arrow.index] = 1;
      arrowCount++;
    }
    const shownMarks = Uint8Array.from(marks, (mark) =>
      this.#wantsMark(mark, wanted, text, ranges) ? 1 : 0,
    );
    return { arrows: shown, marks: shownMarks, arrowCount };
  }

  #wantsArrow(arrow: Arrow, wanted: Wanted, text: string, ranges: readonly Range[]): boolean {
    const { hiddenKinds, hiddenFates, hiddenParties } = wanted;
    if (hiddenKinds.has(arrow.kind) || hiddenFates.has(arrow.fate)) return false;
    if (hiddenParties.has(arrow.from) || hiddenParties.has(arrow.to)) return false;
    if (text !== "") {
      const inside = arrow.message === null ? "" : this.#texts[arrow.message]!;
      const line = `${arrow.text} ${arrow.name} ${arrow.fate}`.toLowerCase();
      if (!line.includes(text) && !inside.includes(text)) return false;
    }
    const numbers = arrow.message === null ? undefined : this.#numbers[arrow.message];
    return ranges.every(({ name, low, high }) =>
      [...(numbers?.get(name) ?? [])].some((value) => value >= low && value <= high),
    );
  }

  #wantsMark(mark: Mark, wanted: Wanted, text: string, ranges: readonly Range[]): boolean {
    if (mark.topic === "violation") return true;
    if (wanted.hiddenTopics.has(mark.topic)) return false;
    if (mark.party !== null && wanted.hiddenParties.has(mark.party)) return false;
    if (text !== "" && !`${mark.what} ${mark.details}`.toLowerCase().includes(text)) return false;
    return ranges.every(({ name, low, high }) => {
      const value = mark.facts[name];
      return typeof value === "number" && value >= low && value <= high;
    });
  }
}

interface Range {
  readonly name: string;
  readonly low: number;
  readonly high: number;
}

/** The bounds of `12`, `10..14`, `10..` or `..14`; null if it is none of them. */
export function boundsOf(text: string): { readonly low: number; readonly high: number } | null {
  const parts = /^\s*(\d*)\s*(\.\.)?\s*(\d*)\s*$/.exec(text);
  if (parts === null || (parts[1] === "" && parts[3] === "")) return null;
  const low = parts[1] === "" ? 0 : Number(parts[1]);
  if (parts[2] === undefined) return { low, high: low };
  return { low, high: parts[3] === "" ? Number.POSITIVE_INFINITY : Number(parts[3]) };
}

/** The numbers of a message by dimension, those of what it contains included. */
export function numbersIn(message: Plain): ReadonlyMap<string, ReadonlySet<number>> {
  const found = new Map<string, Set<number>>();
  const look = (value: Plain): void => {
    if (typeof value !== "object" || value === null) return;
    if (Array.isArray(value)) return value.forEach(look);
    for (const [name, inner] of Object.entries(value)) {
      if (typeof inner !== "number") {
        // Where a trusted counter stood is no number of the protocol's own.
        if (name !== "attestation") look(inner);
      } else if ((dimensions as readonly string[]).includes(name)) {
        found.set(name, (found.get(name) ?? new Set()).add(inner));
      }
    }
  };
  look(message);
  return found;
}

/** Reads what a page's address asks for: `#order=3..5&text=commit&kinds=prepare,commit`. */
export function wantedFrom(model: Model, address: string): Wanted {
  const wanted = wantEverything();
  const asked = new URLSearchParams(address.replace(/^#/, ""));
  const listed = (name: string) => asked.get(name)?.split(",") ?? null;
  wanted.text = asked.get("text") ?? "";
  for (const name of dimensions) {
    const range = asked.get(name);
    if (range !== null) wanted.ranges.set(name, range);
  }
  const kinds = listed("kinds");
  const parties = listed("parties");
  const wantedTopics = listed("topics");
  for (const kind of model.kinds) {
    if (kinds !== null && !kinds.includes(kind)) wanted.hiddenKinds.add(kind);
  }
  model.parties.forEach(({ short }, number) => {
    if (parties !== null && !parties.includes(short)) wanted.hiddenParties.add(number);
  });
  for (const topic of topics) {
    if (wantedTopics !== null && !wantedTopics.includes(topic)) wanted.hiddenTopics.add(topic);
  }
  return wanted;
}
