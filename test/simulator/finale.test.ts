// The end of a run, in which any replicas that are not faulty must be enough, and what a replica
// must not forget when it restarts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hybsterMutants, protocolWith } from "../../mutants/index.js";
import type { Protocol } from "../../src/core/index.js";
import { hybster } from "../../src/protocols/index.js";
import {
  type FinalePlan,
  finaleRounds,
  planOf,
  type SeedOptions,
  simulateSeed,
  type TraceEvent,
} from "../../src/simulator/index.js";
import { toyProtocol } from "./toy-protocol.js";
import { countingService, countingWorkload } from "./toy-service.js";

const optionsOf = (seed: number, protocol: Protocol = hybster.hybster, n = 3): SeedOptions => ({
  protocol,
  service: countingService,
  workload: countingWorkload,
  n,
  seed,
});

const finale: FinalePlan = {
  rounds: 3,
  order: [1, 2, 0],
  restart: false,
  bundles: 2,
  withinMs: 10_000,
};

/** A run in which nothing goes wrong before the finale. */
function run(last: FinalePlan, protocol: Protocol = hybster.hybster) {
  const events: TraceEvent[] = [];
  const options = { ...optionsOf(1, protocol), faults: [] };
  const outcome = simulateSeed({
    ...options,
    plan: { ...planOf(options), finale: last },
    trace: (event) => void events.push(event),
  });
  const when = (what: string) =>
    events.flatMap((event) => (event.kind === "happened" && event.what === what ? [event] : []));
  return { outcome, when };
}

test("one replica after the other is down, and comes back when the next one goes", () => {
  const { outcome, when } = run(finale);
  assert.deepEqual(outcome.violations, []);
  assert.deepEqual(
    when("finale").map(({ details }) => details),
    ["without replica 1", "without replica 2", "without replica 0"],
  );
  assert.deepEqual(
    when("crash").map(({ at }) => at),
    [1, 2, 0],
  );
  assert.deepEqual(
    when("restart").map(({ at }) => at),
    [1, 2],
  );
  const { clients } = planOf({ ...optionsOf(1), faults: [] });
  assert.equal(
    when("answer: executed").length,
    clients.correct * (clients.bundles + 3 * finale.bundles),
  );
});

test("the others restart as a round begins, if they are to", () => {
  const { outcome, when } = run({ ...finale, rounds: 1, restart: true });
  assert.deepEqual(outcome.violations, []);
  assert.deepEqual(
    when("crash").map(({ at }) => at),
    [1, 0, 2],
  );
  assert.deepEqual(
    when("restart").map(({ at }) => at),
    [0, 2],
  );
});

test("who cannot do without one replica is found out", () => {
  const { outcome } = run({ ...finale, order: [1, 0, 2] }, toyProtocol(null));
  assert.equal(outcome.violations.length, 1);
  assert.match(outcome.violations[0]!.message, /clients wait 10000 ms after replica 0 stopped/);
});

test("no round has more replicas down than may be faulty, and liars are among them", () => {
  let several = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const plan = planOf(optionsOf(seed, hybster.hybster, 5));
    const rounds = finaleRounds(plan);
    assert.equal(rounds.length === 0, plan.calmMs !== null);
    if (rounds.length > 1) several++;
    for (const down of rounds) {
      assert.ok(new Set(down).size === down.length && down.length <= plan.f);
      for (const { replica } of plan.liars) assert.ok(down.includes(replica));
    }
  }
  assert.ok(several > 20, `${several} of 200 have several rounds`);
});

test("a replica that restarts knows its view and its checkpoint", async () => {
  for (const name of ["established-not-retained", "stable-not-retained"]) {
    const protocol = await protocolWith(
      hybsterMutants[name as keyof typeof hybsterMutants],
      "hybster",
    );
    const found = [11, 14, 25, 34].flatMap(
      (seed) => simulateSeed(optionsOf(seed, protocol)).violations,
    );
    assert.ok(
      found.some(({ message }) => message.includes("lost no write")),
      name,
    );
  }
});
