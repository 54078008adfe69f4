// Requests that clients sent to this replica and that have not taken effect yet: what a leader proposes from, and
// what everyone's patience is about.

import { type Bundle, bundleOf, type Request } from "../codec/index.js";
import type { ClientId, Limits, SessionId } from "../core/index.js";
import { type Batch, batchBytes } from "./batch.js";

interface Waiting {
  readonly request: Request;
  readonly bundle: Bundle;
  /** When it arrived here. */
  readonly since: number;
  proposed: boolean;
}

interface Queue {
  readonly waiting: Map<number, Waiting>;
  /** The number to propose next, so that a session is ordered in its own order. */
  next: number;
}

/** Bounded in number and bytes, and per session by the session window. */
export class PendingRequests {
  readonly #sessions = new Map<ClientId, Map<SessionId, Queue>>();
  /** Everything that waits, in order of arrival. */
  readonly #arrivals = new Set<Waiting>();
  /** What a leader may propose now, in order. */
  #ready: Waiting[] = [];
  #bytes = 0;
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * Takes a request whose session's last executed bundle is `last`. `known` if it waits here already, `full` if
   * there is no room, `ahead` if it lies beyond its session's window.
   */
  add(request: Request, last: number, now: number): "added" | "known" | "full" | "ahead" {
    const bundle = bundleOf(request)!;
    if (bundle.number > last + this.#limits.sessionWindow) return "ahead";
    const queue = this.#queueOf(bundle, last);
    if (queue.waiting.has(bundle.number)) return "known";
    const bytes = batchBytes([request]);
    if (
      this.#arrivals.size >= this.#limits.pendingRequestsMax ||
      this.#bytes + bytes > this.#limits.pendingBytesMax
    ) {
      return "full";
    }
    const waiting: Waiting = { request, bundle, since: now, proposed: false };
    queue.waiting.set(bundle.number, waiting);
    this.#arrivals.add(waiting);
    this.#bytes += bytes;
    this.#release(queue);
    return "added";
  }

  #queueOf(bundle: Bundle, last: number): Queue {
    let sessions = this.#sessions.get(bundle.client);
    if (sessions === undefined) this.#sessions.set(bundle.client, (sessions = new Map()));
    let queue = sessions.get(bundle.session);
    if (queue === undefined) {
      queue = { waiting: new Map(), next: last + 1 };
      sessions.set(bundle.session, queue);
    }
    return queue;
  }

  /** Moves to the ready queue what follows on what was proposed. */
  #release(queue: Queue): void {
    let waiting = queue.waiting.get(queue.next);
    while (waiting !== undefined) {
      if (!waiting.proposed) this.#ready.push(waiting);
      waiting.proposed = true;
      queue.next += 1;
      waiting = queue.waiting.get(queue.next);
    }
  }

  /** The next batch to propose, within the limits on batches; empty if nothing is ready. */
  takeBatch(): Batch {
    const batch: Request[] = [];
    let bytes = 0;
    let taken = 0;
    for (const { request, bundle } of this.#ready) {
      const size = batchBytes([request]);
      if (batch.length >= this.#limits.batchRequestsMax) break;
      if (batch.length > 0 && bytes + size > this.#limits.batchBytesMax) break;
      taken += 1;
      if (!this.#isWaiting(bundle)) continue; // executed meanwhile, by an earlier leader's proposal
      batch.push(request);
      bytes += size;
    }
    this.#ready = this.#ready.slice(taken);
    return batch;
  }

  #isWaiting({ client, session, number }: Bundle): boolean {
    return this.#sessions.get(client)?.get(session)?.waiting.has(number) ?? false;
  }

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** Forgets every bundle of the session up to `last`: they took effect, or never will. */
  settle(client: ClientId, session: SessionId, last: number): void {
    const sessions = this.#sessions.get(client);
    const queue = sessions?.get(session);
    if (sessions === undefined || queue === undefined) return;
    for (const [number, waiting] of queue.waiting) {
      if (number <= last) this.#forget(queue, waiting);
    }
    if (queue.next <= last) {
      queue.next = last + 1;
      this.#release(queue);
    }
    if (queue.waiting.size === 0) sessions.delete(session);
    if (sessions.size === 0) this.#sessions.delete(client);
  }

  #forget(queue: Queue, waiting: Waiting): void {
    queue.waiting.delete(waiting.bundle.number);
    this.#arrivals.delete(waiting);
    this.#bytes -= batchBytes([waiting.request]);
  }

  /** A new view: everything that still waits is to be proposed again. `lastOf` tells each session's last bundle. */
  restart(lastOf: (bundle: Bundle) => number): void {
    this.#ready = [];
    for (const waiting of [...this.#arrivals]) {
      const { client, session } = waiting.bundle;
      waiting.proposed = false;
      this.settle(client, session, lastOf(waiting.bundle));
    }
    for (const sessions of this.#sessions.values()) {
      for (const queue of sessions.values()) {
        const waiting = queue.waiting.values().next().value;
        if (waiting !== undefined) queue.next = lastOf(waiting.bundle) + 1;
        this.#release(queue);
      }
    }
  }

  /** When the oldest request arrived; null if none waits. */
  get oldest(): number | null {
    for (const { since } of this.#arrivals) return since;
    return null;
  }
}
