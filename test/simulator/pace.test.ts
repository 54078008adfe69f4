// Clients that keep their pace submit all through a run; the others as soon as they are answered.

import assert from "node:assert/strict";
import { test } from "node:test";
import { protocolNamed } from "../../src/protocols/index.js";
import { planOf, simulateSeed } from "../../src/simulator/index.js";
import { countingService, countingWorkload } from "./toy-service.js";

const options = {
  protocol: protocolNamed("hybster"),
  service: countingService,
  workload: countingWorkload,
  n: 3,
  faults: [],
  seed: 1,
};

/** When operations were submitted, as fractions of the time until the last one. */
function submissions(paced: boolean): number[] {
  const drawn = planOf(options);
  const clients = { ...drawn.clients, correct: 2, bundles: 40, outstanding: 1, operationsMax: 1 };
  const plan = { ...drawn, healMs: 4000, clients: { ...clients, thinkMs: 90, paced } };
  const times: number[] = [];
  const { violations } = simulateSeed({
    ...options,
    plan,
    history: (calls) => times.push(...calls.map(({ invokedMs }) => invokedMs / plan.healMs)),
  });
  assert.deepEqual(violations, []);
  assert.equal(times.length, 80, "all are submitted, whatever the pace");
  return times;
}

const within = (times: readonly number[], from: number, until: number): number =>
  times.filter((time) => time >= from && time < until).length;

test("paced clients take their time from one bundle to the next", () => {
  const times = submissions(true);
  assert.ok(within(times, 0, 0.3) < 40);
  assert.ok(within(times, 0.3, 0.6) > 15);
});

test("the others are through as soon as they are answered", () => {
  const times = submissions(false);
  assert.ok(within(times, 0, 0.3) > 70);
});
