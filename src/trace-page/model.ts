// The run as it is drawn: arrows, marks on the lines, and the spans of views, crashes and
// partitions, all computed once from the events.

import type { Facts } from "../simulator/index.js";
import type { Party, StoredEvent, TraceDocument } from "./document.js";

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

export const topics = [
  "violation",
  "fault",
  "lie",
  "view",
  "recovery",
  "order",
  "answer",
  "timer",
  "dropped",
] as const;
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

const exact: Readonly<Record<string, Topic>> = {
  executed: "order",
  applied: "order",
  checkpoint: "order",
  stable: "order",
  suspect: "view",
  mute: "fault",
  heal: "recovery",
  restart: "recovery",
  resume: "recovery",
  retry: "timer",
  garbled: "lie",
  liar: "lie",
  "liar broke": "lie",
};

function topicOf(what: string): Topic {
  const [first = ""] = what.split(/[ :]/);
  if (exact[what] !== undefined) return exact[what];
  if (first === "view" || first === "answer" || first === "dropped") return first;
  if (first === "timeout") return "timer";
  if (first === "lie") return "lie";
  if (first === "transfer") return "recovery";
  return "fault";
}

/** Reads a page's document. */
export function modelOf(page: TraceDocument): Model {
  const { events, parties } = page;
  const arrows = arrowsOf(events);
  const idle = idleRetries(arrows);
  const marks = events.flatMap((event, at) => markOf(event, at) ?? []);
  const numbered = marks
    .filter(({ what, party, atMs }) => what !== "retry" || !idle.has(`${party} ${atMs}`))
    .map((mark, index) => ({ ...mark, index }));
  const counts = new Map<string, number>();
  for (const { kind } of arrows) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const last = Math.max(1e-3, page.endMs, events.at(-1)?.atMs ?? 0);
  return {
    page,
    parties,
    arrows,
    marks: numbered,
    spans: parties.flatMap((party, number) =>
      party.isReplica ? spansOf(number, party.lies, numbered, last) : [],
    ),
    cuts: cutsOf(numbered),
    kinds: [...counts].sort(([, a], [, b]) => b - a).map(([kind]) => kind),
    endMs: last,
  };
}

/** Parties and times at which only messages were sent that are left out. */
function idleRetries(arrows: readonly Arrow[]): ReadonlySet<string> {
  const idle = new Set<string>();
  for (const { from, sentMs, fate } of arrows) {
    if (fate === "left out") idle.add(`${from} ${sentMs}`);
  }
  for (const { from, sentMs, fate } of arrows) {
    if (fate !== "left out") idle.delete(`${from} ${sentMs}`);
  }
  return idle;
}

function markOf(event: StoredEvent, at: number): Omit<Mark, "index"> | null {
  if (event.kind === "happened") {
    const { what, details, atMs, at: party, facts } = event;
    return { topic: topicOf(what), what, details, atMs, party, facts, at };
  }
  if (event.kind === "violated") {
    const { property, message, atMs, at: party } = event;
    const what = `violated: ${property}`;
    return { topic: "violation", what, details: message, atMs, party, facts: {}, at };
  }
  return null;
}

function arrowsOf(events: readonly StoredEvent[]): Arrow[] {
  const received = new Map<number, { atMs: number; at: number }[]>();
  events.forEach((event, at) => {
    if (event.kind !== "received") return;
    const times = received.get(event.id) ?? [];
    times.push({ atMs: event.atMs, at });
    received.set(event.id, times);
  });
  const arrows: Arrow[] = [];
  events.forEach((event, sentAt) => {
    if (event.kind !== "sent") return;
    const { id, from, to, atMs: sentMs, text, name, bytes, message } = event;
    const [kind = "garbage"] = message === null ? [] : text.split("(");
    const common = { id, kind, from, to, sentMs, text, name, bytes, message, sentAt };
    const arrivals = received.get(id) ?? [];
    for (const { atMs, at } of arrivals) {
      const index = arrows.length;
      arrows.push({ ...common, index, fate: "carried", receivedMs: atMs, receivedAt: at });
    }
    if (arrivals.length > 0) return;
    const fate = event.fate === "carried" ? "not taken" : event.fate;
    arrows.push({ ...common, index: arrows.length, fate, receivedMs: null, receivedAt: -1 });
  });
  return arrows;
}

const ends: Readonly<Record<string, Span["status"]>> = {
  crash: "down",
  broke: "down",
  pause: "paused",
};

function spansOf(party: number, lies: boolean, marks: readonly Mark[], endMs: number): Span[] {
  const spans: Span[] = [];
  let current: Span = {
    party,
    fromMs: 0,
    untilMs: endMs,
    view: 0,
    status: lies ? "lying" : "established",
  };
  const change = (fromMs: number, view: number, status: Span["status"]): void => {
    if (fromMs > current.fromMs) spans.push({ ...current, untilMs: fromMs });
    current = { party, fromMs, untilMs: endMs, view, status };
  };
  let before: Span["status"] = current.status;
  for (const { what, party: at, atMs, facts } of marks) {
    if (at !== party) continue;
    const gone = ends[what];
    if (gone !== undefined) {
      if (current.status !== "down" && current.status !== "paused") before = current.status;
      change(atMs, current.view, gone);
      const forMs = facts["forMs"];
      if (what === "pause" && typeof forMs === "number") change(atMs + forMs, current.view, before);
    } else if (what === "restart" || what === "resume") {
      change(atMs, current.view, before === "changing" ? "changing" : before);
    } else if (what === "view established" || what === "view changing") {
      const status = what === "view changing" ? "changing" : "established";
      change(atMs, Number(facts["view"]), status);
      before = status;
    }
  }
  return [...spans, current];
}

function cutsOf(marks: readonly Mark[]): Cut[] {
  return marks.flatMap(({ what, atMs, facts }) => {
    const untilMs = facts["untilMs"];
    if (typeof untilMs !== "number") return [];
    return { what, fromMs: atMs, untilMs, links: String(facts["links"] ?? "") };
  });
}

/** What led to a message being sent: what its sender took last before, all of that moment. */
export function causesOf(model: Model, arrow: Arrow): Arrow[] {
  const heard = model.arrows.filter(
    ({ to, receivedAt }) => to === arrow.from && receivedAt >= 0 && receivedAt < arrow.sentAt,
  );
  const latest = heard.reduce((most, { receivedMs }) => Math.max(most, receivedMs ?? 0), -1);
  return heard.filter(({ receivedMs }) => receivedMs === latest).slice(-8);
}

/** What its receiver sent between taking it and taking the next. */
export function effectsOf(model: Model, arrow: Arrow): Arrow[] {
  if (arrow.receivedMs === null) return [];
  const next = model.arrows.reduce(
    (least, { to, receivedAt, receivedMs }) =>
      to === arrow.to && receivedAt > arrow.receivedAt && receivedMs! > arrow.receivedMs!
        ? Math.min(least, receivedAt)
        : least,
    Number.POSITIVE_INFINITY,
  );
  return model.arrows
    .filter(({ from, sentAt }) => from === arrow.to && sentAt > arrow.receivedAt && sentAt < next)
    .slice(0, 24);
}
