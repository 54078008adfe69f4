// Counters: values that are the decimal text of a signed 64-bit number.

import { fromLatin1, toLatin1 } from "./latin1.js";

/** The longest text of a counter, that of -2^63. */
export const counterBytesMax = 20;

const decimal = /^(?:0|-?[1-9][0-9]*)$/;

/** The number; null if the bytes are not the one decimal text of a signed 64-bit number. */
export function readCounter(bytes: Uint8Array): bigint | null {
  if (bytes.length > counterBytesMax) return null;
  const text = toLatin1(bytes);
  if (!decimal.test(text)) return null;
  const number = BigInt(text);
  return BigInt.asIntN(64, number) === number ? number : null;
}

/**
 * The decimal text of a sum, which wraps around at 64 bits: so additions commute whatever the
 * numbers are. An overflow that failed would depend on the order of other additions.
 */
export function writeCounter(number: bigint): Uint8Array {
  return fromLatin1(BigInt.asIntN(64, number).toString());
}
