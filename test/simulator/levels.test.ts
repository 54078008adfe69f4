// The levels by which the simulator tells whether replicas order alike what interferes, against
// comparing every pair.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Access } from "../../src/core/index.js";
import { Levels, type Touches } from "../../src/simulator/levels.js";

const touches: fc.Arbitrary<Touches> = fc
  .dictionary(fc.constantFrom("a", "b"), fc.constantFrom<Access>("read", "write", "add"))
  .map((names) => new Map(Object.entries(names)));

const interfere = (one: Touches, other: Touches): boolean =>
  [...one].some(([name, access]) => {
    const there = other.get(name);
    return there !== undefined && (there !== access || access === "write");
  });

/** What each is given, by its number. */
function levelsOf(all: readonly Touches[], order: readonly number[]): number[] {
  const levels = new Levels();
  const given = new Array<number>(all.length).fill(0);
  for (const one of order) given[one] = levels.take(all[one]!);
  return given;
}

const cases = fc
  .array(touches, { minLength: 2, maxLength: 8 })
  .chain((all) =>
    fc.tuple(
      fc.constant(all),
      fc.shuffledSubarray([...all.keys()], { minLength: all.length }),
      fc.shuffledSubarray([...all.keys()], { minLength: all.length }),
    ),
  );

test("two orders give equal levels exactly if they agree on all that interferes", () => {
  let equal = 0;
  fc.assert(
    fc.property(cases, ([all, one, other]) => {
      const agree = all.every((a, i) =>
        all.every((b, j) => {
          if (i === j || !interfere(a, b)) return true;
          return one.indexOf(i) < one.indexOf(j) === other.indexOf(i) < other.indexOf(j);
        }),
      );
      const [ofOne, ofOther] = [levelsOf(all, one), levelsOf(all, other)];
      assert.equal(ofOne.join() === ofOther.join(), agree);
      if (agree) equal += 1;
    }),
    { numRuns: 1000 },
  );
  assert.ok(equal > 0, "some orders agreed");
});

test("a copy goes on from where it was taken, and the original too", () => {
  const levels = new Levels();
  const write = new Map<string, Access>([["a", "write"]]);
  levels.take(write);
  const copy = levels.copy();
  assert.equal(levels.take(write), 2);
  assert.equal(copy.take(write), 2);
});
