// What a replica can show of the highest view that it knows to be established: what the view began
// with, what its leader ordered, and the longest commit certificate.

import { assert, type Digest, equalBytes } from "../../core/index.js";
import { noHistory } from "../../parts/index.js";
import { type Certificate, type Entry, firstView, type Report } from "./messages.js";

/** The part of a {@link Report} that is evidence. */
export type Shown = Pick<Report, "established" | "start" | "base" | "ordered" | "commit">;

/** A chain of orders from the stable checkpoint on, without gaps. */
export class Evidence {
  established: Certificate = firstView;
  commit: Certificate | null = null;
  /** The order before the first entry, and the history there. */
  private after = 0;
  private start: Digest = noHistory;
  private readonly entries = new Map<number, Entry>();

  /** A view is established: it begins with these orders after `after`. */
  begin(established: Certificate, after: number, start: Digest, base: readonly Entry[]): void {
    this.established = established;
    this.commit = null;
    this.after = after;
    this.start = start;
    this.entries.clear();
    for (const entry of base) this.add(entry);
  }

  /** The last order shown. */
  get top(): number {
    return this.after + this.entries.size;
  }

  /** The history after the last order shown. */
  get history(): Digest {
    return this.entries.get(this.top)?.history ?? this.start;
  }

  get(order: number): Entry | undefined {
    return this.entries.get(order);
  }

  add(entry: Entry): void {
    assert(entry.order === this.top + 1, "evidence has no gaps");
    this.entries.set(entry.order, entry);
  }

  /**
   * Something else was decided at this order: nothing that was ordered from there on can be. What
   * the view began with is shown all the same, as the certificate needs it.
   */
  refute(order: number): void {
    const first = Math.max(order, this.established.order + 1);
    for (const known of this.entries.keys()) if (known >= first) this.entries.delete(known);
    if (this.commit !== null && this.commit.order > this.top) this.commit = null;
  }

  /** The stable checkpoint moved. */
  forget(upTo: number): void {
    if (upTo <= this.after) return;
    const history = this.entries.get(upTo)?.history;
    const isBeyond = history === undefined;
    this.after = upTo;
    if (isBeyond) this.entries.clear();
    else for (const order of this.entries.keys()) if (order <= upTo) this.entries.delete(order);
    this.start = history ?? noHistory;
    if (this.commit !== null && this.commit.order <= upTo) this.commit = null;
  }

  /** The state is here that the first entry will follow. */
  startFrom(history: Digest): void {
    if (this.entries.size === 0) this.start = history;
  }

  /** Whether something shown has this order and history. */
  has(order: number, history: Digest): boolean {
    const entry = this.entries.get(order);
    return entry !== undefined && equalBytes(entry.history, history);
  }

  all(): Entry[] {
    return [...this.entries.values()];
  }

  show(): Shown {
    const all = this.all();
    return {
      established: this.established,
      start: this.start,
      base: all.filter(({ proof }) => proof === null).map(({ batch }) => batch),
      ordered: all.flatMap(({ batch, proof }) => (proof === null ? [] : [{ batch, proof }])),
      commit: this.commit === null ? [] : [this.commit],
    };
  }

  /** What must be stored to have it again, entries with a leader's proof excepted. */
  get record() {
    const base = this.all().filter(({ proof }) => proof === null);
    return {
      kind: "established",
      certificate: this.established,
      after: this.after,
      start: this.start,
      base: base.map(({ batch }) => batch),
    } as const;
  }
}
