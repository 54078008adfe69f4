// A service whose state is known by a fingerprint of its pages, computed only after it may have
// changed.

import type { Access, Mark, Moment, Page, Service } from "../../core/index.js";

const known = new WeakMap<Page, Int32Array>();

/** A page's digest as eight words. */
function wordsOf(page: Page): Int32Array {
  let words = known.get(page);
  if (words === undefined) {
    words = new Int32Array(page.digest.slice().buffer);
    known.set(page, words);
  }
  return words;
}

export class WatchedService implements Service {
  readonly order: "total" | "partial";
  readonly #inner: Service;
  #changed = true;
  #pages: readonly Page[] = [];
  readonly #lanes = new Int32Array(4);

  constructor(inner: Service) {
    this.#inner = inner;
    this.order = inner.order;
  }

  /** Four words that depend on the digest of every page. */
  get fingerprint(): readonly number[] {
    if (this.#changed) {
      const pages = [...this.#inner.pages()];
      // each page adds its own word, so that only those that are not as they were are looked at
      const length = Math.max(pages.length, this.#pages.length);
      for (let i = 0; i < length; i++) {
        if (pages[i] === this.#pages[i]) continue;
        this.#toggle(i, this.#pages[i]);
        this.#toggle(i, pages[i]);
      }
      this.#pages = pages;
      this.#changed = false;
    }
    return [...this.#lanes];
  }

  #toggle(index: number, page: Page | undefined): void {
    if (page === undefined) return;
    const words = wordsOf(page);
    for (let lane = 0; lane < 4; lane++) {
      const word = Math.imul(words[2 * lane]! ^ Math.imul(index + 1, 0x9e3779b1), 0x85ebca6b);
      this.#lanes[lane]! ^= Math.imul(word ^ (word >>> 15) ^ words[2 * lane + 1]!, 0xc2b2ae35);
    }
  }

  apply(operation: Uint8Array, moment: Moment): Uint8Array {
    this.#changed = true;
    return this.#inner.apply(operation, moment);
  }

  footprint(operation: Uint8Array, touch: (name: string, access: Access) => void): void {
    this.#inner.footprint(operation, touch);
  }

  mark(): Mark {
    return this.#inner.mark();
  }

  rewind(to: Mark): void {
    this.#changed = true;
    this.#inner.rewind(to);
  }

  settle(upTo: Mark): void {
    this.#inner.settle(upTo);
  }

  pages(): readonly Page[] {
    return this.#inner.pages();
  }

  readPage(bytes: Uint8Array): Page | null {
    return this.#inner.readPage(bytes);
  }

  restore(pages: readonly Page[]): void {
    this.#changed = true;
    this.#inner.restore(pages);
  }
}
