// The linearizability checker: histories that were, histories that cannot have been, and a slow
// checker that is plainly right.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type KeyAction,
  type KeyAnswer,
  type KeyState,
  keyValueModel,
} from "../../src/simulator/checkers/key-value-model.js";
import { checkLinearizability } from "../../src/simulator/checkers/linearizability.js";
import { Random } from "../../src/simulator/index.js";
import {
  executed,
  lies,
  type Mix,
  mixes,
  type Operation,
  type Shape,
  unplaced,
} from "./histories.js";

const check = (history: readonly Operation[]) => checkLinearizability(history, keyValueModel);
const verdictOf = (history: readonly Operation[]) => check(history).verdict;
const ok = { verdict: "ok" } as const;

const get: KeyAction = { kind: "get" };
const put = (value: string): KeyAction => ({ kind: "put", value });
const append = (value: string): KeyAction => ({ kind: "append", value });

/** One operation of a story on the key "k", by a process of its own. */
function at(
  invokedAt: number,
  returnedAt: number | null,
  action: KeyAction,
  answer?: KeyAnswer,
): Operation {
  return { process: invokedAt, key: "k", action, answer, invokedAt, returnedAt };
}

const anyAction: Mix = (random, number) => {
  const value = `v${number}`;
  switch (random.below(8)) {
    case 0:
      return put(value);
    case 1:
      return { kind: "delete" };
    case 2:
      return { kind: "compare-and-swap", expected: null, value: "1" };
    case 3:
      return { kind: "compare-and-swap", expected: `v${random.below(number + 1)}`, value };
    case 4:
      return { kind: "add", amount: BigInt(random.below(9)) - 4n };
    case 5:
      return append(`+${number}`);
    default:
      return get;
  }
};

const took = (seed: number, shape: Shape): Operation[] =>
  unplaced(executed(new Random(seed), shape));

/** All orders, one by one. */
function isLinearizable(history: readonly Operation[], state: KeyState = null): boolean {
  if (history.every(({ answer }) => answer === undefined)) return true;
  return history.some((operation) => {
    const { invokedAt, action, answer } = operation;
    const others = history.filter((other) => other !== operation);
    if (others.some(({ returnedAt }) => returnedAt !== null && returnedAt < invokedAt))
      return false;
    const next = keyValueModel.step(state, action);
    return (answer === undefined || next.answer === answer) && isLinearizable(others, next.state);
  });
}

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

test("histories that took place are linearizable", () => {
  const shape = { operations: 80, processes: 5, keys: 3, lossOneIn: 0, mix: anyAction };
  fc.assert(
    fc.property(seeds, (seed) => {
      assert.deepEqual(check(took(seed, shape)), ok);
    }),
    { numRuns: 200 },
  );
});

test("… also where answers were lost, whether the operations took effect or not", () => {
  const shape = { operations: 60, processes: 4, keys: 3, lossOneIn: 12, mix: anyAction };
  fc.assert(
    fc.property(seeds, (seed) => {
      assert.deepEqual(check(took(seed, shape)), ok);
    }),
    { numRuns: 100 },
  );
});

test("it agrees with trying all orders on small histories, possible and impossible", () => {
  const verdicts = { possible: 0, impossible: 0 };
  const value = fc.constantFrom("1", "2");
  const action: fc.Arbitrary<KeyAction> = fc.oneof(
    { weight: 3, arbitrary: fc.constant(get) },
    value.map(put),
    value.map(append),
    fc.constant<KeyAction>({ kind: "delete" }),
    fc.constant<KeyAction>({ kind: "add", amount: 1n }),
    fc.tuple(fc.option(value), value).map(([expected, next]): KeyAction => {
      return { kind: "compare-and-swap", expected, value: next };
    }),
  );
  const answer = fc.constantFrom<KeyAnswer | undefined>("absent", "=1", "=2", "=12", undefined);
  const operation = fc.record({
    process: fc.constant(0),
    key: fc.constant("k"),
    action,
    answer,
    invokedAt: fc.nat(12),
    duration: fc.nat(8),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 6 }), (drawn) => {
      const history = drawn.map(({ duration, ...rest }): Operation => {
        const isWrite = !["get", "compare-and-swap"].includes(rest.action.kind);
        const answer = isWrite && rest.answer !== undefined ? "done" : rest.answer;
        const returnedAt = answer === undefined ? null : rest.invokedAt + duration;
        return { ...rest, answer, returnedAt };
      });
      const expected = isLinearizable(history);
      verdicts[expected ? "possible" : "impossible"]++;
      assert.equal(verdictOf(history), expected ? "ok" : "wrong");
    }),
    { numRuns: 3000 },
  );
  assert.ok(verdicts.possible > 300 && verdicts.impossible > 300, JSON.stringify(verdicts));
});

test("a stale read is found, and the explanation names it", () => {
  const verdict = check([
    at(1, 2, put("old"), "done"),
    at(3, 4, put("new"), "done"),
    at(5, 6, get, "=old"),
  ]);
  assert.ok(verdict.verdict === "wrong");
  assert.match(verdict.explanation, /^key k: .*process 5's get\(\) → =old, from 5 to 6/);
});

test("a read during a write may return either value, but not the old one after the new", () => {
  const before = at(1, 2, put("old"), "done");
  const write = at(3, 20, put("new"), "done");
  const inOrder = [at(4, 5, get, "=old"), at(6, 7, get, "=new")];
  assert.equal(verdictOf([before, write, ...inOrder]), "ok");
  const backwards = [at(4, 5, get, "=new"), at(6, 7, get, "=old")];
  assert.equal(verdictOf([before, write, ...backwards]), "wrong");
});

test("a lost write, an append twice and a swap that both won are found", () => {
  assert.equal(verdictOf([at(1, 2, put("a"), "done"), at(3, 4, get, "absent")]), "wrong");
  assert.equal(verdictOf([at(1, 2, append("a"), "done"), at(3, 4, get, "=aa")]), "wrong");
  const swap = (value: string): KeyAction => ({ kind: "compare-and-swap", expected: null, value });
  assert.equal(verdictOf([at(1, 9, swap("a"), "done"), at(2, 8, swap("b"), "done")]), "wrong");
});

test("what changes nothing in one state may change something in another", () => {
  const remove: KeyAction = { kind: "delete" };
  const history = [
    at(1, 2, put("5"), "done"),
    at(3, 9, { kind: "add", amount: 0n }, "done"),
    at(4, 8, remove, "done"),
    at(5, 7, remove, "done"),
  ];
  assert.equal(verdictOf(history), "ok");
});

test("a write without an answer may take effect late, or never, but once", () => {
  const lost = at(1, null, append("x"));
  const reads = (...values: string[]) =>
    values.map((value, i) => at(10 * (i + 1), 10 * (i + 1) + 5, get, value as KeyAnswer));
  assert.equal(verdictOf([lost, ...reads("absent", "absent")]), "ok");
  assert.equal(verdictOf([lost, ...reads("absent", "=x", "=x")]), "ok");
  assert.equal(verdictOf([lost, ...reads("=x", "absent")]), "wrong");
  assert.equal(verdictOf([lost, ...reads("=x", "=xx")]), "wrong");
});

test("one wrong answer in a long history is found", () => {
  const writesAndReads: Mix = (random, number) =>
    random.below(2) === 0 ? get : append(`+${number}`);
  const shape = { operations: 200, processes: 4, keys: 4, lossOneIn: 0, mix: writesAndReads };
  fc.assert(
    fc.property(seeds, (seed) => {
      const history = took(seed, shape);
      const random = new Random(seed);
      const reads = history.filter(({ action, answer }) => action === get && answer !== "absent");
      const read = reads[random.below(reads.length)]!;
      // What was appended first is lost, or was appended twice.
      const [, first, rest] = /^=(\+[0-9]+)(.*)$/.exec(read.answer!)!;
      const answer: KeyAnswer = random.below(2) === 0 ? `=${rest!}` : `=${first!}${first!}${rest!}`;
      const verdict = check(
        history.map((operation) => (operation === read ? { ...read, answer } : operation)),
      );
      assert.ok(verdict.verdict === "wrong" && verdict.explanation.startsWith(`key ${read.key}:`));
    }),
    { numRuns: 100 },
  );
});

test("where values tell the order it agrees with trying all orders, too", () => {
  const verdicts = { ok: 0, wrong: 0, undecided: 0 };
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = new Random(seed);
      const mix = random.pick([mixes.register, mixes.keyValue, mixes.append]);
      const shape = { operations: 7, processes: 4, keys: 1, lossOneIn: 8, mix };
      const history = unplaced(executed(random, shape));
      const answers = history.map(({ answer }) => answer);
      const changed = random.below(history.length);
      const answer = random.chance(0.8) ? random.pick(answers) : "absent";
      const mutated = history.map((operation, index) =>
        index === changed && operation.answer !== undefined && answer !== undefined
          ? { ...operation, answer }
          : operation,
      );
      const { verdict } = check(mutated);
      verdicts[verdict]++;
      assert.equal(verdict, isLinearizable(mutated) ? "ok" : "wrong");
    }),
    { numRuns: 2000 },
  );
  assert.ok(verdicts.ok > 300 && verdicts.wrong > 300, JSON.stringify(verdicts));
});

test("a claimed order is checked, not believed", () => {
  const history = executed(new Random(1), {
    operations: 300,
    processes: 50,
    keys: 1,
    lossOneIn: 0,
    mix: mixes.counter,
  });
  assert.deepEqual(checkLinearizability(history, keyValueModel, 0), ok);
  const swapped = history.map((operation, index) => ({ ...operation, position: index ^ 1 }));
  assert.equal(checkLinearizability(swapped, keyValueModel, 0).verdict, "undecided");
  const late = history.map((operation) => ({ ...operation, position: -operation.position! }));
  assert.equal(checkLinearizability(late, keyValueModel, 0).verdict, "undecided");
});

test("a search without end is given up: neither right nor wrong", () => {
  const counts = { operations: 400, processes: 50, keys: 1, lossOneIn: 0, mix: mixes.counter };
  const verdict = checkLinearizability(took(3, counts), keyValueModel, 10_000);
  assert.equal(verdict.verdict, "undecided");
});

for (const name of ["register", "keyValue", "append"] as const) {
  test(`50 clients on one key: ${name}, as it was and with a wrong answer`, () => {
    const shape = { operations: 5_000, processes: 50, keys: 1, lossOneIn: 500, mix: mixes[name] };
    const history = took(4, shape);
    assert.deepEqual(check(history), ok);
    for (const lie of [lies.invented, lies.stale]) {
      assert.equal(verdictOf(lie(history, new Random(5))), "wrong");
    }
  });
}
