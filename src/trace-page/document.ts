// What a trace page is made of: one run, as the command line writes it into the page.

import type { PlainMessage, TraceEvent } from "../simulator/index.js";

export interface Party {
  readonly name: string;
  /** Two letters, for small screens. */
  readonly short: string;
  readonly isReplica: boolean;
  /** It lies: what it is and does is not judged, and its state is not drawn. */
  readonly lies: boolean;
}

type Sent = Extract<TraceEvent, { kind: "sent" }>;

/** An event of the trace; a message's contents are a position in `TraceDocument.messages`. */
export type StoredEvent =
  | Exclude<TraceEvent, { kind: "sent" }>
  | (Omit<Sent, "message"> & { readonly message: number | null });

export interface TraceDocument {
  readonly title: string;
  /** What was simulated: names and values. */
  readonly subject: readonly (readonly [string, string])[];
  /** The plan's faults, a sentence each. */
  readonly faults: readonly string[];
  /** Replicas, then clients, by their numbers. */
  readonly parties: readonly Party[];
  readonly violations: readonly { readonly property: string; readonly message: string }[];
  /** Shown where there is no violation. */
  readonly summary: string;
  /** Replays the run and draws this page. */
  readonly command: string;
  readonly endMs: number;
  /** Contents of messages, each once: a broadcast sends one to many. */
  readonly messages: readonly PlainMessage[];
  readonly events: readonly StoredEvent[];
}
