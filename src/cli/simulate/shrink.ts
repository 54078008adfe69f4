// `--minimise`: shrinks a failing run, says how far it is, and keeps what it found in a file.

import { setImmediate } from "node:timers/promises";
import { minimise, type Property, type Shrinking } from "../../simulator/index.js";
import { quantity } from "../text.js";
import type { Run } from "./run-file.js";
import { optionsFor } from "./seed-worker.js";

/** Steps of all runs tried together: some minutes at most, and the same on every machine. */
const stepsMax = 20_000_000;

/** The smallest run found that violates the property, and the messages it takes. */
export async function shrink(
  run: Run,
  property: Property,
): Promise<{ readonly run: Run; readonly messages: number }> {
  const { subject, seed, plan, script } = run;
  const shrinking = minimise({
    ...(await optionsFor(subject)),
    seed,
    plan,
    ...(script === null ? {} : { script }),
    property,
    stepsMax,
  });
  let messages = 0;
  let shownAtMs = 0;
  for (;;) {
    const { done, value } = shrinking.next();
    if (done === true) {
      if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
      return { run: { ...run, ...value }, messages };
    }
    messages = value.messages;
    const now = performance.now();
    if (now - shownAtMs < 200) continue;
    shownAtMs = now;
    show(value);
    await setImmediate(); // a signal may come in
  }
}

function show({ stage, runs, messages }: Shrinking): void {
  if (!process.stderr.isTTY) return;
  const text = `minimising the ${stage}: ${messages} messages left, ${quantity(runs)} runs tried`;
  process.stderr.write(`\r\u001b[K${text}`);
}
