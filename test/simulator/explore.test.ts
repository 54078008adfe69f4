// The explorer: it sees every schedule, its reductions change nothing, and it finds what is
// planted.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Protocol, UsageError } from "../../src/core/index.js";
import { protocolNamed } from "../../src/protocols/index.js";
import {
  Exploration,
  type ExploreOptions,
  type Reductions,
  type Report,
} from "../../src/simulator/index.js";
import { hybsterMutants, type Mutant, protocolWith } from "../../mutants/index.js";
import { toyProtocol } from "./toy-protocol.js";
import { countingService } from "./toy-service.js";

const hybster = protocolNamed("hybster");
const operation = new Uint8Array([1]);

const optionsOf = (changes: Partial<ExploreOptions> = {}): ExploreOptions => ({
  protocol: hybster,
  service: countingService,
  n: 3,
  requests: [{ client: 0, operation }],
  ...changes,
});

const explore = (changes: Partial<ExploreOptions> = {}): Report =>
  new Exploration(optionsOf(changes)).finish();

function assertClean(report: Report): void {
  assert.equal(report.violation?.message, undefined);
  assert.deepEqual(report.missed, []);
  assert.ok(report.complete);
  assert.ok(report.continuations > 0);
}

test("one request, whatever arrives when", () => {
  assertClean(
    explore({ sometimes: ["executed order 1", "enough equal answers to bundle 1 of client 0"] }),
  );
});

test("one request and one crash of any replica", () => {
  const crashes = { replicas: [0, 1, 2], times: 1 };
  assertClean(explore({ faults: { crashes }, sometimes: ["a replica crashed and restarted"] }));
});

test("two requests and a leader that is two", () => {
  const requests = [0, 1].map((client) => ({ client, operation }));
  assertClean(explore({ requests, faults: { twins: 0 }, sometimes: ["a liar: executed order 2"] }));
});

test("a view change away from a silent leader", () => {
  const report = explore({
    timers: { patience: 1 },
    faults: { silent: [0] },
    bounds: { continuations: 20 },
    sometimes: ["view 1 established", "executed order 1"],
  });
  assertClean(report);
});

/** Two clients whose requests reach different replicas first. */
const rivals: Partial<ExploreOptions> = {
  requests: [
    { client: 0, operation, to: [0] },
    { client: 1, operation, to: [1, 2] },
  ],
  timers: { patience: [0, 1, 1] },
};

const small: readonly (readonly [string, Partial<ExploreOptions>])[] = [
  ["one request", {}],
  ["a crash", { faults: { crashes: { replicas: [0, 1], times: 1 } } }],
  ["twins", { faults: { twins: 2 } }],
  ["a leader that is two", { faults: { twins: 0 } }],
  [
    "a silent leader",
    {
      timers: { patience: 1 },
      faults: { silent: [0] },
      requests: [{ client: 0, operation, to: [1, 2] }],
    },
  ],
];

const outcomesOf = (changes: Partial<ExploreOptions>, reductions: Partial<Reductions>) => {
  const exploration = new Exploration(optionsOf({ ...changes, reductions, eventually: false }));
  const report = exploration.finish();
  assert.ok(report.complete);
  return { outcomes: [...exploration.outcomes()].sort(), report };
};

for (const [what, changes] of small) {
  test(`reductions change nothing that replicas do: ${what}`, () => {
    const all = outcomesOf(changes, {});
    const none = outcomesOf(changes, { sleep: false, quiet: false });
    assert.deepEqual(all.outcomes, none.outcomes);
    assert.ok(all.report.states < none.report.states);
    assert.deepEqual(outcomesOf(changes, { sleep: false }).outcomes, none.outcomes);
    const onlySleep = outcomesOf(changes, { quiet: false });
    assert.equal(onlySleep.report.states, none.report.states);
    assert.ok(onlySleep.report.transitions < none.report.transitions);
    assert.deepEqual(onlySleep.outcomes, none.outcomes);
  });
}

test("merging states by their fingerprints changes nothing that replicas do", () => {
  for (const changes of [{}, { faults: { twins: 1 } }]) {
    const merged = outcomesOf(changes, {});
    const unmerged = outcomesOf(changes, { merge: false, sleep: false, quiet: false });
    assert.deepEqual(merged.outcomes, unmerged.outcomes);
    assert.ok(merged.report.states < unmerged.report.states);
  }
});

const plants: readonly (readonly [Mutant, Partial<ExploreOptions>, RegExp])[] = [
  [hybsterMutants["quorum-of-one"], rivals, /agreement/],
  [
    hybsterMutants["acknowledgements-skipped"],
    { timers: { patience: 1 }, faults: { silent: [0] } },
    /eventually answered/,
  ],
  [
    hybsterMutants["no-view-change-retransmission"],
    { timers: { patience: 1 }, faults: { silent: [0] } },
    /eventually answered/,
  ],
  [
    hybsterMutants["no-relay"],
    { faults: { crashes: { replicas: [0], times: 1 } } },
    /eventually answered/,
  ],
];

for (const [bug, changes, property] of plants) {
  test(`a planted bug is found: ${bug.name}`, async () => {
    const protocol = await protocolWith(bug, "hybster");
    const { violation } = explore({ ...changes, protocol, bounds: { states: 3000 } });
    assert.match(violation?.property ?? "nothing", property);
    assert.ok(violation!.story.length > 0);
  });
}

test("a machine whose state cannot be read is refused", () => {
  const protocol = toyProtocol() as unknown as Protocol;
  const isHidden = (error: unknown) => error instanceof UsageError && error.code === "STATE_HIDDEN";
  assert.throws(() => explore({ protocol }), isHidden);
});

test("bounds end the search, which says so", () => {
  const deep = explore({ bounds: { depth: 2 } });
  assert.deepEqual([deep.complete, deep.cutBy, deep.depth], [false, "depth", 2]);
  const wide = explore({ ...rivals, bounds: { states: 50, continuations: 0 } });
  assert.deepEqual([wide.complete, wide.cutBy], [false, "states"]);
});

test("more faults than a protocol withstands are refused", () => {
  const faults = { twins: 0, silent: [1] };
  assert.throws(() => explore({ faults }), { name: "UsageError", code: "EXPLORATION_UNFIT" });
});
