// Rollback attacks (protocols.md §7.1 B2) on Hybster: hosts restart their trusted instances, keep
// the earlier lives and show old journals. Fail-stop and leases withstand it; believed storage and
// broken rules do not.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Freshness } from "../../src/core/index.js";
import { protocolNamed } from "../../src/protocols/index.js";
import {
  addReached,
  type LeaseRules,
  type Outcome,
  type Plan,
  planOf,
  Random,
  simulateSeed,
  withRollbacks,
} from "../../src/simulator/index.js";
import { leaseBugs } from "./lease-bugs.js";
import { countingService, countingWorkload } from "./toy-service.js";

/** One seed in which hosts roll back, with instances of the freshness given. */
function attacked(
  freshness: Freshness,
  n: number,
  seed: number,
  change: (plan: Plan) => Plan = (plan) => plan,
  rules?: LeaseRules,
): Outcome {
  const protocol = protocolNamed("hybster");
  const options = { protocol, service: countingService, workload: countingWorkload, n, seed };
  const drawn = planOf({ ...options, faults: ["network", "partitions", "crashes", "lies"] });
  const plan = change({ ...withRollbacks(drawn, new Random(seed)), freshness });
  return simulateSeed({ ...options, plan, ...(rules === undefined ? {} : { rules }) });
}

/** One liar that rolls back and is honest otherwise, in a calm network. */
function rollingOnly(plan: Plan): Plan {
  const liars = [{ replica: 0, lies: [], garbleChance: 0, rollsBack: true }];
  const network = { ...plan.network, lossChance: 0, lateChance: 0 };
  return { ...plan, liars, network, crashes: [], partitions: [] };
}

for (const [freshness, n, seeds] of [
  ["fail-stop", 3, 25],
  ["leases", 3, 40],
  ["leases", 5, 4],
] as const) {
  test(`${freshness} withstands rollbacks at n = ${n}`, () => {
    const reached: Record<string, number> = {};
    for (let seed = 1; seed <= seeds; seed++) {
      const outcome = attacked(freshness, n, seed);
      assert.deepEqual(outcome.violations, [], `seed ${seed}`);
      addReached(reached, outcome.reached);
    }
    for (const name of ["rolled back", "restart", "view established", "stable"]) {
      assert.ok((reached[name] ?? 0) > 0, `${name} was never reached`);
    }
  });
}

/** The first seed in which correct replicas executed different things. */
function firstDisagreement(
  seedsMax: number,
  run: (seed: number) => Outcome,
): number | undefined {
  for (let seed = 1; seed <= seedsMax; seed++) {
    if (run(seed).violations.some(({ property }) => property === "agreement")) return seed;
  }
  return undefined;
}

test("storage that is believed and rolled back loses agreement: it is an assumption", () => {
  assert.ok(firstDisagreement(80, (seed) => attacked("storage", 3, seed, rollingOnly)));
});
