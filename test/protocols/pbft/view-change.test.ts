// What a set of reports obliges a new view to order: TOCS 2002, §4.4, case by case, n = 4.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ballot } from "../../../src/parts/index.js";
import { Ballots, decide, type PbftReport, seenMax } from "../../../src/protocols/pbft/index.js";

const digest = (text: string) => new Uint8Array(32).fill(text.charCodeAt(0));
const noop = digest("-");

/** "1a0" is batch a at order 1 in view 0. */
const ballot = (text: string): Ballot => ({
  order: Number(text[0]),
  batch: digest(text[1]!),
  view: Number(text[2]),
});

interface Told {
  readonly prepared?: string;
  readonly seen?: string;
  readonly stable?: number;
}

const ballotsOf = (text = "") => text.split(" ").filter(Boolean).map(ballot);

function planOf(...told: readonly Told[]): string | null {
  const reports = told.map(({ prepared, seen, stable = 0 }, replica): PbftReport => {
    const proof = new Uint8Array(0);
    const checkpoint = { order: stable, digest: digest("s"), statements: [] };
    const sets = { prepared: ballotsOf(prepared), seen: ballotsOf(seen) };
    return { replica, to: 9, stable: checkpoint, ...sets, proof };
  });
  const plan = decide(reports, 1, noop);
  if (plan === null) return null;
  const batches = plan.batches.map((batch) => String.fromCharCode(batch[0]!));
  return `${plan.base}: ${batches.join("")}`;
}

const a = { prepared: "1a0", seen: "1a0" };
const sawA = { seen: "1a0" };

for (const [what, told, plan] of [
  ["nothing was reported", [{}, {}, {}], "0: "],
  ["one prepared it and another saw it", [a, sawA, {}], "0: a"],
  ["nobody else saw it, and all others are known", [a, {}, {}, {}], "0: "],
  ["nobody else saw it, and one is missing", [a, {}, {}], null],
  ["it was seen in an earlier view only", [{ prepared: "1a1", seen: "1a1" }, sawA, {}], null],
  ["it was seen in a later view", [a, { seen: "1a3" }, {}], "0: a"],
  ["another was prepared later", [a, { prepared: "1b2", seen: "1b2" }, { seen: "1b2" }], "0: b"],
  ["another was prepared in the same view", [a, { prepared: "1b0", seen: "1b0 1a0" }, sawA], null],
  [
    "a liar names another of the same view, and all others are known",
    [a, a, sawA, { prepared: "1b0", seen: "1b0" }],
    "0: a",
  ],
  ["a gap before it", [{ prepared: "2a0", seen: "2a0" }, { seen: "2a0" }, {}], "0: -a"],
  [
    "a no-op at the end was prepared",
    [{ prepared: "1-1", seen: "1-1" }, { seen: "1-1" }, {}],
    "0: -",
  ],
  ["free orders stand behind it", [{ ...a, prepared: "1a0 3c0" }, a, sawA, {}], "0: a"],
  ["a checkpoint is stable at one of them", [{ stable: 1 }, a, sawA], "1: "],
  ["the first of them has no checkpoint", [a, sawA, { stable: 1 }], "1: "],
] as const) {
  test(`${what}: ${plan ?? "it takes more reports"}`, () => {
    assert.equal(planOf(...told), plan);
  });
}

const texts = (ballots: readonly Ballot[]) =>
  ballots.map(({ order, batch, view }) => `${order}${String.fromCharCode(batch[0]!)}${view}`);

test("𝒬 has what was seen since something was prepared, and at most so many", () => {
  const ballots = new Ballots();
  ballots.see(ballot("1a0"));
  ballots.see(ballot("1b1"));
  ballots.see(ballot("1a2"));
  assert.deepEqual(texts(ballots.allSeen), ["1b1", "1a2"]);
  ballots.prepare(ballot("1a2"));
  assert.deepEqual(texts(ballots.allSeen), ["1a2"]);
  for (const batch of "bcdefghi") ballots.see(ballot(`1${batch}3`));
  assert.equal(ballots.allSeen.length, seenMax);
  ballots.see(ballot("2a0"));
  ballots.forget(1);
  assert.deepEqual([texts(ballots.allSeen), ballots.allPrepared], [["2a0"], []]);
});
