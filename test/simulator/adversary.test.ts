// Liars: what their counter gives them and what it does not, twins, seasons, a network that helps,
// and that no habit alone harms Hybster or the simulator.

import assert from "node:assert/strict";
import { test } from "node:test";
import { forging, liesFor } from "../../src/adversaries/index.js";
import { encodeBundle, type Request } from "../../src/codec/index.js";
import {
  absentIdentity,
  defaultLimits,
  defaultTiming,
  type ReplicaContext,
  type Tagged,
} from "../../src/core/index.js";
import { protocolNamed } from "../../src/protocols/index.js";
import type { HybsterMessage } from "../../src/protocols/hybster/index.js";
import { Coven } from "../../src/simulator/adversary/coven.js";
import { drawIntrigue, isIntercepted } from "../../src/simulator/adversary/intrigue.js";
import { Notary } from "../../src/simulator/adversary/notary.js";
import { isInSeason } from "../../src/simulator/adversary/season.js";
import {
  lieNames,
  LyingReplica,
  planOf,
  Random,
  type SeedOptions,
  simulateSeed,
  symbolicHash,
  trustedGroup,
} from "../../src/simulator/index.js";
import { countingService, countingWorkload } from "./toy-service.js";

const hybster = protocolNamed("hybster");
const own = liesFor("hybster");
const group = trustedGroup(new Random(1));

function contextOf(replica: number): ReplicaContext {
  return {
    replica,
    n: 3,
    f: 1,
    service: countingService(),
    counter: group.counter(replica),
    hash: symbolicHash,
    limits: defaultLimits,
    timing: defaultTiming,
    clientAuthentication: "trusted-mac",
    identity: absentIdentity,
    replicaAuthentication: null,
  };
}

const requestOf = (client: number): Request => ({
  body: encodeBundle({
    client,
    session: 1,
    number: 1,
    acknowledged: 0,
    operations: [new Uint8Array(1)],
  }),
  authenticator: new Uint8Array(32),
});

/** Whether the others believe every certificate in a message. */
function isBelieved(message: Tagged, from: number): boolean {
  const context = contextOf(2);
  const claims = hybster.claims(message, from, context);
  return (
    claims?.every(
      (claim) =>
        claim.kind !== "attestation" || context.counter.verify(claim.attestation, claim.digest),
    ) ?? false
  );
}

const checkpoint = (order: number, context: ReplicaContext): HybsterMessage => ({
  kind: "checkpoint",
  ...forging(context).checkpoint({ order, digest: new Uint8Array(32) })!,
});

test("a notary has certified what is sent, once for each position", () => {
  const context = contextOf(1);
  const notary = new Notary(context.counter, new Random(2));
  const forge = forging({ ...context, counter: notary });
  const commit = forge.commit({ view: 0, order: 1, batch: new Uint8Array(32) })!;
  const promised = { kind: "commit", ...commit } as const;
  assert.equal(isBelieved(promised, 1), false, "a promise is no certificate");
  const changed = { ...promised, batch: new Uint8Array(32).fill(7) };
  const honoured = notary.honour(hybster, changed, context);
  assert.equal(isBelieved(honoured, 1), true, "it is over what the message came to say");
  const other = notary.honour(hybster, promised, context);
  assert.equal(isBelieved(other, 1), false, "and cannot be had for two things");
  assert.equal(notary.honour(hybster, honoured, context), honoured, "nothing is left to do");
});

test("a notary renews only certificates that do not move the counter", () => {
  const context = contextOf(1);
  const notary = new Notary(context.counter, new Random(2));
  const forged = { ...context, counter: notary };
  const one = checkpoint(4, forged);
  const two = { ...notary.renewed(one), digest: new Uint8Array(32).fill(7) };
  const both = [one, two].map((message) => notary.honour(hybster, message, context));
  assert.deepEqual(
    both.map((message) => isBelieved(message, 1)),
    [true, true],
  );
  const commit = forging(forged).commit({ view: 0, order: 1, batch: new Uint8Array(32) })!;
  assert.equal(notary.renewed(commit), commit);
});

test("twins speak for themselves, and their counter certifies each position once", () => {
  let disagreements = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const context = contextOf(1);
    const camps = { fromMs: 0, untilMs: Infinity, sides: [0, null, 1], isCut: false };
    const twins = new LyingReplica({
      protocol: hybster,
      context,
      random: new Random(seed),
      lies: ["twins"],
      coven: new Coven([camps]),
      service: countingService,
    });
    twins.step(0, { kind: "start", snapshot: null, journal: [] });
    const commits: HybsterMessage[] = [];
    const take = (effects: ReturnType<typeof twins.step>, now: number): void => {
      for (const effect of effects) {
        if (effect.kind === "send" && effect.message.kind === "commit") {
          commits.push(effect.message as HybsterMessage);
        } else if (effect.kind === "set-timer" && effect.timer.includes("late")) {
          take(twins.step(now + 1, { kind: "timeout", timer: effect.timer }), now + 1);
        }
      }
    };
    // What each twin hears for order 1 is from another group's leader: no two of one group differ.
    for (const from of [0, 2]) {
      const counter = trustedGroup(new Random(from)).counter(0);
      const prepare = forging({ counter, hash: symbolicHash }).prepare(0, 1, [requestOf(from)])!;
      const message = { ...prepare, kind: "prepare" } as const;
      take(twins.step(1, { kind: "message", from, message }), 1);
    }
    assert.ok(commits.length > 0);
    const believed = commits.filter((message) => isBelieved(message, 1));
    assert.equal(believed.length, 1, "one of them was first");
    if (commits.length > believed.length) disagreements++;
  }
  assert.ok(disagreements > 0, "twins that each think they have the counter to themselves");
});

test("liars and their victims: camps are cut off from each other, until the network heals", () => {
  let cuts = 0;
  const healMs = 1_000;
  for (let seed = 1; seed <= 50; seed++) {
    const intrigue = drawIntrigue(5, 3, new Set([1]), healMs, new Random(seed));
    const isCut = (now: number, from: number, to: number): boolean =>
      isIntercepted(intrigue, now, from, to, Uint8Array.of(5));
    for (let now = 0; now < 2 * healMs; now += 10) {
      assert.ok(!isCut(now, 1, 0) && !isCut(now, 2, 1), "the liar stands between the camps");
      if (isCut(now, 0, 2)) cuts++;
      assert.ok(now < healMs || !isCut(now, 0, 2));
    }
  }
  assert.ok(cuts > 100);
});

test("a liar may be honest at times", () => {
  assert.equal(isInSeason({ kind: "from", fromMs: 10 }, 9, 0), false);
  assert.equal(isInSeason({ kind: "from", fromMs: 10 }, 10, 0), true);
  const spells = { kind: "spells", everyMs: 100, share: 0.2 } as const;
  assert.deepEqual(
    [110, 130].map((now) => isInSeason(spells, now, 0)),
    [true, false],
  );
  const changes = { kind: "changes", afterMs: 5 } as const;
  assert.deepEqual(
    [5, 6].map((since) => isInSeason(changes, 100, since)),
    [true, false],
  );
});

const optionsOf = (seed: number): SeedOptions => ({
  protocol: hybster,
  service: countingService,
  workload: countingWorkload,
  n: 3,
  lies: own,
  seed,
});

/** The plan of a seed with one liar of one habit, and nobody else that is faulty for good. */
function confined(seed: number, name: string): SeedOptions {
  const plan = planOf(optionsOf(seed));
  const replica = seed % 3;
  const crashes = plan.crashes.filter((crash) => crash.replica !== replica);
  const liars = [{ replica, lies: [name], garbleChance: 0 }];
  const disk = { ...plan.disk, damages: [] };
  // Elsewhere a restart counts towards f, of which the liar is one already.
  const freshness = "storage";
  return { ...optionsOf(seed), plan: { ...plan, freshness, crashes, disk, liars, calmMs: null } };
}

for (const [index, name] of [...lieNames, ...Object.keys(own)].entries()) {
  test(`the habit ${name}: Hybster withstands it, and it costs no more than it should`, () => {
    const seed = index + 1;
    const outcome = simulateSeed(confined(seed, name));
    assert.deepEqual(outcome.violations, [], `seed ${seed}`);
    assert.equal(outcome.reached["liar broke"] ?? 0, 0, `seed ${seed}: the liar threw`);
    assert.ok(outcome.steps < 60_000, `seed ${seed}: ${outcome.steps} steps`);
  });
}

test("lying clients are refused what they may not have, and nobody else is", () => {
  const reached: Record<string, number> = {};
  for (let seed = 1; seed <= 30; seed++) {
    const outcome = simulateSeed({ ...optionsOf(seed), faults: ["lying-clients", "crashes"] });
    assert.deepEqual(outcome.violations, [], `seed ${seed}`);
    for (const [name, count] of Object.entries(outcome.reached)) {
      reached[name] = (reached[name] ?? 0) + count;
    }
  }
  for (const name of ["lie of a client", "dropped: malformed", "dropped: forged request"]) {
    assert.ok((reached[name] ?? 0) > 0, `${name} was never reached`);
  }
});

test("an unknown habit is refused", () => {
  assert.throws(() => simulateSeed(confined(1, "candour")), /no liar has the habit "candour"/);
});
