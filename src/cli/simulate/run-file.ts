// A run in a file: what a seed alone no longer names, once it was minimised.

import { readFileSync, writeFileSync } from "node:fs";
import { UsageError } from "../../core/index.js";
import { type Plan, planOf, type Script } from "../../simulator/index.js";
import { optionsFor, type Subject } from "./seed-worker.js";

/** One run, named completely. */
export interface Run {
  readonly subject: Subject;
  readonly seed: number;
  readonly plan: Plan;
  /** The messages and timers that happen, and when; null: all, when network and clocks will. */
  readonly script: Script | null;
}

/** The run that a seed draws. */
export async function drawnRun(subject: Subject, seed: number): Promise<Run> {
  const options = await optionsFor(subject);
  return { subject, seed, plan: planOf({ ...options, seed }), script: null };
}

/** @throws UsageError `FILE_NOT_WRITTEN` */
export function writeRun(path: string, { subject, seed, plan, script }: Run): void {
  const { n: _, ...names } = subject;
  try {
    writeFileSync(path, `${JSON.stringify({ ...names, seed, plan, script }, null, 2)}\n`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError("FILE_NOT_WRITTEN", `cannot write ${path}: ${reason}`);
  }
}

/** Reads what {@link writeRun} wrote. @throws UsageError `PLAN_FILE`, with what is wrong in it */
export async function readRun(path: string): Promise<Run> {
  const wrong = (what: string): never => {
    throw new UsageError(
      "PLAN_FILE",
      `${path} is no run of the simulator: ${what}. Such a file is written by --minimise`,
    );
  };
  let file: Readonly<Record<string, unknown>>;
  try {
    file = JSON.parse(readFileSync(path, "utf8")) as typeof file;
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error));
  }
  const { protocol, service, seed, plan, script = null, ...rest } = (file ?? {}) as typeof file;
  if (typeof protocol !== "string") return wrong('"protocol" must be a name');
  if (typeof service !== "string") return wrong('"service" must be a name');
  if (!Number.isSafeInteger(seed) || (seed as number) < 0) return wrong('"seed" must be a number');
  const n = (plan as Partial<Plan> | undefined)?.n;
  if (!Number.isSafeInteger(n) || n! < 1 || n! > 64) return wrong('"plan.n" must be 1 to 64');
  if (!isScript(script)) return wrong('"script" must give times by name, or be null');
  const subject = { ...rest, protocol, service, n: n! } as Subject;
  const drawn = await drawnRun(subject, seed as number);
  const fault = faultOfShape(plan, drawn.plan, "plan");
  if (fault !== null) return wrong(fault);
  return { ...drawn, plan: { ...drawn.plan, ...(plan as Plan) }, script };
}

function isScript(value: unknown): value is Script | null {
  if (value === null) return true;
  if (kindOf(value) !== "an object") return false;
  return Object.values(value as object).every((atMs) => Number.isFinite(atMs) && atMs >= 0);
}

/** What a value lacks of the shape of a model; null if nothing. Lists may hold anything. */
function faultOfShape(value: unknown, model: unknown, path: string): string | null {
  if (model === null || model === undefined) return null;
  const kind = kindOf(model);
  if (kindOf(value) !== kind) return `"${path}" must be ${kind}`;
  if (kind === "a list" || kind !== "an object") return null;
  for (const [name, inner] of Object.entries(model)) {
    const field = (value as Readonly<Record<string, unknown>>)[name];
    const fault = faultOfShape(field, inner, `${path}.${name}`);
    if (fault !== null) return fault;
  }
  return null;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return value === null ? "null" : `a ${typeof value}`;
}
