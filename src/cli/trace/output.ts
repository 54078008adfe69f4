// Where a run's trace goes: lines on the screen, events as JSON lines, or a page to look at.

import { writeFileSync } from "node:fs";
import type { Mutant } from "../../../mutants/index.js";
import { UsageError } from "../../core/index.js";
import {
  describePlan,
  lineOf,
  type Outcome,
  type Plan,
  type TraceEvent,
} from "../../simulator/index.js";
import type { Party, StoredEvent, TraceDocument } from "../../trace-page/index.js";
import { inlined } from "./inline.js";
import { shell } from "./page-shell.js";

/** What is traced, and how to have it again. */
export interface Traced {
  readonly protocol: string;
  /** The mistake in it; null if it is the product's. */
  readonly planted: Mutant | null;
  readonly service: string;
  readonly seed: number;
  readonly plan: Plan;
  /** Replays the run and writes its page. */
  readonly command: string;
}

/** Takes a run's events as they come, and writes what it makes of them when the run has ended. */
export interface TraceOutput {
  take(event: TraceEvent): void;
  finish(outcome: Outcome): void;
}

/** Refuses names that {@link traceOutput} makes nothing of. @throws UsageError `TRACE_ENDING` */
export function checkTraceName(to: string | boolean): void {
  if (typeof to === "boolean" || /\.(?:html|jsonl)$/.test(to)) return;
  throw new UsageError(
    "TRACE_ENDING",
    `--trace writes a page (.html) or events (.jsonl); "${to}" is neither; without it, it prints`,
  );
}

/** What is said of a mistake that a run has in its protocol. */
export const plantedText = ({ name, breaks }: Mutant): string =>
  `A mistake is planted, ${name}: ${breaks}.`;

/** The output for `--trace`: true for lines, or the name of a file. */
export function traceOutput(to: string | true, traced: Traced): TraceOutput {
  if (to === true) {
    const { n } = traced.plan;
    return { take: (event) => console.log(lineOf(event, n)), finish: () => {} };
  }
  const events: TraceEvent[] = [];
  const take = (event: TraceEvent): void => void events.push(event);
  if (to.endsWith(".jsonl")) {
    const text = () => events.map((event) => `${JSON.stringify(event)}\n`).join("");
    return { take, finish: () => write(to, text()) };
  }
  return { take, finish: (outcome) => write(to, pageOf(traced, outcome, events)) };
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError("FILE_NOT_WRITTEN", `cannot write ${path}: ${reason}`);
  }
}

/** A page draws so many events; a run that goes in circles has hundreds of thousands. */
const drawnMax = 20_000;

/** The page's whole text. */
export function pageOf(traced: Traced, outcome: Outcome, events: readonly TraceEvent[]): string {
  const page = documentOf(traced, outcome, events);
  const program = inlined(new URL("../../trace-page/index.js", import.meta.url));
  return shell(page.title, page, program);
}

/** That a page does not draw everything; no row where it does. */
function notDrawn(events: readonly TraceEvent[]): (readonly [string, string])[] {
  const left = events.length - drawnMax;
  if (left <= 0) return [];
  const fromMs = events[drawnMax]!.atMs.toFixed(0);
  return [["not drawn", `${left} events from ${fromMs} ms on: a trace to a .jsonl file has all`]];
}

function documentOf(
  { protocol, planted, service, seed, plan, command }: Traced,
  { violations, virtualMs, steps, fingerprint }: Outcome,
  all: readonly TraceEvent[],
): TraceDocument {
  const events = all.slice(0, drawnMax);
  const { n, f, clients } = plan;
  const contents = new Map<string, number>();
  const messages: TraceDocument["messages"][number][] = [];
  const stored = events.map((event): StoredEvent => {
    if (event.kind !== "sent") return event;
    if (event.message === null) return { ...event, message: null };
    const key = JSON.stringify(event.message);
    const known = contents.get(key) ?? messages.push(event.message) - 1;
    contents.set(key, known);
    return { ...event, message: known };
  });
  return {
    title: `${protocol}${planted === null ? "" : ` with ${planted.name}`}, seed ${seed}`,
    subject: [
      ["protocol", protocol],
      ...(planted === null
        ? []
        : [["planted mistake", `${planted.name}: ${planted.breaks}`] as const]),
      ["replicas", `${n}, of which ${f} may be faulty`],
      ["service", service],
      ["clients", `${clients.correct} correct, ${clients.lying} lying`],
      ["virtual time", `${virtualMs.toFixed(0)} ms in ${steps} steps`],
      ["network heals", `at ${plan.healMs.toFixed(0)} ms`],
      ["fingerprint", fingerprint],
      ...notDrawn(all),
    ],
    faults: describePlan(plan),
    parties: partiesOf(plan),
    violations,
    summary: "No property is violated.",
    command,
    endMs: all.length > drawnMax ? events.at(-1)!.atMs : virtualMs,
    messages,
    events: stored,
  };
}

function partiesOf({ n, clients, liars }: Plan): Party[] {
  const lying = new Set(liars.map(({ replica }) => replica));
  const replicas = Array.from({ length: n }, (_, number) => ({
    name: `replica ${number}`,
    short: `r${number}`,
    isReplica: true,
    lies: lying.has(number),
  }));
  const others = Array.from({ length: clients.correct + clients.lying }, (_, number) => ({
    name: `client ${number}`,
    short: `c${number}`,
    isReplica: false,
    lies: number >= clients.correct,
  }));
  return [...replicas, ...others];
}
