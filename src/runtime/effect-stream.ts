// The barrier: what a machine sends waits until everything it persisted before is durable (thesis
// §6.5).

import type { Effect } from "../core/index.js";
import type { Journal } from "./journal.js";

/** The effects that others can see. */
export type Departure<Message> = Extract<
  Effect<Message, never>,
  { readonly kind: "send" | "broadcast" | "reply" }
>;

type StreamEffect<Message, Durable> =
  | Departure<Message>
  | Extract<Effect<Message, Durable>, { readonly kind: "persist" | "checkpoint" }>;

export interface EffectStreamOptions<Message, Durable> {
  /** Null: a replica in memory, whose barrier is free. */
  readonly journal: Journal<Durable> | null;
  /** Carries an effect out; called in the order of the stream. */
  readonly depart: (effect: Departure<Message>) => void;
  /** After each commit: how long it took. */
  readonly committed: (milliseconds: number) => void;
  /** A commit failed: nothing that waits will ever depart. */
  readonly failed: (error: Error) => void;
}

/**
 * One stream of effects. Those before a record leave at once; those after it, and all later ones,
 * leave in order when
 * the commit with the record is durable. One commit is under way at a time and the next takes all
 * that gathered
 * meanwhile, so that one sync serves many turns.
 */
export class EffectStream<Message, Durable> {
  readonly #options: EffectStreamOptions<Message, Durable>;
  /** Behind the commit under way. */
  #leavingNext: Departure<Message>[] = [];
  /** Behind a record that no commit has taken yet. */
  #leavingLater: Departure<Message>[] = [];
  #committing: Promise<void> | null = null;
  #failed = false;

  constructor(options: EffectStreamOptions<Message, Durable>) {
    this.#options = options;
  }

  add(effect: StreamEffect<Message, Durable>): void {
    const { journal, depart } = this.#options;
    if (effect.kind === "persist") {
      journal?.append(effect.record);
    } else if (effect.kind === "checkpoint") {
      journal?.checkpoint(effect.image, effect.retain, effect.required);
    } else if (journal !== null && journal.waitingBytes > 0) {
      this.#leavingLater.push(effect);
    } else if (this.#committing !== null || this.#failed) {
      this.#leavingNext.push(effect);
    } else {
      depart(effect);
    }
  }

  /**
   * A turn of the host is over: what it persisted goes to the disk now, or after the commit under
   * way.
   */
  endTurn(): void {
    const { journal } = this.#options;
    if (journal === null || this.#committing !== null || this.#failed) return;
    if (journal.waitingBytes === 0) return;
    this.#leavingNext = this.#leavingLater;
    this.#leavingLater = [];
    this.#committing = this.#commit(journal);
  }

  /** Resolves when nothing waits for the disk any more, or nothing ever will leave. */
  async settled(): Promise<void> {
    while (this.#committing !== null) await this.#committing;
  }

  async #commit(journal: Journal<Durable>): Promise<void> {
    const start = performance.now();
    try {
      await journal.commit();
      this.#committing = null;
      for (const effect of this.#leavingNext) this.#options.depart(effect);
      this.#leavingNext = [];
      this.endTurn();
      this.#options.committed(performance.now() - start);
    } catch (error) {
      this.#failed = true;
      this.#committing = null;
      this.#options.failed(error as Error);
    }
  }
}
