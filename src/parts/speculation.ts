// Execution ahead of what is decided: what is done so can be confirmed, or undone together with all
// that clients would be told of it (architecture.md §6, protocols.md Z2).

import { assert, type Digest, equalBytes, type StateImage } from "../core/index.js";
import { type Batch, batchBytes } from "./batch.js";
import type { Amount, Checkpoints, CheckpointStatement } from "./checkpoints.js";
import type { Execution, Executor } from "./executor.js";

/** An order that was executed and may be undone. */
interface Tentative {
  readonly digest: Digest;
  readonly batch: Batch;
  readonly executions: readonly Execution[];
  /** What was executed since the last checkpoint, this order included. */
  readonly since: Amount;
  /** The state after it, where a checkpoint will be due. */
  readonly image: StateImage | null;
}

/** What confirming an order gives. */
export interface Confirmed {
  readonly executions: readonly Execution[];
  /** The state after it, if a checkpoint is due; the executor's is ahead of it, perhaps. */
  readonly image: StateImage | null;
}

/**
 * The orders executed beyond the last confirmed one. To undo some, the state goes back to an image
 * and everything from there on that stands is executed again: images share their pages, so that
 * keeping one costs little, and undoing is rare.
 */
export class Speculation<Statement extends CheckpointStatement> {
  private readonly executor: Executor;
  private readonly checkpoints: Checkpoints<Statement>;
  /** The last image of a confirmed state … */
  private base: StateImage;
  /** … and what was confirmed since. */
  private confirmedSince: Batch[] = [];
  private tail: Tentative[] = [];
  /** The history after each order in the window, tentative ones included. */
  private readonly histories = new Map<number, Digest>();

  constructor(executor: Executor, checkpoints: Checkpoints<Statement>) {
    this.executor = executor;
    this.checkpoints = checkpoints;
    this.base = executor.image(0);
    this.histories.set(0, executor.history);
  }

  /** How many orders are tentative. */
  get length(): number {
    return this.tail.length;
  }

  private get confirmed(): number {
    return this.base.order + this.confirmedSince.length;
  }

  private at(order: number): Tentative | undefined {
    return this.tail[order - this.confirmed - 1];
  }

  /** What was executed at an order that is still tentative; null if none is. */
  digestAt(order: number): Digest | null {
    return this.at(order)?.digest ?? null;
  }

  executionsAt(order: number): readonly Execution[] {
    return this.at(order)?.executions ?? [];
  }

  /** The hash of all that was executed up to an order of the window; null if it is not known. */
  historyAt(order: number): Digest | null {
    return this.histories.get(order) ?? null;
  }

  /** Executes the next order, tentatively. */
  speculate(digest: Digest, batch: Batch): readonly Execution[] {
    const before = this.tail.at(-1);
    const restarts = before !== undefined && before.image !== null;
    const { orders, bytes } = restarts
      ? { orders: 0, bytes: 0 }
      : (before?.since ?? this.checkpoints.sinceLast);
    const since = { orders: orders + 1, bytes: bytes + batchBytes(batch) };
    const executions = this.executor.execute(batch);
    const order = this.confirmed + this.tail.length + 1;
    const image = this.checkpoints.isDue(since) ? this.executor.image(order) : null;
    this.tail.push({ digest, batch, executions, since, image });
    this.histories.set(order, this.executor.history);
    return executions;
  }

  /** Whether something else is executed tentatively at the next order that is decided. */
  isOther(digest: Digest): boolean {
    const first = this.tail[0];
    return first !== undefined && !equalBytes(first.digest, digest);
  }

  /** The next order is decided: it is what was executed tentatively, or it is executed now. */
  execute(digest: Digest, batch: Batch): Confirmed {
    const first = this.tail.shift();
    if (first !== undefined) {
      assert(equalBytes(first.digest, digest), "what is confirmed was executed");
      this.confirmedSince.push(first.batch);
      return first;
    }
    const executions = this.executor.execute(batch);
    this.confirmedSince.push(batch);
    this.histories.set(this.confirmed, this.executor.history);
    return { executions, image: null };
  }

  /** Undoes everything tentative beyond an order; gives the batches undone. */
  rollback(to: number): readonly Batch[] {
    const kept = Math.max(0, to - this.confirmed);
    if (kept >= this.tail.length) return [];
    const undone = this.tail.splice(kept);
    const last = this.tail.findLastIndex(({ image }) => image !== null);
    const image = this.tail[last]?.image ?? this.base;
    this.executor.restore(image);
    if (last < 0) for (const batch of this.confirmedSince) this.executor.execute(batch);
    for (const { batch } of this.tail.slice(last + 1)) this.executor.execute(batch);
    undone.forEach((_, index) => this.histories.delete(this.confirmed + kept + 1 + index));
    const history = this.historyAt(this.confirmed + kept);
    assert(history !== null && equalBytes(history, this.executor.history), "what stands, stands");
    return undone.map(({ batch }) => batch);
  }

  /** The state after the last confirmed order, of which this is the image. */
  rebase(image: StateImage): void {
    this.base = image;
    this.confirmedSince = [];
  }

  /** The state was replaced by this one. */
  reset(image: StateImage): void {
    this.rebase(image);
    this.tail = [];
    this.histories.clear();
    this.histories.set(image.order, this.executor.history);
  }

  /** The window moved. */
  forget(before: number): void {
    for (const order of this.histories.keys()) if (order < before) this.histories.delete(order);
  }
}
