// The production host of one pure machine: frames and timers in, effects out. It knows no protocol.

import type {
  Claim,
  ClaimContext,
  Effect,
  Input,
  Observation,
  Protocol,
  ReplicaMachine,
  Tagged,
} from "../core/index.js";
import type { Link } from "../link/index.js";
import type { Authenticator } from "./authenticator.js";
import { type Departure, EffectStream } from "./effect-stream.js";
import { Inbox } from "./inbox.js";
import type { Journal, Recovered } from "./journal.js";
import { dropReasonsMax, undurableBytesMax } from "./limits.js";

export interface HostOptions<M extends Tagged, D extends Tagged> {
  readonly machine: ReplicaMachine<M, D>;
  readonly protocol: Protocol<M, D>;
  readonly context: ClaimContext;
  readonly authenticator: Authenticator;
  /** Null: in memory. */
  readonly journal: Journal<D> | null;
  readonly depart: (effect: Departure<M>) => void;
  readonly observed: (event: Observation) => void;
  /** After each commit of the journal: how long it took. */
  readonly committed: (milliseconds: number) => void;
  /**
   * The machine or its disk failed. The host has stopped; nothing that was not durable has left.
   * Called once.
   */
  readonly failed: (error: Error) => void;
}

/**
 * Runs a machine in *turns*: all frames of one read, or one timer, or what was verified
 * meanwhile. At a turn's end the
 * timers of 0 ms fire, and what was persisted goes to the journal; see {@link EffectStream} for
 * what leaves when.
 */
export class Host<M extends Tagged, D extends Tagged> {
  readonly #options: HostOptions<M, D>;
  readonly #stream: EffectStream<M, D>;
  readonly #inboxes = new Map<Link, Inbox<M>>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #timersAtTurnEnd = new Set<string>();
  readonly #dropped = new Map<string, number>();
  #verifiedWaits = false;
  /** The disk is behind: no link is read. */
  #congested = false;
  #stopped = false;

  constructor(options: HostOptions<M, D>) {
    this.#options = options;
    this.#stream = new EffectStream({
      journal: options.journal,
      depart: options.depart,
      committed: (milliseconds) => {
        options.committed(milliseconds);
        this.#regulateAll();
      },
      failed: (error) => this.#fail(error),
    });
  }

  /** Input dropped so far, by reason. */
  get dropped(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#dropped);
  }

  /** Gives the machine its first input. Throws what the machine throws, and JOURNAL_DAMAGED. */
  start(recovered: Recovered<D>): void {
    this.#step({ kind: "start", ...recovered });
    this.#endTurn();
  }

  /** A link opened: its frames will come. */
  opened(link: Link): void {
    const inbox = new Inbox<M>(link);
    this.#inboxes.set(link, inbox);
    this.#regulate(inbox);
  }

  closed(link: Link): void {
    this.#inboxes.delete(link);
  }

  /** Takes all frames of one read. */
  receive(link: Link, frames: readonly Uint8Array[]): void {
    const inbox = this.#inboxes.get(link);
    if (inbox === undefined) return;
    this.#turn(() => {
      for (const frame of frames) this.#accept(inbox, frame);
    });
    this.#regulate(inbox);
  }

  /** Counts input that was dropped. */
  drop(reason: string): void {
    const known = this.#dropped.has(reason) || this.#dropped.size < dropReasonsMax;
    const key = known ? reason : "other";
    this.#dropped.set(key, (this.#dropped.get(key) ?? 0) + 1);
  }

  /**
   * No further input reaches the machine. Resolves when the disk has what the machine persisted.
   */
  stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    for (const inbox of this.#inboxes.values()) this.#regulate(inbox);
    return this.#stream.settled();
  }

  // Frames become messages, messages are verified, and the machine sees them in the order of their
  // link.

  #accept(inbox: Inbox<M>, frame: Uint8Array): void {
    const { protocol, context, authenticator } = this.#options;
    const message = protocol.messages.decode(frame);
    if (message === null) return this.drop("malformed frame");
    const claims = protocol.claims(message, inbox.from, context);
    if (claims === null) return this.drop("malformed message");
    if (!maySend(inbox.link, claims)) return this.drop("client spoke for another");
    const verdict = authenticator.verify(claims);
    if (inbox.isEmpty && typeof verdict === "boolean") {
      this.#deliver(inbox, message, verdict);
    } else {
      inbox.add(message, verdict, () => this.#drainSoon());
    }
  }

  #deliver(inbox: Inbox<M>, message: M, verdict: boolean): void {
    if (!verdict) return this.drop("not authentic");
    this.#step({ kind: "message", from: inbox.from, message });
  }

  /** In one turn for all that are verified together. */
  #drainSoon(): void {
    if (this.#verifiedWaits) return;
    this.#verifiedWaits = true;
    setImmediate(() => {
      this.#verifiedWaits = false;
      this.#turn(() => {
        for (const inbox of this.#inboxes.values()) this.#drain(inbox);
      });
    });
  }

  #drain(inbox: Inbox<M>): void {
    for (let next = inbox.take(); next !== null; next = inbox.take()) {
      this.#deliver(inbox, next.message, next.verdict);
    }
    this.#regulate(inbox);
  }

  // Back-pressure: a link is read while its inbox has room and the disk keeps up.

  #regulate(inbox: Inbox<M>): void {
    inbox.read(!this.#congested && !this.#stopped && !inbox.isFull);
  }

  #regulateAll(): void {
    const congested = (this.#options.journal?.waitingBytes ?? 0) > undurableBytesMax;
    if (congested === this.#congested) return;
    this.#congested = congested;
    for (const inbox of this.#inboxes.values()) this.#regulate(inbox);
  }

  // Turns and steps.

  #turn(work: () => void): void {
    if (this.#stopped) return;
    try {
      work();
      this.#endTurn();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #endTurn(): void {
    // Walking a set reaches what is added on the way, and not what is cancelled.
    for (const timer of this.#timersAtTurnEnd) {
      this.#timersAtTurnEnd.delete(timer);
      this.#step({ kind: "timeout", timer });
    }
    this.#stream.endTurn();
    this.#regulateAll();
  }

  #step(input: Input<M, D>): void {
    const effects = this.#options.machine.step(performance.now(), input);
    for (const effect of effects) this.#apply(effect);
  }

  #apply(effect: Effect<M, D>): void {
    switch (effect.kind) {
      case "set-timer":
        return this.#setTimer(effect.timer, effect.afterMs);
      case "cancel-timer":
        return this.#cancelTimer(effect.timer);
      case "observe":
        if (effect.event.event === "dropped") this.drop(effect.event.reason);
        return this.#options.observed(effect.event);
      default:
        this.#stream.add(effect);
    }
  }

  #setTimer(timer: string, afterMs: number): void {
    this.#cancelTimer(timer);
    if (afterMs === 0) {
      this.#timersAtTurnEnd.add(timer);
      return;
    }
    const timeout = setTimeout(() => {
      this.#timers.delete(timer);
      this.#turn(() => this.#step({ kind: "timeout", timer }));
    }, afterMs);
    this.#timers.set(timer, timeout);
  }

  #cancelTimer(timer: string): void {
    this.#timersAtTurnEnd.delete(timer);
    const timeout = this.#timers.get(timer);
    if (timeout === undefined) return;
    clearTimeout(timeout);
    this.#timers.delete(timer);
  }

  #fail(error: Error): void {
    if (this.#stopped) return;
    void this.stop();
    this.#options.failed(error);
  }
}

/**
 * A client may send only what somebody provably said, and in a client's name only its own: what
 * kinds of message it may send is the protocol's affair.
 */
function maySend(link: Link, claims: readonly Claim[]): boolean {
  if (link.peer.kind === "replica") return true;
  const { id } = link.peer;
  return (
    claims.length > 0 && claims.every((claim) => claim.kind !== "client" || claim.client === id)
  );
}
