// The rules of leases under attack: no schedule lets two lives of an instance certify at one
// position, and with any rule taken out some schedule does.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { LeaseRules } from "../../src/simulator/index.js";
import { attack } from "./lease-attack.js";
import { leaseBugs } from "./lease-bugs.js";

const three = { n: 3, f: 1, steps: 100 };
const five = { n: 5, f: 2, steps: 100 };

test("no two lives of an instance may certify at one position", () => {
  for (const [group, schedules] of [
    [three, 400],
    [five, 120],
  ] as const) {
    let activations = 0;
    for (let seed = 1; seed <= schedules; seed++) {
      const result = attack(group, seed);
      assert.equal(result.violation, null, `n = ${group.n}, seed ${seed}`);
      activations += result.activations;
    }
    assert.ok(activations > schedules / 2, `only ${activations} lives came back`);
  }
});

/** The group in which a broken rule shows, and by which seed it does. */
const found = {
  CountsItself: [three, 50],
  GrantsItself: [three, 50],
  CountsSuperseded: [three, 600],
  ServesSuperseded: [three, 50],
  TakesOldAnswers: [three, 600],
  AnswersInactive: [three, 100],
  ResumesBelow: [three, 50],
  ForgetsOthers: [three, 600],
  AsksUnrecorded: [three, 600],
} as const satisfies Record<keyof typeof leaseBugs, readonly [typeof three, number]>;

for (const [name, rules] of Object.entries(leaseBugs) as [keyof typeof found, LeaseRules][]) {
  test(`a broken rule is found: ${name}`, () => {
    const [group, seedsMax] = found[name];
    let seed = 1;
    while (seed <= seedsMax && attack(group, seed, rules).violation === null) seed++;
    assert.ok(seed <= seedsMax, `not within ${seedsMax} schedules`);
  });
}
