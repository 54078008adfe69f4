// Requests that clients sent to this replica and that have not taken effect yet: what a leader
// proposes from, and what everyone's patience is about.

import { type Bundle, bundleOf, type Request } from "../codec/index.js";
import type { ClientId, Limits, SessionId } from "../core/index.js";
import { type Batch, batchBytes } from "./batch.js";

interface Waiting {
  readonly request: Request;
  readonly bundle: Bundle;
  readonly bytes: number;
  /** When it arrived here, or what comes before it did. */
  since: number;
  isForwarded: boolean;
}

/** What waits of a session. */
interface Queue {
  /** By number, in order. */
  readonly waiting: Map<number, Waiting>;
  /** Beyond the highest of these numbers. */
  end: number;
}

/**
 * Bounded in number and bytes, and per client. A session's requests are taken in their order only:
 * what waits here can always be executed, so a client cannot make replicas impatient with a leader
 * that is not at fault.
 */
export class PendingRequests {
  private readonly clients = new Map<ClientId, Map<SessionId, Queue>>();
  /** Everything that waits, in order of arrival. */
  private readonly arrivals = new Set<Waiting>();
  /**
   * What this replica has not proposed as leader, in order of arrival; may hold what no longer
   * waits.
   */
  private unproposed = new Set<Waiting>();
  private bytes = 0;
  private readonly limits: Limits;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /**
   * Takes a request whose session's last executed bundle is `last`. `known` if it waits here
   * already, `early` if its predecessors did not come, `full` if there is no room for it.
   */
  add(request: Request, last: number, now: number): "added" | "known" | "early" | "full" {
    const bundle = bundleOf(request)!;
    const queue = this.queueOf(bundle);
    const next = queue === undefined ? last + 1 : nextIn(queue, last);
    if (bundle.number < next || queue?.waiting.has(bundle.number)) return "known";
    if (bundle.number > next) return "early";
    const bytes = batchBytes([request]);
    if (!this.hasRoom(bundle.client, bytes)) return "full";
    const waiting = { request, bundle, bytes, since: now, isForwarded: false };
    this.append(queue ?? this.newQueue(bundle), waiting);
    this.bytes += bytes;
    return "added";
  }

  /** Those that come after it wait behind it, if what was executed before them was undone. */
  private append(queue: Queue, waiting: Waiting): void {
    const { number } = waiting.bundle;
    const later = number < queue.end ? [...queue.waiting.values()] : [];
    for (const one of [waiting, ...later.filter(({ bundle }) => bundle.number > number)]) {
      queue.waiting.delete(one.bundle.number);
      this.arrivals.delete(one);
      this.unproposed.delete(one);
      queue.waiting.set(one.bundle.number, one);
      this.arrivals.add(one);
      this.unproposed.add(one);
      one.since = waiting.since;
      one.isForwarded = false;
    }
    queue.end = Math.max(queue.end, number + 1);
  }

  private hasRoom(client: ClientId, bytes: number): boolean {
    const { pendingRequestsMax, pendingBytesMax, sessionWindow } = this.limits;
    let ofClient = 0;
    for (const queue of this.clients.get(client)?.values() ?? []) ofClient += queue.waiting.size;
    return (
      // Others may have answered a client what is still under way here.
      ofClient < 2 * sessionWindow &&
      this.arrivals.size < pendingRequestsMax &&
      this.bytes + bytes <= pendingBytesMax
    );
  }

  private queueOf({ client, session }: Bundle): Queue | undefined {
    return this.clients.get(client)?.get(session);
  }

  private newQueue({ client, session }: Bundle): Queue {
    let sessions = this.clients.get(client);
    if (sessions === undefined) this.clients.set(client, (sessions = new Map()));
    const queue: Queue = { waiting: new Map(), end: 0 };
    sessions.set(session, queue);
    return queue;
  }

  /**
   * The next batch to propose, within the limits on batches; empty if there is nothing to propose.
   */
  takeBatch(): Batch {
    const { batchRequestsMax, batchBytesMax } = this.limits;
    const batch: Request[] = [];
    let bytes = 0;
    for (const waiting of this.unproposed) {
      const isFull = batch.length >= batchRequestsMax || bytes + waiting.bytes > batchBytesMax;
      if (isFull && batch.length > 0) break;
      this.unproposed.delete(waiting);
      batch.push(waiting.request);
      bytes += waiting.bytes;
    }
    return batch;
  }

  get hasUnproposed(): boolean {
    return this.unproposed.size > 0;
  }

  /** Forgets every bundle of the session up to `last`: they took effect, or never will. */
  settle(client: ClientId, session: SessionId, last: number): void {
    const sessions = this.clients.get(client);
    const queue = sessions?.get(session);
    if (sessions === undefined || queue === undefined) return;
    for (const [number, waiting] of queue.waiting) {
      if (number > last) break;
      queue.waiting.delete(number);
      this.arrivals.delete(waiting);
      this.unproposed.delete(waiting);
      this.bytes -= waiting.bytes;
    }
    if (queue.waiting.size > 0) return;
    sessions.delete(session);
    if (sessions.size === 0) this.clients.delete(client);
  }

  /**
   * A new view, or a new state: what still waits is to be proposed again. `lastOf` is each
   * session's last bundle.
   */
  restart(lastOf: (bundle: Bundle) => number): void {
    for (const { bundle } of this.arrivals) {
      this.settle(bundle.client, bundle.session, lastOf(bundle));
    }
    this.unproposed = new Set(this.arrivals);
    for (const waiting of this.unproposed) waiting.isForwarded = false;
  }

  /**
   * The requests that have waited since `until`, each once, as many as a batch holds: the leader
   * may never have got them.
   */
  takeUnforwarded(until: number): Batch {
    const { batchRequestsMax, batchBytesMax } = this.limits;
    const batch: Request[] = [];
    let bytes = 0;
    for (const waiting of this.arrivals) {
      if (waiting.since > until || batch.length >= batchRequestsMax) break;
      if (waiting.isForwarded) continue;
      if (bytes > 0 && bytes + waiting.bytes > batchBytesMax) break;
      waiting.isForwarded = true;
      bytes += waiting.bytes;
      batch.push(waiting.request);
    }
    return batch;
  }

  /** How many requests wait. */
  get size(): number {
    return this.arrivals.size;
  }

  /** When the oldest request arrived; null if none waits. */
  get oldest(): number | null {
    for (const { since } of this.arrivals) return since;
    return null;
  }
}

/** The first number beyond `last` that does not wait. */
function nextIn({ waiting, end }: Queue, last: number): number {
  const [first = end] = waiting.keys();
  if (first <= last + 1 && waiting.size === end - first) return Math.max(end, last + 1);
  let next = last + 1;
  while (waiting.has(next)) next += 1;
  return next;
}
