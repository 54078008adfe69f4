// How to take changes back, for speculation: recorded only once a mark was set.

import { assert, type Mark } from "../../core/index.js";

/** Changes in their order, back to the oldest mark that counts. */
export class UndoJournal<Change> {
  /** Null until the first mark: services that nobody speculates on record nothing. */
  #changes: Change[] | null = null;
  /** The mark before the first change. */
  #oldest: Mark = 0;

  record(change: Change): void {
    this.#changes?.push(change);
  }

  mark(): Mark {
    this.#changes ??= [];
    return this.#oldest + this.#changes.length;
  }

  /** Forgets the changes since the mark and gives them, the latest first, to be undone. */
  take(to: Mark): Change[] {
    return this.#since(to).toReversed();
  }

  /** Forgets the changes before the mark. */
  settle(upTo: Mark): void {
    this.#changes = this.#since(upTo);
    this.#oldest = upTo;
  }

  /** Forgets all changes and marks. */
  clear(): void {
    this.#oldest = this.mark() + 1;
    this.#changes = null;
  }

  #since(mark: Mark): Change[] {
    const changes = this.#changes;
    const known = changes !== null && mark >= this.#oldest;
    assert(known && mark <= this.#oldest + changes.length, `no mark ${mark} to go back to`);
    return changes.splice(mark - this.#oldest);
  }
}
