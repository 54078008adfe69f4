// The simulation of Hybster: clean as it is, and not with one of its rules taken out.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Protocol } from "../../src/core/index.js";
import { protocolNamed } from "../../src/protocols/index.js";
import {
  addReached,
  type Fault,
  faults,
  lieNames,
  type Outcome,
  type Plan,
  planOf,
  type Property,
  type SeedOptions,
  simulateSeed,
} from "../../src/simulator/index.js";
import { hybsterMutants, type Mutant, protocolWith } from "../../mutants/index.js";
import { countingService, countingWorkload } from "./toy-service.js";

const optionsOf = (protocol: Protocol, n: number, seed: number): SeedOptions => ({
  protocol,
  service: countingService,
  workload: countingWorkload,
  n,
  seed,
});

test("seeds are clean, and reach what they are for", () => {
  const hybster = protocolNamed("hybster");
  const reached: Record<string, number> = {};
  for (const [n, seeds] of [
    [3, 60],
    [5, 15],
  ] as const) {
    for (let seed = 1; seed <= seeds; seed++) {
      const outcome = simulateSeed(optionsOf(hybster, n, seed));
      assert.deepEqual(outcome.violations, [], `seed ${seed} at n = ${n}`);
      addReached(reached, outcome.reached);
    }
  }
  for (const name of [
    "view established",
    "transfer finished",
    "restart from a snapshot",
    "crash that lost writes",
    "garbled",
    "dropped: forged attestation",
    "dropped: forged request",
    "dropped: malformed",
  ]) {
    assert.ok((reached[name] ?? 0) > 0, `${name} was never reached`);
  }
});

test("every lie is drawn", () => {
  const hybster = protocolNamed("hybster");
  const drawn = new Set<string>();
  for (let seed = 1; seed <= 3000; seed++) {
    for (const { lies } of planOf(optionsOf(hybster, 3, seed)).liars) {
      for (const name of lies) drawn.add(name);
    }
  }
  assert.deepEqual([...drawn].sort(), [...lieNames].sort());
});

/** The first seed with a violation of one of the properties, within a bound. */
function hunt(
  protocol: Protocol,
  seedsMax: number,
  properties: readonly Property[],
  change: (plan: Plan, seed: number) => Plan,
  wanted: readonly Fault[] = faults,
): Outcome | null {
  for (let seed = 1; seed <= seedsMax; seed++) {
    const options = { ...optionsOf(protocol, 3, seed), faults: wanted };
    const plan = change(planOf(options), seed);
    const outcome = simulateSeed({ ...options, plan });
    if (outcome.violations.some(({ property }) => properties.includes(property))) return outcome;
  }
  return null;
}

/** One replica has this habit and no other; it does not crash. */
const onlyLie =
  (name: string) =>
  (plan: Plan, seed: number): Plan => {
    const replica = seed % plan.n;
    const crashes = plan.crashes.filter((crash) => crash.replica !== replica);
    const disk = { ...plan.disk, damages: [] };
    return { ...plan, crashes, disk, liars: [{ replica, lies: [name], garbleChance: 0 }] };
  };
const asDrawn = (plan: Plan, _seed: number): Plan => plan;

/** What makes views change again and again. */
const unrest: readonly Fault[] = [
  "partitions",
  "one-way-links",
  "broken-links",
  "loss",
  "crashes",
  "reordering",
  "delays",
];

type Case = readonly [Mutant, number, readonly Property[], typeof asDrawn, (readonly Fault[])?];

const cases: readonly Case[] = [
  [hybsterMutants["quorum-of-one"], 60, ["agreement"], asDrawn],
  [hybsterMutants["replies-not-restored"], 60, ["state-equality", "exactly-once"], asDrawn],
  [hybsterMutants["acknowledgements-skipped"], 40, ["liveness", "agreement"], asDrawn],
  [hybsterMutants["coverage-unchecked"], 200, ["agreement"], onlyLie("conceal"), unrest],
];

for (const [bug, seedsMax, properties, change, wanted] of cases) {
  test(`finds the planted bug ${bug.name}`, async () => {
    const protocol = await protocolWith(bug, "hybster");
    assert.notEqual(hunt(protocol, seedsMax, properties, change, wanted), null);
  });
}
