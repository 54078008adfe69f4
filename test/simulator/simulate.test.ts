// The simulator on a toy protocol: it replays, its faults really happen, and it finds what is
// planted.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addReached,
  type Fault,
  faults,
  type Outcome,
  type Property,
  planOf,
  simulateSeed,
  type TraceEvent,
} from "../../src/simulator/index.js";
import { type Bug, toyProtocol } from "./toy-protocol.js";
import { countingService, countingWorkload } from "./toy-service.js";

/** The toy has a fixed leader: no replica may lie, or lose its journal. */
const beyond: readonly Fault[] = ["lies", "rollbacks", "lost-disks", "damaged-records"];
const honest = faults.filter((fault) => !beyond.includes(fault));

const options = (bug: Bug | null = null, n = 3) => ({
  protocol: toyProtocol(bug),
  service: countingService,
  workload: countingWorkload,
  n,
  faults: honest,
});

/** Without a finale, in which its leader would stop. */
const run = (bug: Bug | null, seeds: number, n = 3): Outcome[] =>
  Array.from({ length: seeds }, (_, index) => {
    const one = { ...options(bug, n), seed: index + 1 };
    return simulateSeed({ ...one, plan: { ...planOf(one), finale: null } });
  });

test("a correct protocol passes under crashes, partitions and a faulty network", () => {
  for (const n of [3, 5]) {
    for (const { seed, violations } of run(null, 60, n)) {
      assert.deepEqual(violations, [], `seed ${seed} at n = ${n}`);
    }
  }
});

test("one seed is one run: the same fingerprint, steps, and trace", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const lines: TraceEvent[][] = [[], []];
    const [first, second] = lines.map((into) =>
      simulateSeed({ ...options(), seed, trace: (line) => into.push(line) }),
    );
    assert.deepEqual(first, second);
    assert.deepEqual(lines[0], lines[1]);
    assert.notEqual(first!.fingerprint, simulateSeed({ ...options(), seed: seed + 1 }).fingerprint);
  }
});

test("a trace changes nothing", () => {
  const seed = 7;
  const silent = simulateSeed({ ...options(), seed });
  assert.deepEqual(simulateSeed({ ...options(), seed, trace: () => {} }), silent);
});

test("the faults really happen", () => {
  const reached: Record<string, number> = {};
  for (const outcome of run(null, 40)) addReached(reached, outcome.reached);
  const names = ["lost", "blocked", "duplicated", "crash", "crash that lost writes", "restart"];
  for (const name of [...names, "retry", "lie of a client", "dropped: forged request"]) {
    assert.ok((reached[name] ?? 0) > 0, `${name} never happened: ${JSON.stringify(reached)}`);
  }
});

const planted: readonly (readonly [Bug, readonly Property[]])[] = [
  ["skips-persist", ["agreement", "durability", "exactly-once"]],
  ["forgets-replies", ["exactly-once"]],
  ["never-resends", ["liveness"]],
  ["lies-about-state", ["state-equality", "equal-answers"]],
  ["skips-a-bundle", ["durability"]],
  ["throws", ["never-throws"]],
];

for (const [bug, properties] of planted) {
  test(`finds the planted bug ${bug}`, () => {
    const found = run(bug, 40).flatMap(({ violations }) => violations);
    const names = new Set(found.map(({ property }) => property));
    assert.ok(
      properties.some((property) => names.has(property)),
      [...names].join(),
    );
  });
}
