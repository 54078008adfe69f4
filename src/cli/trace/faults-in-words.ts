// A plan's faults as sentences. Plans are plain data, and are read as such: a fault that is added
// to them is told without a word here.

import type { Plan } from "../../simulator/index.js";

/** What a plan is made of that is no fault. */
const notFaults = new Set(["n", "f", "limits", "timing", "clientAuthentication", "livenessMs"]);
/** Lists longer than this are told by their number. */
const listedMax = 6;

/** A sentence for every part of the plan that disturbs the run. */
export function faultsInWords(plan: Plan): string[] {
  const sentences: string[] = [];
  for (const [name, value] of Object.entries(plan)) {
    if (notFaults.has(name) || isNothing(value)) continue;
    if (Array.isArray(value)) {
      for (const one of value) sentences.push(`${words(name)}: ${inWords(one)}`);
    } else if (typeof value === "object") sentences.push(`${words(name)}: ${inWords(value)}`);
    else sentences.push(`${words(name)}: ${amount(name, value as number)}`);
  }
  return sentences;
}

const isNothing = (value: unknown): boolean =>
  value === null || value === 0 || value === false || (Array.isArray(value) && value.length === 0);

/** `retryMs` → "retry", `lossChance` → "loss". */
const words = (name: string): string =>
  name.replace(/(?:Ms|Chance)$/, "").replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function amount(name: string, value: unknown): string {
  if (typeof value !== "number") return String(value);
  if (name.endsWith("Ms")) return `${Number(value.toFixed(1))} ms`;
  if (name.endsWith("Chance")) return `${Number((100 * value).toFixed(1))} %`;
  return String(Number(value.toFixed(3)));
}

function inWords(value: unknown): string {
  if (Array.isArray(value)) {
    if (value.length > listedMax) return `${value.length} of them`;
    return value.map(inWords).join(", ");
  }
  if (typeof value !== "object" || value === null) return String(value);
  const link = value as { from?: unknown; to?: unknown };
  if (Object.keys(value).length === 2 && "from" in link && "to" in link) {
    return `${String(link.from)}→${String(link.to)}`;
  }
  return Object.entries(value)
    .filter(([, field]) => !isNothing(field))
    .map(([name, field]) =>
      typeof field === "object"
        ? `${words(name)} ${inWords(field)}`
        : `${words(name)} ${amount(name, field)}`,
    )
    .join(", ");
}
