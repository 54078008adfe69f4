// For small services: save and load the state as a whole, and leave pages and marks to this file.

import {
  type Access,
  assert,
  type Digest,
  equalBytes,
  type Hash,
  type Mark,
  type Moment,
  type Page,
  type Service,
} from "../core/index.js";

/**
 * A service whose state is small: every image, and every mark of a speculating protocol, saves all
 * of it. As in {@link Service}, `apply` never throws on any bytes and depends on nothing but the
 * operations applied.
 */
export interface WholeState {
  apply(operation: Uint8Array, moment: Moment): Uint8Array;

  /** The state in bytes: equal states give equal bytes, in whatever order they came about. */
  save(): Uint8Array;

  /** Replaces the state by one that `save` gave. */
  load(saved: Uint8Array): void;

  /** As in {@link Service}; without it, every operation interferes with every other. */
  footprint?(operation: Uint8Array, touch: (name: string, access: Access) => void): void;
}

/** The service of such a state: one page, and marks that are copies. */
export function wholeState(state: WholeState, hash: Hash): Service {
  return new WholeStateService(state, hash);
}

class WholeStateService implements Service {
  readonly order = "partial";
  readonly #state: WholeState;
  readonly #hash: Hash;
  #page: WholePage | null = null;
  readonly #saved = new Map<Mark, Uint8Array>();
  #marks = 0;

  constructor(state: WholeState, hash: Hash) {
    this.#state = state;
    this.#hash = hash;
  }

  apply(operation: Uint8Array, moment: Moment): Uint8Array {
    return this.#state.apply(operation, moment);
  }

  footprint(operation: Uint8Array, touch: (name: string, access: Access) => void): void {
    if (this.#state.footprint === undefined) touch("state", "write");
    else this.#state.footprint(operation, touch);
  }

  mark(): Mark {
    const mark = ++this.#marks;
    this.#saved.set(mark, this.#state.save());
    return mark;
  }

  rewind(to: Mark): void {
    const saved = this.#saved.get(to);
    assert(saved !== undefined, `no mark ${to} to go back to`);
    this.#state.load(saved);
    this.#forget((mark) => mark > to);
  }

  settle(upTo: Mark): void {
    this.#forget((mark) => mark < upTo);
  }

  #forget(isOver: (mark: Mark) => boolean): void {
    for (const mark of [...this.#saved.keys()].filter(isOver)) this.#saved.delete(mark);
  }

  pages(): readonly Page[] {
    const saved = this.#state.save();
    if (this.#page === null || !equalBytes(this.#page.saved, saved)) {
      this.#page = new WholePage(saved, this.#hash);
    }
    return [this.#page];
  }

  readPage(bytes: Uint8Array): Page {
    return new WholePage(bytes.slice(), this.#hash);
  }

  restore(pages: readonly Page[]): void {
    const [page] = pages;
    assert(page instanceof WholePage && pages.length === 1, "a page of another service");
    this.#page = page;
    this.#state.load(page.saved);
    this.#saved.clear();
  }
}

class WholePage implements Page {
  readonly saved: Uint8Array;
  readonly #hash: Hash;
  #digest: Digest | null = null;

  constructor(saved: Uint8Array, hash: Hash) {
    this.saved = saved;
    this.#hash = hash;
  }

  get digest(): Digest {
    this.#digest ??= this.#hash(this.saved);
    return this.#digest;
  }

  bytes(): Uint8Array {
    return this.saved;
  }
}
