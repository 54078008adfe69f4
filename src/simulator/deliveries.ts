// Names for what a run may leave out: each message and each timer that runs out, by who, what and
// the how-manieth. Names stay when other deliveries are left out.

/** Decides which deliveries happen; all of them, unless it is told which. */
export class Deliveries {
  readonly #only: ReadonlySet<string> | null;
  readonly #counts = new Map<string, number>();

  /** Null: every delivery happens. */
  constructor(only: readonly string[] | null) {
    this.#only = only === null ? null : new Set(only);
  }

  get areAll(): boolean {
    return this.#only === null;
  }

  /** The name of the next message of a kind on a link: `0>1 prepare 3`. Parties are numbers. */
  message(from: number, to: number, kind: string): string {
    return this.#numbered(`${from}>${to} ${kind}`);
  }

  /** The name of the next time that a timer of a replica runs out: `1! patience 2`. */
  timeout(replica: number, timer: string): string {
    return this.#numbered(`${replica}! ${timer}`);
  }

  happens(name: string): boolean {
    return this.#only === null || this.#only.has(name);
  }

  #numbered(what: string): string {
    const count = (this.#counts.get(what) ?? 0) + 1;
    this.#counts.set(what, count);
    return `${what} ${count}`;
  }
}
