// All states of a search, exactly: each a tuple of small numbers, told apart by all of them.

/** Tuples of `width` whole numbers below 2^31, numbered in the order in which they came. */
export class StateTable {
  readonly width: number;
  #tuples: Int32Array;
  #slots: Int32Array;
  #size = 0;

  constructor(width: number) {
    this.width = width;
    this.#tuples = new Int32Array(width * 1024);
    this.#slots = new Int32Array(4096).fill(-1);
  }

  get size(): number {
    return this.#size;
  }

  at(state: number, index: number): number {
    return this.#tuples[state * this.width + index]!;
  }

  read(state: number, into: Int32Array): void {
    const start = state * this.width;
    for (let i = 0; i < this.width; i++) into[i] = this.#tuples[start + i]!;
  }

  /** The tuple's number; it is new if that is the size before. */
  add(tuple: Int32Array): number {
    const mask = this.#slots.length - 1;
    let slot = hashOf(tuple) & mask;
    for (;;) {
      const state = this.#slots[slot]!;
      if (state < 0) break;
      if (this.#equals(state, tuple)) return state;
      slot = (slot + 1) & mask;
    }
    const state = this.#append(tuple);
    this.#slots[slot] = state;
    if (2 * this.#size > this.#slots.length) this.#rehash();
    return state;
  }

  #equals(state: number, tuple: Int32Array): boolean {
    const start = state * this.width;
    for (let i = 0; i < this.width; i++) {
      if (this.#tuples[start + i] !== tuple[i]) return false;
    }
    return true;
  }

  #append(tuple: Int32Array): number {
    const start = this.#size * this.width;
    if (start === this.#tuples.length) this.#tuples = doubled(this.#tuples);
    this.#tuples.set(tuple, start);
    return this.#size++;
  }

  #rehash(): void {
    this.#slots = new Int32Array(2 * this.#slots.length).fill(-1);
    const mask = this.#slots.length - 1;
    const tuple = new Int32Array(this.width);
    for (let state = 0; state < this.#size; state++) {
      this.read(state, tuple);
      let slot = hashOf(tuple) & mask;
      while (this.#slots[slot]! >= 0) slot = (slot + 1) & mask;
      this.#slots[slot] = state;
    }
  }
}

/** The same numbers, with room for as many again. */
export function doubled(numbers: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * numbers.length);
  larger.set(numbers);
  return larger;
}

function hashOf(tuple: Int32Array): number {
  let hash = 0x9e3779b1;
  for (let i = 0; i < tuple.length; i++) {
    hash = Math.imul(hash ^ tuple[i]!, 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
