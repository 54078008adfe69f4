// Randomness that a seed determines: sfc32, and independent streams forked from it by name.

/** A small fast generator. Two of one seed give the same numbers for ever. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 2 ** 32) >>> 0;
    this.#c = 0x9e3779b9;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** A whole number, `0 … 2^32-1`. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number in `[0, 1)`. */
  fraction(): number {
    return this.next() / 2 ** 32;
  }

  /** A whole number, `0 … bound-1`; `bound` is at least 1. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** A number in `[low, high)`. */
  between(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  /** True with the probability given. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.next() & 255);
  }

  /** The list in a random order. */
  shuffled<T>(list: readonly T[]): T[] {
    const result = [...list];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [result[i], result[j]] = [result[j]!, result[i]!];
    }
    return result;
  }

  /** An independent stream: what one part draws does not disturb another. */
  fork(name: string): Random {
    let hash = 0x811c9dc5;
    for (let i = 0; i < name.length; i++) {
      hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    }
    return new Random(((this.next() ^ hash) >>> 0) + (this.next() & 0x1fffff) * 2 ** 32);
  }
}
