// The barrier: nothing leaves before what was persisted before it is durable.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Effect } from "../../src/core/index.js";
import { EffectStream } from "../../src/runtime/effect-stream.js";
import type { Journal } from "../../src/runtime/journal.js";

/** A journal whose disk answers when the test says so. */
class LateJournal implements Journal<number> {
  waitingBytes = 0;
  readonly durable: number[] = [];
  readonly groups: number[][] = [];
  #waiting: number[] = [];
  #answer: ((error: Error | null) => void) | null = null;

  append(record: number): void {
    this.#waiting.push(record);
    this.waitingBytes += 1;
  }

  checkpoint(): void {}

  commit(): Promise<void> {
    assert.equal(this.#answer, null, "one commit at a time");
    const group = this.#waiting;
    this.#waiting = [];
    this.waitingBytes = 0;
    this.groups.push(group);
    return new Promise((resolve, reject) => {
      this.#answer = (error) => {
        this.#answer = null;
        if (error !== null) return reject(error);
        this.durable.push(...group);
        resolve();
      };
    });
  }

  get isBusy(): boolean {
    return this.#answer !== null;
  }

  /** The disk answers; resolves when whoever waits has acted on it. */
  async answer(error: Error | null = null): Promise<void> {
    this.#answer?.(error);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async close(): Promise<void> {}
}

const send = (message: number) => ({ kind: "send", to: 1, message }) as const;
const persist = (record: number) => ({ kind: "persist", record }) as const;

function streamOver(journal: Journal<number> | null) {
  const left: number[] = [];
  const failures: Error[] = [];
  const stream = new EffectStream<number, number>({
    journal,
    depart: (effect) => left.push(effect.message),
    committed: () => {},
    failed: (error) => failures.push(error),
  });
  const turn = (...effects: (ReturnType<typeof send> | ReturnType<typeof persist>)[]) => {
    for (const effect of effects) stream.add(effect);
    stream.endTurn();
  };
  return { stream, left, failures, turn };
}

test("what comes before a record leaves at once, what comes after waits for the disk", async () => {
  const journal = new LateJournal();
  const { left, turn } = streamOver(journal);
  turn(send(1), persist(10), send(2));
  assert.deepEqual(left, [1]);
  await journal.answer();
  assert.deepEqual(left, [1, 2]);
});

test("turns during a commit share the next one, and leave in order behind it", async () => {
  const journal = new LateJournal();
  const { left, turn } = streamOver(journal);
  turn(persist(10), send(1));
  turn(send(2), persist(11), send(3));
  turn(persist(12), send(4));
  turn(send(5));
  assert.deepEqual(journal.groups, [[10]]);
  await journal.answer();
  assert.deepEqual(left, [1, 2], "the second needed no more than the first commit");
  assert.deepEqual(journal.groups, [[10], [11, 12]]);
  await journal.answer();
  assert.deepEqual(left, [1, 2, 3, 4, 5]);
});

test("a failed commit lets nothing more leave", async () => {
  const journal = new LateJournal();
  const { stream, left, failures, turn } = streamOver(journal);
  turn(persist(10), send(1));
  turn(send(2));
  await journal.answer(new Error("disk full"));
  turn(send(3));
  turn(persist(11), send(4));
  await stream.settled();
  assert.deepEqual(left, []);
  assert.deepEqual(
    failures.map(({ message }) => message),
    ["disk full"],
  );
});

test("without a journal everything leaves at once", () => {
  const { left, turn } = streamOver(null);
  turn(persist(10), send(1), persist(11), send(2));
  assert.deepEqual(left, [1, 2]);
});

test("for any stream and any disk: order is kept and nothing overtakes its records", async () => {
  const step = fc.oneof(
    fc.constant("send"),
    fc.constant("persist"),
    fc.constant("end"),
    fc.constant("disk"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const journal = new LateJournal();
      const left: number[] = [];
      const recordsBefore = new Map<number, number>();
      let counter = 0;
      let persisted = 0;
      const stream = new EffectStream<number, number>({
        journal,
        depart: (effect: Extract<Effect<number, never>, { message: number }>) => {
          left.push(effect.message);
          assert.ok(journal.durable.length >= recordsBefore.get(effect.message)!);
        },
        committed: () => {},
        failed: (error) => assert.fail(error),
      });
      for (const action of [...steps, "end"]) {
        if (action === "send") {
          recordsBefore.set(counter, persisted);
          stream.add(send(counter++));
        } else if (action === "persist") {
          stream.add(persist(persisted++));
        } else if (action === "end") stream.endTurn();
        else await journal.answer();
      }
      while (journal.isBusy) await journal.answer();
      assert.deepEqual(
        left,
        Array.from({ length: counter }, (_, index) => index),
      );
      assert.deepEqual(
        journal.durable,
        Array.from({ length: persisted }, (_, index) => index),
      );
    }),
    { numRuns: 200 },
  );
});
