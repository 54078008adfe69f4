// Keys, values and amounts as a person types or pipes them.

import { UsageError } from "../../core/index.js";
import { keyValueLimits } from "../../services/index.js";

/** @throws UsageError `KEY_UNFIT` if it is empty or too long. */
export function readKey(text: string): Uint8Array {
  const key = readPrefix(text);
  if (key.length === 0) throw new UsageError("KEY_UNFIT", "a key has at least one byte");
  return key;
}

/** The beginning of keys, maybe empty. @throws UsageError `KEY_UNFIT` if it is too long. */
export function readPrefix(text: string): Uint8Array {
  const prefix = Buffer.from(text);
  const { keyBytes } = keyValueLimits;
  if (prefix.length <= keyBytes) return prefix;
  throw new UsageError("KEY_UNFIT", `a key has at most ${keyBytes} bytes, not ${prefix.length}`);
}

/**
 * The text itself, or the standard input for "-". @throws UsageError `VALUE_UNFIT` if it is too
 * long.
 */
export async function readValue(text: string): Promise<Uint8Array> {
  const value = text === "-" ? await standardInput() : Buffer.from(text);
  const { valueBytes } = keyValueLimits;
  if (value.length <= valueBytes) return value;
  throw new UsageError(
    "VALUE_UNFIT",
    `a value has at most ${valueBytes} bytes, not ${value.length}: split it over several keys`,
  );
}

/** @throws UsageError `AMOUNT_UNFIT` if it is no whole number of 64 bits. */
export function readAmount(text: string): bigint {
  const amount = /^[+-]?\d{1,19}$/.test(text) ? BigInt(text) : null;
  if (amount !== null && BigInt.asIntN(64, amount) === amount) return amount;
  throw new UsageError("AMOUNT_UNFIT", `"${text}" is not a whole number of 64 bits`);
}

async function standardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
