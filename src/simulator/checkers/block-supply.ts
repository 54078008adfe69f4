// Whether every block that needs a value before it, or none, can have found what it needs.

import { type Block, Contradiction } from "./blocks.js";

/** @throws Contradiction if another block stood between every possible supplier and a block. */
export function requireSupply(blocks: readonly Block[]): void {
  const certain = blocks.filter(({ firstReturn }) => firstReturn < Infinity);
  const leavesValue = ({ kind }: Block): boolean => kind === "write" || kind === "create";
  const leavesNone = (block: Block): boolean => !leavesValue(block);
  requireSuppliers(
    certain.filter(({ kind }) => kind === "create" || kind === "absence"),
    blocks.filter(({ kind }) => kind === "delete"),
    new Furthest(certain.filter(leavesValue), "firstReturn", "lastCall"),
    true,
  );
  requireSuppliers(
    certain.filter(({ kind }) => kind === "delete"),
    blocks.filter(leavesValue),
    new Furthest(certain.filter(leavesNone), "firstReturn", "lastCall"),
    false,
  );
}

/**
 * A block certainly comes before another if one of its operations returned before one of the other
 * was called. A supplier is of no use to a block if a spoiler certainly comes after it and before
 * the block.
 */
function requireSuppliers(
  needing: readonly Block[],
  suppliers: readonly Block[],
  spoilers: Furthest,
  startSupplies: boolean,
): void {
  const supply = new Furthest(suppliers, "lastCall", "firstReturn");
  for (const block of needing) {
    const spoiler = spoilers.below(block.lastCall, block);
    if (spoiler === null && startSupplies) continue;
    const supplier = supply.upTo(block.firstReturn);
    if (supplier !== null && supplier.firstReturn >= (spoiler?.lastCall ?? -Infinity)) continue;
    const what = startSupplies ? "nothing can have removed the value" : "there can be no value";
    const operations = [...(spoiler?.operations.slice(0, 1) ?? []), block.operations[0]!];
    throw new Contradiction(`${what} before the last of these`, operations);
  }
}

type Time = "firstReturn" | "lastCall";

/** Of the blocks that are early by one time, the one that is latest by the other. */
class Furthest {
  readonly #blocks: readonly Block[];
  readonly #by: Time;
  /** Of the first blocks, so many as the index says and one more: the latest, and the next. */
  readonly #latest: (readonly [Block, Block | null])[] = [];

  constructor(blocks: readonly Block[], by: Time, latest: Time) {
    this.#by = by;
    this.#blocks = blocks.toSorted((a, b) => a[by] - b[by]);
    let first: Block | null = null;
    let second: Block | null = null;
    for (const block of this.#blocks) {
      if (first === null || block[latest] > first[latest]) [first, second] = [block, first];
      else if (second === null || block[latest] > second[latest]) second = block;
      this.#latest.push([first, second]);
    }
  }

  /** Among the blocks before that time, but for one. */
  below(time: number, except: Block): Block | null {
    const [first, second] = this.#latest[this.#count((at) => at < time) - 1] ?? [null, null];
    return first === except ? second : first;
  }

  upTo(time: number): Block | null {
    return this.#latest[this.#count((at) => at <= time) - 1]?.[0] ?? null;
  }

  /** How many blocks are early. */
  #count(isEarly: (at: number) => boolean): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isEarly(this.#blocks[middle]![this.#by])) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
