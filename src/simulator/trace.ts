// What a run tells whoever watches it: every message, and everything that happened, in its order.

import { type Observation, unreachable } from "../core/index.js";

/** Replicas, then clients: a number below n is a replica's. */
export type PartyNumber = number;

export type TraceEvent = { readonly atMs: number } & (
  | {
      readonly kind: "sent";
      /** Unique in the run; a message that arrives twice is received twice. */
      readonly id: number;
      readonly from: PartyNumber;
      readonly to: PartyNumber;
      readonly fate: "carried" | "lost" | "blocked";
      /** One line; see `Codec.describe`. */
      readonly text: string;
    }
  /** A machine, or a client, takes a message. */
  | { readonly kind: "received"; readonly id: number; readonly at: PartyNumber }
  /** A fault, a lie, a timer, an observation, an answer: see `Outcome.reached` for the names. */
  | {
      readonly kind: "happened";
      readonly what: string;
      /** Where; null if everywhere. */
      readonly at: PartyNumber | null;
      readonly details: string;
    }
);

export type Trace = (event: TraceEvent) => void;

/** An event as a line of text. */
export function lineOf(event: TraceEvent, n: number): string {
  const party = (number: PartyNumber): string =>
    number < n ? `replica ${number}` : `client ${number - n}`;
  const time = event.atMs.toFixed(3).padStart(10);
  switch (event.kind) {
    case "sent": {
      const fate = event.fate === "carried" ? "sent" : event.fate;
      return `${time} ${fate} #${event.id} ${party(event.from)} → ${party(event.to)} ${event.text}`;
    }
    case "received":
      return `${time} ${party(event.at)} receives #${event.id}`;
    case "happened": {
      const where = event.at === null ? "" : ` at ${party(event.at)}`;
      return `${time} ${event.what}${where} ${event.details}`.trimEnd();
    }
  }
  return unreachable(event);
}

/** Under which name an observation is counted. */
export function nameOf(event: Observation): string {
  switch (event.event) {
    case "view":
      return `view ${event.status}`;
    case "transfer":
      return `transfer ${event.status}`;
    case "dropped":
      return `dropped: ${event.reason}`;
    default:
      return event.event;
  }
}

export function detailsOf(event: Observation): string {
  switch (event.event) {
    case "executed":
      return `order ${event.order}, ${event.operations} operations`;
    case "applied":
      return `client ${event.client} session ${event.session} bundle ${event.number}`;
    case "checkpoint":
    case "stable":
    case "transfer":
      return `order ${event.order}`;
    case "view":
    case "suspect":
      return `view ${event.view}`;
    case "mute":
    case "dropped":
      return "";
  }
  return unreachable(event);
}
