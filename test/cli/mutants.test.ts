// `troth mutants`, and its list: every mutant still applies, and the simulation kills what it
// should.

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { hybsterMutants, mutantsOf, mutated, plant } from "../../mutants/index.js";
import { UsageError } from "../../src/core/index.js";
import { launch, troth } from "./harness.js";

test("every mutant applies: its text occurs once, and a mistake stands there", () => {
  const all = Object.values(mutantsOf).flat();
  assert.ok(all.length > 200);
  for (const mutant of all) {
    assert.doesNotThrow(() => mutated(mutant));
    assert.notEqual(mutant.find, mutant.replace, mutant.name);
  }
});

test("a mutant whose text is gone is out of date, and says so", () => {
  const gone = { ...hybsterMutants["quorum-of-one"], find: "(n) => n" };
  assert.throws(
    () => plant(gone),
    (error) =>
      error instanceof UsageError &&
      error.code === "MUTANT_OUT_OF_DATE" &&
      /quorum-of-one is out of date: its text occurs 0 times/.test(error.message),
  );
});

test("a copy has the mistake, in its own folder, and is removed", () => {
  const { folder, remove } = plant(hybsterMutants["quorum-of-one"]);
  assert.ok(existsSync(folder));
  remove();
  assert.ok(!existsSync(folder));
});

/** Each is killed within the seeds given here, whatever else the simulation draws. */
const killed = [
  "window-too-short",
  "counters-not-resumed",
  "fetched-state-not-taken",
  "reply-of-one",
];

interface Report {
  readonly killed: number;
  readonly of: number;
  readonly mutants: readonly {
    readonly name: string;
    readonly kill: { readonly by: string; readonly seed: number } | null;
    readonly seedsTried: number;
  }[];
}

test("mutants are killed, by a property at a seed", async () => {
  const only = ["--only", killed.join(","), "--max-seeds", "60"];
  const { code, out, err } = await troth("mutants", ...only, "--jobs", "2", "--json");
  const report = JSON.parse(out) as Report;
  assert.equal(err, "");
  assert.deepEqual(
    report.mutants.filter(({ kill }) => kill === null),
    [],
  );
  assert.equal(report.killed, killed.length);
  for (const { kill, seedsTried } of report.mutants) assert.equal(kill?.seed, seedsTried);
  assert.equal(code, 0);
});

test("a survivor without a reason fails the command, and the table names it", async () => {
  const only = ["--only", "stable-order-unchecked", "--seeds", "1..1"];
  const { code, out } = await troth("mutants", ...only);
  assert.match(out, /^stable-order-unchecked +a stable .* orders +3 +survived +1$/m);
  assert.match(out, /^Killed 0 of 1 \(0\.0 %\)/m);
  assert.match(out, /stable-order-unchecked survived: nobody knows why yet/);
  assert.equal(code, 1);
});

test("Ctrl-C ends the hunt, shows what was found, and leaves no copy behind", async () => {
  const name = "endorsement-places-lost";
  const isCopy = (file: string | null) => file?.startsWith(`troth-mutant-${name}-`) === true;
  const planted = untilThere(isCopy);
  const running = launch(["mutants", "--only", `window-too-short,${name}`, "--jobs", "1"]);
  await planted;
  const { code, out } = await running.end("SIGINT");
  assert.equal(code, 130);
  assert.match(out, /^window-too-short .* liveness /m);
  assert.match(out, /^Interrupted/m);
  assert.deepEqual(readdirSync(tmpdir()).filter(isCopy), []);
});

/** Resolves when a file appears among the temporary ones. */
async function untilThere(isMeant: (file: string | null) => boolean): Promise<void> {
  for await (const { filename } of watch(tmpdir())) if (isMeant(filename)) return;
}

test("names that are none, faults too, and seeds given twice, are refused", async () => {
  const nobody = await troth("mutants", "--only", "nobody");
  assert.equal(nobody.code, 2);
  assert.match(nobody.err, /^troth: hybster has no mutant nobody/);
  const gloom = await troth("mutants", "--only", "reply-of-one", "--faults", "gloom");
  assert.equal(gloom.code, 2);
  assert.match(gloom.err, /no fault "gloom"/);
  const twice = await troth("mutants", "--seeds", "1..2", "--max-seeds", "3");
  assert.equal(twice.code, 2);
  assert.match(twice.err, /exclude each other/);
});
