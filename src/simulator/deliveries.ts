// Names for all that is delivered: each message and each timer that runs out, by who, what and the
// how-manieth. A run can be confined to some of them, and then it is a script: what chance does to
// messages, and how it changes when one is left out, no longer matters.

/** What is delivered, by name, and when: virtual milliseconds. Nothing else is. */
export type Script = Readonly<Record<string, number>>;

/** Names deliveries as they come, and knows what the script says of them. */
export class Deliveries {
  readonly #script: ReadonlyMap<string, number> | null;
  /** Whether anybody asks for names; without, all are empty. */
  readonly isNaming: boolean;
  readonly #counts = new Map<string, number>();

  /** Without a script every delivery happens, when network and clocks will. */
  constructor(script: Script | null, isTraced: boolean) {
    this.#script = script === null ? null : new Map(Object.entries(script));
    this.isNaming = isTraced || script !== null;
  }

  get isScripted(): boolean {
    return this.#script !== null;
  }

  /** The name of the next message of a kind on a link: `0>1 prepare 3`. Parties are numbers. */
  message(from: number, to: number, kind: string): string {
    return this.isNaming ? this.#numbered(`${from}>${to} ${kind}`) : "";
  }

  /** The name of the next time that a timer of a replica runs out: `1! patience 2`. */
  timeout(replica: number, timer: string): string {
    return this.isNaming ? this.#numbered(`${replica}! ${timer}`) : "";
  }

  /** When the script has a delivery happen; null if never, or without a script. */
  timeOf(name: string): number | null {
    return this.#script?.get(name) ?? null;
  }

  #numbered(what: string): string {
    const count = (this.#counts.get(what) ?? 0) + 1;
    this.#counts.set(what, count);
    return `${what} ${count}`;
  }
}
