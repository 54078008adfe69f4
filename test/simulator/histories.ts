// Histories of a key-value service that took place, with overlaps; and what can be wrong with one.

import {
  type HistoryOperation,
  type KeyAction,
  type KeyAnswer,
  type KeyState,
  keyValueModel,
  type Random,
} from "../../src/simulator/index.js";

export type Operation = HistoryOperation<KeyAction, KeyAnswer>;

/** The next action on a key that is in a state; `number` makes values distinct. */
export type Mix = (random: Random, number: number, state: KeyState) => KeyAction;

export interface Shape {
  readonly operations: number;
  readonly processes: number;
  readonly keys: number;
  /** One in so many operations gets no answer; 0: every one gets one. */
  readonly lossOneIn: number;
  readonly mix: Mix;
}

const get: KeyAction = { kind: "get" };

const swap = (random: Random, number: number, state: KeyState): KeyAction => {
  const expected = random.below(2) === 0 ? state : `v${random.below(number + 1)}`;
  return { kind: "compare-and-swap", expected, value: `v${number}` };
};

export const mixes = {
  register: (random, number) =>
    random.below(2) === 0 ? get : { kind: "put", value: `v${number}` },
  keyValue: (random, number, state) => {
    switch (random.below(8)) {
      case 0:
      case 1:
        return { kind: "put", value: `v${number}` };
      case 2:
        return { kind: "delete" };
      case 3:
        return swap(random, number, state);
      case 4:
        return { kind: "append", value: `+${number}` };
      default:
        return get;
    }
  },
  append: (random, number) => {
    if (random.below(100) === 0) return { kind: "put", value: `v${number}` };
    return random.below(3) === 0 ? get : { kind: "append", value: `+${number}` };
  },
  counter: (random) =>
    random.below(2) === 0 ? get : { kind: "add", amount: BigInt(1 + random.below(3)) },
} satisfies Record<string, Mix>;

/**
 * A history that took place: every operation took effect between its call and its return, in the
 * order of the list, which its position tells.
 */
export function executed(random: Random, shape: Shape): Operation[] {
  const free = Array<number>(shape.processes).fill(0);
  const planned = Array.from({ length: shape.operations }, () => {
    const process = random.below(shape.processes);
    const invokedAt = free[process]! + 1 + random.below(20);
    const effectAt = invokedAt + random.below(20);
    const returnedAt = effectAt + random.below(20);
    free[process] = returnedAt;
    return { process, key: `key ${random.below(shape.keys)}`, invokedAt, effectAt, returnedAt };
  }).sort((a, b) => a.effectAt - b.effectAt);
  const states = new Map<string, KeyState>();
  return planned.map(({ process, key, invokedAt, returnedAt }, position) => {
    const before = states.get(key) ?? null;
    const action = shape.mix(random, position, before);
    const isLost = shape.lossOneIn > 0 && random.below(shape.lossOneIn) === 0;
    const hasEffect = !isLost || random.below(2) === 0;
    const { state, answer } = keyValueModel.step(before, action);
    if (hasEffect) states.set(key, state);
    return {
      process,
      key,
      action,
      answer: isLost ? undefined : answer,
      invokedAt,
      returnedAt: isLost ? null : returnedAt,
      position: hasEffect ? position : undefined,
    };
  });
}

/** As an observer sees it who knows nothing of the order. */
export const unplaced = (history: readonly Operation[]): Operation[] =>
  history.map((operation) => ({ ...operation, position: undefined }));

/** The history with another answer to one of its reads. */
export type Lie = (history: readonly Operation[], random: Random) => Operation[];

export const lies = {
  /** What was never written. */
  invented: (history, random) => withAnswer(history, readOf(history, random), "=nobody wrote it"),
  /** What another read of the key saw long before. */
  stale: (history, random) => {
    const read = readOf(history, random);
    const before = history.find(
      ({ key, action, answer }) => key === read.key && action.kind === "get" && isValue(answer),
    );
    return withAnswer(history, read, before?.answer ?? "=nothing");
  },
  /** That there is no value. */
  absent: (history, random) => withAnswer(history, readOf(history, random), "absent"),
} satisfies Record<string, Lie>;

const isValue = (answer: KeyAnswer | undefined): boolean => answer?.startsWith("=") === true;

/** A read of a value, in the later half. */
function readOf(history: readonly Operation[], random: Random): Operation {
  const later = history.slice(history.length / 2);
  return random.pick(
    later.filter(({ action, answer }) => action.kind === "get" && isValue(answer)),
  );
}

const withAnswer = (
  history: readonly Operation[],
  read: Operation,
  answer: KeyAnswer,
): Operation[] =>
  history.map((operation) => (operation === read ? { ...operation, answer } : operation));
