// What a run tells whoever watches it: every message, and everything that happened, in its order.

import { bundleOf } from "../codec/index.js";
import { type Instance, type Observation, type Tagged, toHex, unreachable } from "../core/index.js";
import type { Property } from "./judge.js";

/** Replicas, then clients: a number below n is a replica's. */
export type PartyNumber = number;

/** What JSON can say. */
export type Plain =
  | string
  | number
  | boolean
  | null
  | readonly Plain[]
  | { readonly [name: string]: Plain };

/** A decoded message as plain data: bytes as text, requests opened. */
export type PlainMessage = { readonly kind: string; readonly [name: string]: Plain };

/** What an event is about, by name: view, order, client, how long … */
export type Facts = { readonly [name: string]: string | number };

export type TraceEvent = { readonly atMs: number } & (
  | {
      readonly kind: "sent";
      /** Unique in the run; a message that arrives twice is received twice. */
      readonly id: number;
      readonly from: PartyNumber;
      readonly to: PartyNumber;
      /** Left out: the run's script goes without this message; see `SeedOptions.script`. */
      readonly fate: "carried" | "lost" | "blocked" | "left out";
      /** When it arrives, if it does. */
      readonly arrivesMs: number | null;
      /** See deliveries.ts. */
      readonly name: string;
      /** Null if the bytes are no message: the sender lied. */
      readonly message: PlainMessage | null;
      readonly bytes: number;
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
      readonly facts: Facts;
    }
  /** A checker found a property broken. */
  | {
      readonly kind: "violated";
      readonly property: Property;
      readonly message: string;
      /** Where it was seen; null if nowhere in particular. */
      readonly at: PartyNumber | null;
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
    case "violated":
      return `${time} VIOLATED ${event.property}: ${event.message}`;
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
    case "undone":
      return `${event.orders} after order ${event.order}`;
    case "view":
    case "suspect":
      return `view ${event.view}`;
    case "mute":
    case "dropped":
      return "";
  }
  return unreachable(event);
}

/** The numbers and words of an observation. */
export function factsOf(event: Observation): Facts {
  const facts: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(event)) {
    if (name === "event") continue;
    if (name === "instance") {
      const { space, slot } = value as Instance;
      facts[name] = `${space}.${slot}`;
      continue;
    }
    facts[name] = value instanceof Uint8Array ? bytesText(value) : (value as string | number);
  }
  return facts;
}

/** A message for people to read; `operation` says what one operation in a request is. */
export function plainMessage(
  message: Tagged,
  operation: (bytes: Uint8Array) => string,
): PlainMessage {
  return plain(message, operation) as PlainMessage;
}

function plain(value: unknown, operation: (bytes: Uint8Array) => string): Plain {
  if (value instanceof Uint8Array) return bytesText(value);
  if (Array.isArray(value)) return value.map((element: unknown) => plain(element, operation));
  if (typeof value !== "object" || value === null) return value as Plain;
  const fields: Record<string, Plain> = {};
  for (const [name, field] of Object.entries(value)) {
    const opened = name === "body" ? openedRequest(value, operation) : null;
    if (opened === null) fields[name] = plain(field, operation);
    else Object.assign(fields, opened);
  }
  return fields;
}

/** What the client asks in a request; null if that cannot be read. */
function openedRequest(
  request: object,
  operation: (bytes: Uint8Array) => string,
): Record<string, Plain> | null {
  const { body } = request as { body: unknown };
  if (!(body instanceof Uint8Array)) return null;
  const bundle = bundleOf({ body, authenticator: body });
  if (bundle === null) return null;
  return { ...bundle, operations: bundle.operations.map(operation) };
}

/** Bytes shown in full; more are cut. */
const bytesShown = 12;

/** Text if it is text; else hexadecimal digits, cut where they get long. */
export function bytesText(bytes: Uint8Array): string {
  if (bytes.length === 0) return "∅";
  if (bytes.every((byte) => byte >= 32 && byte < 127)) {
    return `"${String.fromCharCode(...bytes.subarray(0, 64))}${bytes.length > 64 ? "…" : ""}"`;
  }
  const hex = toHex(bytes.subarray(0, bytesShown));
  return bytes.length > bytesShown ? `${hex}… (${bytes.length} bytes)` : hex;
}
