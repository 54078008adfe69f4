// `--minimise`: shrinks a failing run, says how far it is, and keeps what it found in a file.

import { setImmediate } from "node:timers/promises";
import { minimise, type Property, type Shrinking } from "../../simulator/index.js";
import { ProgressLine } from "../progress-line.js";
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
  const line = new ProgressLine(200);
  let messages = 0;
  let pausedAtMs = 0;
  for (;;) {
    const { done, value } = shrinking.next();
    if (done === true) {
      line.clear();
      return { run: { ...run, ...value }, messages };
    }
    messages = value.messages;
    line.show(() => progress(value));
    if (performance.now() - pausedAtMs < 200) continue;
    await setImmediate(); // a signal may come in
    pausedAtMs = performance.now();
  }
}

const progress = ({ stage, runs, messages }: Shrinking): string =>
  `minimising the ${stage}: ${messages} messages left, ${quantity(runs)} runs tried`;
