// The dependency graph against a naive model of it, and at sizes at which recursion or a quadratic
// search would show.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Committed, DependencyGraph } from "../../src/parts/index.js";

const spaces = 3;

const nameOf = ({ space, slot }: Pick<Committed, "space" | "slot">): string => `${space}.${slot}`;

/** All that a command leads to, itself included; null if something of it is not committed. */
function closureOf(from: Committed, committed: ReadonlyMap<string, Committed>): Set<string> | null {
  const closure = new Set<string>();
  const open = [nameOf(from)];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (closure.has(name)) continue;
    const command = committed.get(name);
    if (command === undefined) return null;
    closure.add(name);
    command.dependencies.forEach((last, space) => {
      for (let slot = 1; slot <= last; slot += 1) open.push(nameOf({ space, slot }));
    });
  }
  return closure;
}

const commands = fc
  .tuple(
    fc.array(fc.nat({ max: spaces - 1 }), { maxLength: 14 }),
    fc.infiniteStream(
      fc.record({
        dependencies: fc.tuple(fc.nat({ max: 6 }), fc.nat({ max: 6 }), fc.nat({ max: 6 })),
        sequence: fc.nat({ max: 5 }),
      }),
    ),
  )
  .map(([owners, rest]) => {
    const slots = new Array<number>(spaces).fill(0);
    return owners.map((space): Committed => {
      const slot = (slots[space]! += 1);
      const { dependencies, sequence } = rest.next().value;
      const bounded = dependencies.map((last: number, of: number) =>
        of === space ? Math.min(last, slot - 1) : last,
      );
      return { space, slot, dependencies: bounded, sequence, isBarrier: false };
    });
  });

const shuffled = commands.chain((all) =>
  fc.tuple(
    fc.constant(all),
    fc.shuffledSubarray(all, { minLength: all.length }),
    fc.shuffledSubarray(all),
  ),
);

test("what is executed is what is complete, in the order of its dependencies", () => {
  fc.assert(
    fc.property(shuffled, ([, order]) => {
      const graph = new DependencyGraph<Committed>(spaces);
      const committed = new Map<string, Committed>();
      const executed: Committed[] = [];
      for (const command of order) {
        committed.set(nameOf(command), command);
        executed.push(...graph.commit(command));
        const closures = [...committed.values()].map((one) => closureOf(one, committed));
        assert.equal(executed.length, closures.filter((closure) => closure !== null).length);
      }
      executed.forEach((later, at) => {
        const ofLater = closureOf(later, committed)!;
        for (const earlier of executed.slice(0, at)) {
          const ofEarlier = closureOf(earlier, committed)!;
          if (!ofEarlier.has(nameOf(later))) continue;
          assert.ok(ofLater.has(nameOf(earlier)), "it was executed before what it depends on");
          const keys = [earlier, later].map(({ sequence, space, slot }) => [sequence, space, slot]);
          assert.deepEqual(keys, keys.toSorted(byKey), "a cycle is ordered by sequence numbers");
        }
      });
    }),
    { numRuns: 400 },
  );
});

const byKey = (a: readonly number[], b: readonly number[]): number =>
  a[0]! - b[0]! || a[1]! - b[1]! || a[2]! - b[2]!;

test("replicas that learn of commands in different orders order related ones alike", () => {
  fc.assert(
    fc.property(shuffled, ([all, order]) => {
      const byName = new Map(all.map((one) => [nameOf(one), one]));
      const [one, other] = [all, order].map((given) => {
        const graph = new DependencyGraph<Committed>(spaces);
        return given.flatMap((command) => [...graph.commit(command)]).map(nameOf);
      });
      assert.deepEqual(one!.toSorted(), other!.toSorted());
      for (const a of one!) {
        for (const b of one!) {
          const areRelated =
            closureOf(byName.get(a)!, byName)!.has(b) || closureOf(byName.get(b)!, byName)!.has(a);
          if (!areRelated) continue;
          const isBefore = (list: readonly string[]) => list.indexOf(a) < list.indexOf(b);
          assert.equal(isBefore(one!), isBefore(other!), `${a} and ${b}`);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("what restarts from a frontier goes on as if it had executed all up to it", () => {
  fc.assert(
    fc.property(shuffled, ([all]) => {
      const graph = new DependencyGraph<Committed>(spaces);
      const executed = all.flatMap((command) => [...graph.commit(command)]);
      const other = new DependencyGraph<Committed>(spaces);
      other.restart(graph.frontier);
      const above = all.filter(({ space, slot }) => slot > graph.frontier[space]!);
      const again = above.flatMap((command) => [...other.commit(command)]);
      const beyond = executed.filter(({ space, slot }) => slot > graph.frontier[space]!);
      assert.deepEqual(again.map(nameOf).toSorted(), beyond.map(nameOf).toSorted());
      assert.deepEqual(other.executedBeyond(), graph.executedBeyond());
    }),
    { numRuns: 200 },
  );
});

const chain = (length: number): Committed[] =>
  Array.from({ length }, (_, at) => ({
    space: 0,
    slot: at + 1,
    dependencies: [at],
    sequence: at + 1,
    isBarrier: false,
  }));

for (const [how, arranged] of [
  ["in its order", (all: Committed[]) => all],
  ["backwards", (all: Committed[]) => all.toReversed()],
  ["its first last", (all: Committed[]) => [...all.slice(1), all[0]!]],
] as const) {
  test(`a chain of 200,000, committed ${how}`, () => {
    const graph = new DependencyGraph<Committed>(1);
    const all = chain(200_000);
    const executed = arranged(all).flatMap((command) => [...graph.commit(command)]);
    assert.equal(executed.length, all.length);
    assert.ok(executed.every(({ slot }, at) => slot === at + 1));
    assert.deepEqual(graph.frontier, [all.length]);
  });
}

test("a cycle of 2,000, by sequence number, then owner", () => {
  const graph = new DependencyGraph<Committed>(4);
  // Each comes after all that the next owner has.
  const all = Array.from({ length: 2_000 }, (_, at): Committed => {
    const space = at % 4;
    const dependencies = [0, 0, 0, 0];
    dependencies[(space + 1) % 4] = 500;
    const slot = 1 + Math.floor(at / 4);
    return { space, slot, dependencies, sequence: at % 7, isBarrier: false };
  });
  const given = all.map((command) => graph.commit(command));
  assert.ok(given.slice(0, -1).every((some) => some.length === 0));
  const keys = given.at(-1)!.map(({ sequence, space, slot }) => [sequence, space, slot]);
  assert.deepEqual(keys, keys.toSorted(byKey));
  assert.equal(keys.length, all.length);
});

test("in a cycle, what a barrier depends on comes before it, and nothing else does", () => {
  const graph = new DependencyGraph<Committed>(3);
  const late = { space: 0, slot: 1, dependencies: [0, 1, 0], sequence: 9, isBarrier: false };
  const barrier = { space: 1, slot: 1, dependencies: [1, 0, 0], sequence: 2, isBarrier: true };
  const early = { space: 2, slot: 1, dependencies: [0, 1, 0], sequence: 1, isBarrier: false };
  // It waits for `early` in turn: the three are one component.
  const late2 = { ...late, dependencies: [0, 1, 1] };
  const given = [early, barrier, late2].flatMap((command) => [...graph.commit(command)]);
  assert.deepEqual(given, [late2, barrier, early]);
});

test("what waits for a slot, and goes on waiting when that is committed, is taken up again", () => {
  const graph = new DependencyGraph<Committed>(2);
  const commit = (space: number, slot: number, dependencies: number[]): string[] =>
    graph.commit({ space, slot, dependencies, sequence: slot, isBarrier: false }).map(nameOf);
  assert.deepEqual(commit(0, 2, [1, 0]), []);
  assert.deepEqual(commit(0, 1, [0, 1]), []);
  assert.deepEqual(commit(1, 1, [0, 0]), ["1.1", "0.1", "0.2"]);
});

test("in a cycle with a barrier, what comes after it is ordered as by who begins there", () => {
  const barrier = { space: 0, slot: 1, dependencies: [0, 1, 0], sequence: 4, isBarrier: true };
  const before = { space: 1, slot: 1, dependencies: [1, 0, 1], sequence: 3, isBarrier: false };
  // One comes after the other; the other comes after the one only by way of what is settled.
  const first = { space: 1, slot: 2, dependencies: [1, 1, 0], sequence: 2, isBarrier: false };
  const second = { space: 2, slot: 1, dependencies: [1, 2, 0], sequence: 1, isBarrier: false };
  const all = new DependencyGraph<Committed>(3);
  const executed = [barrier, before, first, second].flatMap((one) => all.commit(one));
  const late = new DependencyGraph<Committed>(3);
  late.restart([1, 1, 0]);
  const after = [second, first].flatMap((one) => late.commit(one));
  assert.deepEqual(executed, [before, barrier, ...after]);
});
