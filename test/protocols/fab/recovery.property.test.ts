// FaB's recovery rule in a small model: one order, view after view, where liars report what they
// like, leaders choose whose reports they read, and votes reach whom they reach. Nothing ever
// contradicts a decision, and there is always something to propose.

import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Digest } from "../../../src/core/index.js";
import * as fab from "../../../src/protocols/fab/index.js";
import { Random } from "../../../src/simulator/index.js";
import { fabMutants, plant } from "../../../mutants/index.js";

type Decide = typeof fab.decide;

const noop = new Uint8Array(32);
const value = (which: number): Digest => new Uint8Array(32).fill(which + 1);
const nameOf = (digest: Digest): number => digest[0]!;
const stable = { order: 0, digest: noop, statements: [] };

interface Past {
  readonly view: number;
  readonly batch: Digest;
}

interface Acceptor {
  accepted: Past | null;
  proof: Past | null;
}

/** One run: the values that were decided. Throws where a leader has nothing to propose. */
function decided(decide: Decide, n: number, f: number, random: Random): Set<number> {
  const { fast, slow } = fab.quorumsOf(n, f);
  const correct = Array.from({ length: n - f }, (): Acceptor => ({ accepted: null, proof: null }));
  const proofs: Past[] = [];
  const all = new Set<number>();
  for (let view = 0; view < 6; view += 1) {
    const some = <T>(of: readonly T[], chance: number): T[] =>
      of.filter(() => random.chance(chance));
    /** What the view has for an acceptor: its leader chooses whose reports to show. */
    const proposal = (): Digest => {
      if (view === 0) return value(random.below(2));
      const missing = random.below(f + 1);
      const read = random.shuffled(correct).slice(missing);
      const lies = Array.from({ length: missing }, () => lie(view, proofs, random));
      const plan = decide(
        [...read, ...lies].map((one) => report(one, view)),
        { n, f },
        noop,
      );
      assert.ok(plan !== null, "there is something to propose");
      return plan.batches[0] ?? value(random.below(2));
    };
    const isHonest = random.chance(0.5);
    const one = proposal();
    for (const acceptor of some(correct, random.pick([0.4, 0.7, 1]))) {
      acceptor.accepted = { view, batch: isHonest ? one : proposal() };
    }
    for (const batch of [value(0), value(1)]) {
      const isOfIt = (past: Past | null) =>
        past?.view === view && nameOf(past.batch) === nameOf(batch);
      const acceptors = correct.filter(({ accepted }) => isOfIt(accepted));
      if (acceptors.length + f >= fast) all.add(nameOf(batch));
      if (acceptors.length + f < slow) continue;
      proofs.push({ view, batch });
      const provers = some(acceptors, random.pick([0, 0.3, 1]));
      for (const prover of provers) prover.proof = { view, batch };
      if (provers.length + f >= slow) all.add(nameOf(batch));
    }
  }
  return all;
}

/** Any past before a view, with any proof that exists. */
function lie(view: number, proofs: readonly Past[], random: Random): Acceptor {
  const accepted = random.chance(0.8)
    ? { view: random.below(view), batch: value(random.below(2)) }
    : null;
  const proof = proofs.length > 0 && random.chance(0.5) ? random.pick(proofs) : null;
  return { accepted, proof };
}

function report({ accepted, proof }: Acceptor, to: number): fab.FabReport {
  return {
    replica: 0,
    to,
    stable,
    accepted: accepted === null ? [] : [{ ...accepted, order: 1 }],
    proofs: proof === null ? [] : [{ ...proof, order: 1, acceptances: [] }],
    proof: noop,
  };
}

const sizes = fc.constantFrom([4, 1], [6, 1], [7, 2], [9, 2]);

const agreement = (decide: Decide) =>
  fc.property(sizes, fc.integer(), ([n, f], seed) => {
    const values = decided(decide, n!, f!, new Random(seed));
    assert.ok(values.size <= 1, "one value at most is decided");
  });

test("whatever liars report, one value is decided, and none ever blocks the next", () => {
  fc.assert(agreement(fab.decide), { numRuns: 4_000 });
});

for (const name of ["printed-recovery", "proof-always-wins", "count-always-wins"] as const) {
  test(`${name}: the model notices`, async () => {
    const { folder, remove } = plant(fabMutants[name]);
    const path = pathToFileURL(join(folder, "protocols", "fab", "index.js")).href;
    const { decide } = (await import(path)) as { decide: Decide };
    remove();
    assert.throws(() => fc.assert(agreement(decide), { numRuns: 40_000, seed: 1 }));
  });
}
