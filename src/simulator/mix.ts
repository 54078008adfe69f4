// A fast 256-bit mix of words, the hash of simulated replicas, and the running fingerprint of a
// run. Not cryptography: symbolic where a simulated adversary, which never computes it, cannot tell
// the difference.

import type { Digest, Hash } from "../core/index.js";

/** Odd, so that no bit of a word is lost. */
const multipliers = [
  0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f, 0x165667b1, 0x9e3779b1, 0xcc9e2d51, 0x1b873593, 0xe6546b65,
];

/**
 * Where words become bytes, and bytes words: in memory of its own, since looking at an array's
 * memory in another way costs more, where the array is small, than all the mixing.
 */
const scratch = new Uint8Array(4096);
const scratchWords = new DataView(scratch.buffer);

/** Eight words as 32 bytes. */
function bytesOfWords(words: Int32Array): Uint8Array {
  for (let i = 0; i < 8; i++) scratchWords.setInt32(4 * i, words[i]!, true);
  return scratch.slice(0, 32);
}

/** Thirty-two bytes that depend on every word put in, in their order. */
export class Mixer {
  readonly #lanes: Int32Array;
  #count = 0;

  constructor(start: Int32Array) {
    this.#lanes = new Int32Array(start);
  }

  word(value: number): this {
    const lanes = this.#lanes;
    const lane = this.#count & 7;
    const previous = lanes[(lane + 7) & 7]!;
    const mixed = Math.imul((value | 0) ^ lanes[lane]! ^ (previous >>> 15), multipliers[lane]!);
    lanes[lane] = (mixed ^ (mixed >>> 13)) + previous;
    this.#count++;
    return this;
  }

  /** A whole number below 2^53. */
  number(value: number): this {
    return this.word(value).word(Math.floor(value / 2 ** 32));
  }

  /** Bytes, length-prefixed. */
  bytes(bytes: Uint8Array): this {
    this.word(bytes.length);
    const whole = bytes.length & ~3;
    for (let i = 0; i < whole; i += 4) {
      this.word(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    }
    for (let i = whole; i < bytes.length; i++) this.word(bytes[i]!);
    return this;
  }

  finish(): Uint8Array {
    this.word(this.#count);
    for (let i = 0; i < 24; i++) this.word(i);
    return bytesOfWords(this.#lanes);
  }
}

const rotated = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

const finished = (word: number): number => {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
};

/**
 * What simulated replicas hash with: 128 bits in the manner of MurmurHash3, stretched to 32 bytes;
 * equal for equal bytes, and different for any others that a run will see.
 */
export const symbolicHash: Hash = (bytes) =>
  murmur(bytes, 0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f);

/** As 32 bytes, that who holds the key (four words or more) said something, and to whom. */
export const symbolicMac = (key: Int32Array, from: number, to: number, said: Digest): Uint8Array =>
  murmur(said, key[0]! ^ from, key[1]! ^ Math.floor(from / 2 ** 32), key[2]! ^ to, key[3]!);

function murmur(bytes: Uint8Array, a: number, b: number, c: number, d: number): Uint8Array {
  const { length } = bytes;
  a ^= length;
  const whole = length & ~15;
  for (let from = 0; from < whole; from += scratch.length) {
    const end = Math.min(whole - from, scratch.length);
    scratch.set(length <= scratch.length ? bytes : bytes.subarray(from, from + end));
    for (let i = 0; i < end; i += 16) {
      a ^= rotated(Math.imul(scratchWords.getInt32(i, true), 0x239b961b), 15);
      a = (Math.imul(rotated(a, 19) + b, 5) + 0x561ccd1b) | 0;
      b ^= rotated(Math.imul(scratchWords.getInt32(i + 4, true), 0xab0e9789 | 0), 16);
      b = (Math.imul(rotated(b, 17) + c, 5) + 0x0bcaa747) | 0;
      c ^= rotated(Math.imul(scratchWords.getInt32(i + 8, true), 0x38b34ae5), 17);
      c = (Math.imul(rotated(c, 15) + d, 5) + 0x96cd1c35) | 0;
      d ^= rotated(Math.imul(scratchWords.getInt32(i + 12, true), 0xa1e38b93 | 0), 18);
      d = (Math.imul(rotated(d, 13) + a, 5) + 0x32ac3b17) | 0;
    }
  }
  for (let i = whole; i < length; i++) {
    a = (Math.imul(a ^ bytes[i]!, 0x01000193) + b) | 0;
    b = (Math.imul(rotated(b, 11) ^ a, 0x85ebca6b) + c) | 0;
  }
  const out = new Int32Array(8);
  for (let i = 0; i < 8; i++) {
    a = (finished(a) + b) | 0;
    b = (finished(b) + c) | 0;
    c = (finished(c) + d) | 0;
    d = (finished(d ^ i) + a) | 0;
    out[i] = a ^ c;
  }
  return bytesOfWords(out);
}

/** Twice the same 32 bytes, where signatures have 64. */
export function twice(half: Uint8Array): Uint8Array {
  const whole = new Uint8Array(2 * half.length);
  whole.set(half);
  whole.set(half, half.length);
  return whole;
}

/** A running hash of everything that happened, in its order; see `Outcome.fingerprint`. */
export class Fingerprint {
  #low = 0x811c9dc5;
  #high = 0x1b873593;

  add(value: number): void {
    this.#word(value | 0);
    this.#word(Math.floor(value / 2 ** 32) | 0);
  }

  /** Virtual time to the microsecond. */
  addTime(ms: number): void {
    this.add(Math.round(ms * 1000));
  }

  addBytes(bytes: Uint8Array): void {
    this.#word(bytes.length);
    const whole = bytes.length & ~3;
    let low = this.#low;
    let high = this.#high;
    for (let i = 0; i < whole; i += 4) {
      const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      low = Math.imul(low ^ word, 0x01000193);
      high = (Math.imul(high, 0x85ebca6b) + (low ^ (low >>> 15))) | 0;
    }
    for (let i = whole; i < bytes.length; i++) low = Math.imul(low ^ bytes[i]!, 0x01000193);
    this.#low = low;
    this.#high = high;
    this.#word(0);
  }

  #word(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193);
    const mixed = Math.imul(this.#high ^ this.#low, 0x85ebca6b);
    this.#high = mixed ^ (mixed >>> 15);
  }

  /** Sixteen hexadecimal digits. */
  toString(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
    return hex(this.#high) + hex(this.#low);
  }
}
