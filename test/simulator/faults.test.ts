// The faults of a run: each really happens when it is drawn and is not drawn when it is not wanted,
// and a replica that lost its memory is treated as the threat model says.

import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "../../src/core/index.js";
import { protocolNamed } from "../../src/protocols/index.js";
import {
  describeFaults,
  describePlan,
  type Fault,
  faultKinds,
  faults,
  faultsNamed,
  type Outcome,
  type Plan,
  planOf,
  simulateSeed,
  type TraceEvent,
} from "../../src/simulator/index.js";
import { countingService, countingWorkload } from "./toy-service.js";

const optionsOf = (wanted: readonly Fault[], seed: number, n = 3) => ({
  protocol: protocolNamed("hybster"),
  service: countingService,
  workload: countingWorkload,
  n,
  seed,
  faults: wanted,
});

/** What some faults need beside them to happen. */
const needs: Partial<Record<Fault, readonly Fault[]>> = {
  "lost-writes": ["crashes"],
  "torn-writes": ["crashes"],
};

const seedsMax = 60;

for (const fault of faults) {
  test(`${fault} happen, and the run is clean`, () => {
    const { mark } = faultKinds[fault];
    for (let seed = 1; seed <= seedsMax; seed++) {
      const outcome = simulateSeed(optionsOf([fault, ...(needs[fault] ?? [])], seed));
      assert.deepEqual(outcome.violations, [], `seed ${seed}`);
      if ((outcome.reached[mark] ?? 0) > 0) return;
    }
    assert.fail(`"${mark}" is not reached by ${seedsMax} seeds`);
  });
}

test("nothing goes wrong where nothing is wanted to", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { reached, violations } = simulateSeed(optionsOf([], seed));
    assert.deepEqual(violations, []);
    for (const fault of faults) assert.equal(reached[faultKinds[fault].mark], undefined, fault);
  }
});

test("faults are named alone or in groups; an unknown name is answered with all of them", () => {
  assert.deepEqual(faultsNamed("none"), []);
  assert.deepEqual(faultsNamed("crashes, clocks"), ["crashes", "clock-drift", "clock-jumps"]);
  for (const list of ["crashes,cashes", "", "network,none", "toString"]) {
    assert.throws(
      () => faultsNamed(list),
      (error) => error instanceof UsageError && error.message.includes(describeFaults()),
    );
  }
  for (const fault of faults) assert.ok(describeFaults().includes(fault));
});

test("some runs have few faults, few have most; liars and lost memories are f at most", () => {
  const lines: number[] = [];
  for (let seed = 1; seed <= 300; seed++) {
    for (const n of [3, 5]) {
      const plan = planOf(optionsOf(faults, seed, n));
      const liars = plan.liars.map(({ replica }) => replica);
      const damaged = plan.disk.damages.map(({ replica }) => replica);
      const faulty = new Set([...liars, ...damaged]);
      assert.equal(faulty.size, liars.length + damaged.length);
      assert.ok(faulty.size <= plan.f);
      for (const { replica } of plan.crashes) assert.ok(!liars.includes(replica));
      assert.deepEqual(structuredClone(plan), plan);
      lines.push(describePlan(plan).length);
    }
  }
  lines.sort((a, b) => a - b);
  assert.ok(lines[60]! <= 6 && lines[300]! <= 16 && lines[540]! >= 14, lines.join());
});

/** A run whose plan has nothing but what is given, and what happened in it. */
function run(change: (plan: Plan) => Partial<Plan>): {
  readonly outcome: Outcome;
  readonly events: readonly TraceEvent[];
} {
  const options = optionsOf([], 3);
  const drawn = planOf(options);
  const clients = { ...drawn.clients, correct: 3, bundles: 20, outstanding: 4, thinkMs: 20 };
  const limits = { ...drawn.limits, sessionWindow: 4, checkpointOrders: 16, pipeline: 4 };
  const timing = { ...drawn.timing, statusMs: 20, patienceMs: 150 };
  const plan = { ...drawn, clients, limits, timing, syncMs: 2, turnMs: 0.1 };
  const events: TraceEvent[] = [];
  const trace = (event: TraceEvent) => void events.push(event);
  const outcome = simulateSeed({ ...options, trace, plan: { ...plan, ...change(plan) } });
  assert.deepEqual(outcome.violations, []);
  return { outcome, events };
}

const happenedAt = (events: readonly TraceEvent[], what: string, at: number | null): number[] =>
  events
    .filter((event) => event.kind === "happened" && event.what === what && event.at === at)
    .map(({ atMs }) => atMs);

const receivedAt = (events: readonly TraceEvent[], party: number): number[] =>
  events.filter((event) => event.kind === "received" && event.at === party).map(({ atMs }) => atMs);

test("who pauses takes nothing, and then all that came meanwhile", () => {
  for (const party of [1, 3]) {
    const pauses = [{ party, atMs: 50, forMs: 180 }];
    const { events } = run(() => ({ pauses, healMs: 400 }));
    const times = receivedAt(events, party);
    assert.ok(times.some((at) => at < 50) && times.some((at) => at > 230));
    assert.deepEqual(
      times.filter((at) => at > 50 && at < 230),
      [],
    );
    if (party === 1) assert.ok(times.filter((at) => at === 230).length > 3, "in a heap");
  }
});

test("a power cut stops all replicas at once, and all come back", () => {
  const { events } = run(() => ({ powerCuts: [{ atMs: 100, downMs: 50 }], healMs: 400 }));
  for (const replica of [0, 1, 2]) {
    assert.deepEqual(happenedAt(events, "crash", replica), [100]);
    assert.equal(happenedAt(events, "restart", replica).length, 1);
  }
});

test("a replica in a crash loop comes up in the end", () => {
  const crash = { replica: 1, atMs: 60, afterEffects: null, atRisk: 0, downMs: 20 };
  const crashes = [{ ...crash, again: 3, againEffects: 1 }];
  const { events, outcome } = run(() => ({ crashes, healMs: 400 }));
  assert.equal(outcome.reached["crash at the start"], 3);
  assert.equal(happenedAt(events, "crash", 1).length, 4);
});

test("a lost disk leaves a replica mute: it follows and answers, and does not vote", () => {
  const damages = [{ replica: 1, atMs: 200, kind: "lost", downMs: 20 }] as const;
  const { events, outcome } = run(({ disk }) => ({ disk: { ...disk, damages }, healMs: 400 }));
  assert.equal(outcome.reached["restart without a journal"], 1);
  assert.equal(happenedAt(events, "mute", 1).length, 1);
  const [lostMs] = happenedAt(events, "disk lost", 1);
  const sent = events.filter(
    (event) => event.kind === "sent" && event.from === 1 && event.atMs > lostMs!,
  );
  // What others certified it may pass on.
  const said = new Set(
    sent.map((event) => {
      const { message } = event as Extract<TraceEvent, { kind: "sent" }>;
      const attestation = message?.["attestation"] as { instance?: number } | undefined;
      return attestation === undefined || attestation.instance === 1 ? message?.kind : "";
    }),
  );
  assert.ok(said.has("reply") && said.has("status"), [...said].join());
  for (const vote of ["prepare", "commit", "view-change"]) assert.ok(!said.has(vote), vote);
});

test("damage stops the next start; an empty folder then leaves the replica mute", () => {
  const crash = { replica: 1, atMs: 250, afterEffects: null, atRisk: 0, downMs: 30 };
  for (const kind of ["corrupt", "unreadable"] as const) {
    const { events } = run(({ disk }) => ({
      disk: { ...disk, damages: [{ replica: 1, atMs: 150, kind, downMs: 40 }] },
      crashes: [{ ...crash, again: 0, againEffects: 0 }],
      compactionChance: 0,
      healMs: 400,
    }));
    assert.deepEqual(happenedAt(events, "damage found", 1), [280]);
    assert.deepEqual(happenedAt(events, "restart", 1), [280, 320]);
    assert.equal(happenedAt(events, "mute", 1).length, 1);
  }
});

test("a slow disk delays what must be durable; a slow replica is busy with each message", () => {
  const spell = { replica: 0, fromMs: 100, untilMs: 300 };
  const slowDisk = run(({ disk }) => ({
    disk: { ...disk, spells: [{ ...spell, syncMs: 1000 }] },
    healMs: 400,
  }));
  const carried = ({ events }: { readonly events: readonly TraceEvent[] }) =>
    events.filter(
      (event) =>
        event.kind === "sent" &&
        event.from === 0 &&
        event.text.startsWith("prepare") &&
        event.atMs > 130 &&
        event.atMs < 295,
    ).length;
  assert.ok(carried(run(() => ({ healMs: 400 }))) > 0);
  assert.equal(carried(slowDisk), 0);
  const slow = run(() => ({ slow: [{ ...spell, messageMs: 2 }], healMs: 400 }));
  const times = receivedAt(slow.events, 0).filter((at) => at > 110 && at < 290);
  const turns = [...new Set(times)];
  assert.ok(turns.length > 5);
  for (const [index, next] of turns.slice(1).entries()) {
    const messages = times.filter((at) => at === turns[index]).length;
    assert.ok(next - turns[index]! >= 2 * messages - 1e-9, `${messages} messages, then ${next}`);
  }
});

test("a fast clock makes timers fire early, one that jumps back late", () => {
  const clock = (rate: number, byMs: number) => ({
    clocks: [{ replica: 2, offsetMs: 5, rate, jumps: [{ atMs: 100, byMs }] }],
    healMs: 400,
  });
  const ticks = (rate: number, byMs: number): number[] =>
    happenedAt(run(() => clock(rate, byMs)).events, "timeout status", 2).filter((at) => at < 400);
  const usual = ticks(1, 0).length;
  assert.ok(Math.abs(ticks(2, 0).length - 2 * usual) <= 1);
  assert.ok(!ticks(1, -200).some((at) => at > 200 && at < 300), "it stands still");
  assert.ok(
    ticks(1, 150).some((at) => at === 100),
    "due at once",
  );
});
