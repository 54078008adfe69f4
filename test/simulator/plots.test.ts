// Plots, crashes in view changes, and calm runs with liars or without their first leader: what
// shows mistakes that a run full of faults hides.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hybsterMutants, protocolWith } from "../../mutants/index.js";
import { hybsterLies } from "../../src/adversaries/index.js";
import type { Protocol } from "../../src/core/index.js";
import { hybster } from "../../src/protocols/index.js";
import {
  type Call,
  type Plan,
  planOf,
  type SeedOptions,
  simulateSeed,
  type TraceEvent,
  type Watch,
} from "../../src/simulator/index.js";
import { countingService, countingWorkload } from "./toy-service.js";

const optionsOf = (seed: number, protocol: Protocol = hybster.hybster): SeedOptions => ({
  protocol,
  service: countingService,
  workload: countingWorkload,
  n: 3,
  lies: hybsterLies,
  seed,
});

const seedsWith = (isMeant: (plan: Plan) => boolean): number[] =>
  Array.from({ length: 400 }, (_, seed) => seed).filter((seed) => isMeant(planOf(optionsOf(seed))));

/** A run in which nothing goes wrong, but for what is given. */
function run(change: (plan: Plan) => Partial<Plan>) {
  const events: TraceEvent[] = [];
  let calls: readonly Call[] = [];
  const options = { ...optionsOf(1), faults: [] };
  const drawn = planOf(options);
  const clients = { ...drawn.clients, correct: 2, bundles: 20, outstanding: 3, thinkMs: 20 };
  const plan = { ...drawn, clients, healMs: 400, syncMs: 1 };
  const outcome = simulateSeed({
    ...options,
    plan: { ...plan, ...change(plan) },
    trace: (event) => void events.push(event),
    history: (all) => (calls = all),
  });
  assert.deepEqual(outcome.violations, []);
  return { events, calls };
}

/** The properties that the first of the seeds that breaks any breaks. */
function violated(seeds: readonly number[], protocol: Protocol): string[] {
  const watch: Watch = ({ violations }) => (violations.length > 0 ? "stop" : "go on");
  for (const seed of seeds) {
    const { violations } = simulateSeed({ ...optionsOf(seed, protocol), watch });
    if (violations.length > 0) return violations.map(({ property }) => property);
  }
  return [];
}

const happenedAt = (events: readonly TraceEvent[], what: string, at: number): number[] =>
  events
    .filter((event) => event.kind === "happened" && event.what === what && event.at === at)
    .map(({ atMs }) => atMs);

test("clients take their time, however soon they are answered", () => {
  const { calls } = run(() => ({}));
  const late = calls.filter(({ invokedMs }) => invokedMs > 150 && invokedMs < 400);
  assert.ok(late.length > 5, `${late.length} calls in the second half`);
});

test("a crash in a view change waits for one", () => {
  const links = [1, 2, 3, 4].flatMap((other) => [
    { from: 0, to: other },
    { from: other, to: 0 },
  ]);
  const cut = { kind: "partitions", fromMs: 50, untilMs: 390, blocked: links } as const;
  const crash = {
    replica: 1,
    atMs: 10,
    afterEffects: 2,
    upon: "view" as const,
    atRisk: 0,
    downMs: 20,
  };
  const { events } = run(({ timing }) => ({
    timing: { ...timing, patienceMs: 60 },
    partitions: [cut],
    crashes: [{ ...crash, again: 0, againEffects: 1 }],
  }));
  const [crashed] = happenedAt(events, "crash", 1);
  assert.ok(crashed !== undefined && crashed > 100);
  const [left] = happenedAt(events, "view changing", 1);
  assert.ok(left !== undefined && Math.abs(left - crashed) < 30, `${left}, ${crashed}`);
});

test("a crash as a checkpoint becomes stable waits for one", () => {
  const crash = { replica: 1, atMs: 10, afterEffects: 1, upon: "stable" as const, atRisk: 0 };
  const { events } = run(({ limits }) => ({
    limits: { ...limits, checkpointOrders: 16 },
    crashes: [{ ...crash, downMs: 20, again: 0, againEffects: 1 }],
  }));
  const [crashed] = happenedAt(events, "crash", 1);
  const [stated] = happenedAt(events, "checkpoint", 2);
  assert.ok(crashed !== undefined && stated !== undefined && crashed > stated);
});

test("a good part of all runs are plots: one habit a liar, and no fault that hides it", () => {
  const isPlot = ({ clients, calmMs }: Plan) => clients.askEveryone === true && calmMs === null;
  const plots = seedsWith(isPlot);
  assert.ok(plots.length > 100 && plots.length < 200);
  for (const seed of plots) {
    const { liars, disk, clients, f } = planOf(optionsOf(seed));
    assert.ok(liars.length <= f && disk.damages.length + clients.lying === 0);
  }
});

test("liars that do not lead disturb nobody, unless replicas leave their views alone", async () => {
  const isMeddled = ({ calmMs, liars }: Plan) => calmMs !== null && liars.length > 0;
  const seeds = seedsWith(isMeddled).slice(0, 4);
  assert.deepEqual(violated(seeds, hybster.hybster), []);
  const mutant = hybsterMutants["lonely-suspicion"];
  assert.notDeepEqual(violated(seeds, await protocolWith(mutant, "hybster")), []);
});

test("a leader that stops costs one view change, and clients no more than that", async () => {
  const seeds = seedsWith(({ calmMs, crashes }) => calmMs !== null && crashes.length > 0);
  assert.ok(seeds.length > 2 && seeds.length < 20, `${seeds.length} of 400`);
  assert.deepEqual(violated(seeds, hybster.hybster), []);
  const mutant = hybsterMutants["own-commit-uncounted"];
  assert.deepEqual(violated(seeds, await protocolWith(mutant, "hybster"))[0], "calm");
});
