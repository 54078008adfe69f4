// Rollback attacks (protocols.md §7.1 B2) on Hybster: hosts restart their trusted instances, keep
// the earlier lives and show old journals. Fail-stop and leases withstand it; believed storage and
// broken rules do not.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Freshness } from "../../src/core/index.js";
import { protocolNamed } from "../../src/protocols/index.js";
import {
  addReached,
  faults,
  type LeaseRules,
  type Outcome,
  planOf,
  Random,
  simulateSeed,
  withRollbacks,
} from "../../src/simulator/index.js";
import { leaseBugs } from "./lease-bugs.js";
import { countingService, countingWorkload } from "./toy-service.js";

const optionsOf = (n: number, seed: number) => ({
  protocol: protocolNamed("hybster"),
  service: countingService,
  workload: countingWorkload,
  n,
  seed,
});

/** One seed with all faults, in which hosts roll back instances of the freshness given. */
function attacked(freshness: Freshness, n: number, seed: number): Outcome {
  const options = optionsOf(n, seed);
  const drawn = planOf({ ...options, faults: faults.filter((fault) => fault !== "rollbacks") });
  return simulateSeed({
    ...options,
    plan: { ...withRollbacks(drawn, new Random(seed)), freshness },
  });
}

/** One liar that rolls back and is honest otherwise, and a network that only delays. */
function rollingOnly(seed: number, freshness: Freshness, rules?: LeaseRules): Outcome {
  const options = { ...optionsOf(3, seed), faults: ["reordering"] as const };
  const liars = [{ replica: 0, lies: [], garbleChance: 0, rollsBack: true }];
  const drawn = planOf(options);
  // Clients in a hurry: the more is asked for at once, the more a rollback may undo.
  const plan = { ...drawn, clients: { ...drawn.clients, paced: false }, liars, freshness };
  return simulateSeed({ ...options, plan, ...(rules === undefined ? {} : { rules }) });
}

for (const [freshness, n, seeds] of [
  ["fail-stop", 3, 10],
  ["leases", 3, 15],
  ["leases", 5, 2],
] as const) {
  test(`${freshness} withstands rollbacks at n = ${n}`, () => {
    const reached: Record<string, number> = {};
    for (let seed = 1; seed <= seeds; seed++) {
      const outcome = attacked(freshness, n, seed);
      assert.deepEqual(outcome.violations, [], `seed ${seed}`);
      addReached(reached, outcome.reached);
    }
    for (const name of ["rolled back", "executed", ...(n === 3 ? ["restart", "stable"] : [])]) {
      assert.ok((reached[name] ?? 0) > 0, `${name} was never reached`);
    }
  });
}

/** The first seed in which correct replicas executed different things. */
function firstDisagreement(seedsMax: number, run: (seed: number) => Outcome): number | undefined {
  for (let seed = 1; seed <= seedsMax; seed++) {
    if (run(seed).violations.some(({ property }) => property === "agreement")) return seed;
  }
  return undefined;
}

test("storage that is believed and rolled back loses agreement: it is an assumption", () => {
  assert.ok(firstDisagreement(80, (seed) => rollingOnly(seed, "storage")));
});

// Where to begin is found by hunting from seed 1 on.
for (const [name, first] of [
  ["CountsItself", 0],
  ["GrantsItself", 0],
  ["ServesSuperseded", 100],
] as const) {
  test(`leases with a rule taken out lose agreement: ${name}`, () => {
    const run = (seed: number): Outcome => rollingOnly(first + seed, "leases", leaseBugs[name]);
    assert.ok(firstDisagreement(100, run));
  });
}
