// What one key of a key-value service does, one operation at a time: what histories are judged by.
// Written apart from the service, so that a mistake there is not repeated here.

import type { SequentialModel } from "./history.js";
import { blockShortcut } from "./value-blocks.js";

/** Values as texts; a text character a byte is one way. */
export type KeyAction =
  | { readonly kind: "get" }
  | { readonly kind: "put"; readonly value: string }
  | { readonly kind: "delete" }
  /** `expected` null: only if there is no value. */
  | { readonly kind: "compare-and-swap"; readonly expected: string | null; readonly value: string }
  | { readonly kind: "add"; readonly amount: bigint }
  | { readonly kind: "append"; readonly value: string };

/** "=" and the value that was read; or a word. */
export type KeyAnswer = `=${string}` | "done" | "absent" | "not-a-counter" | "too-long";

/** The value, or null if there is none. */
export type KeyState = string | null;

/** Longer values are refused. */
const valueLengthMax = 64 * 1024;

export const keyValueModel: SequentialModel<KeyAction, KeyAnswer, KeyState> = {
  initial: null,

  step(state, action) {
    const seen: KeyAnswer = state === null ? "absent" : `=${state}`;
    switch (action.kind) {
      case "get":
        return { state, answer: seen };
      case "put":
        return { state: action.value, answer: "done" };
      case "delete":
        return state === null ? { state, answer: "absent" } : { state: null, answer: "done" };
      case "compare-and-swap":
        if (state !== action.expected) return { state, answer: seen };
        return { state: action.value, answer: "done" };
      case "add": {
        const sum = sumOf(state ?? "0", action.amount);
        return sum === null ? { state, answer: "not-a-counter" } : { state: sum, answer: "done" };
      }
      case "append": {
        const value = (state ?? "") + action.value;
        if (value.length > valueLengthMax) return { state, answer: "too-long" };
        return { state: value, answer: "done" };
      }
    }
  },

  changesNothing: (action, answer) => action.kind === "get" || answer !== "done",

  describe(action) {
    const { kind, ...rest } = action;
    const fields = Object.values(rest).map((field) =>
      typeof field === "bigint" ? String(field) : JSON.stringify(field),
    );
    return `${kind}(${fields.join(", ")})`;
  },

  shortcut(operations) {
    return blockShortcut(operations, (action) => keyValueModel.describe(action));
  },
};

/** The decimal text of a sum of signed 64-bit numbers, wrapped around; null if the text is none. */
function sumOf(text: string, amount: bigint): string | null {
  if (!/^-?[0-9]{1,19}$/.test(text)) return null;
  const number = BigInt(text);
  const isCanonical = number.toString() === text && BigInt.asIntN(64, number) === number;
  return isCanonical ? BigInt.asIntN(64, number + amount).toString() : null;
}
