// Numbers for values: equal values get one number, so that states are small and quick to compare.

/** Numbers 0, 1, 2 … for values, by a text that equal values share. */
export class Interner<T> {
  readonly #numbers = new Map<string, number>();
  readonly #values: T[] = [];

  /** The value's number; `value` is kept if it is the first with this key. */
  add(key: string, value: T): number {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#values.push(value) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  get(number: number): T {
    return this.#values[number]!;
  }

  get size(): number {
    return this.#values.length;
  }
}

/** Byte strings. */
export class BytesInterner {
  readonly #interner = new Interner<Uint8Array>();

  add(bytes: Uint8Array): number {
    return this.#interner.add(keyOfBytes(bytes), bytes);
  }

  get(number: number): Uint8Array {
    return this.#interner.get(number);
  }
}

export function keyOfBytes(bytes: Uint8Array): string {
  let key = "";
  for (let i = 0; i < bytes.length; i += 4096) {
    key += String.fromCharCode(...bytes.subarray(i, i + 4096));
  }
  return key;
}

/** Sets of numbers; set 0 is the empty one. */
export class SetInterner {
  readonly #interner = new Interner<readonly number[]>();
  readonly #unions: Map<number, number>[] = [];

  constructor() {
    this.of([]);
  }

  /** The set of these numbers, in any order, with repetitions. */
  of(numbers: Iterable<number>): number {
    const sorted = [...new Set(numbers)].sort((a, b) => a - b);
    return this.#interner.add(sorted.join(), sorted);
  }

  /** The numbers of a set, rising. */
  get(set: number): readonly number[] {
    return this.#interner.get(set);
  }

  /** The set with more numbers in it. */
  with(set: number, more: readonly number[]): number {
    const known = this.get(set);
    return more.every((number) => known.includes(number)) ? set : this.of([...known, ...more]);
  }

  /** What is in one of two sets. */
  union(a: number, b: number): number {
    if (a === b || b === 0) return a;
    if (a === 0) return b;
    const [low, high] = a < b ? [a, b] : [b, a];
    const known = (this.#unions[low] ??= new Map());
    let union = known.get(high);
    if (union === undefined) {
      union = this.of([...this.get(low), ...this.get(high)]);
      known.set(high, union);
    }
    return union;
  }
}
