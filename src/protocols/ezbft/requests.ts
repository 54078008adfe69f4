// Requests that wait to be ordered by this replica, and where others stand already.

import { type Bundle, bundleOf, type Request } from "../../codec/index.js";
import {
  type ClientId,
  type Digest,
  equalBytes,
  type ReplicaContext,
  toHex,
} from "../../core/index.js";
import { type Batch, batchBytes } from "../../parts/index.js";
import type { Slot } from "./slot.js";

interface Underway {
  readonly slot: Slot;
  readonly batch: Digest;
}

/** Bounded in number and bytes. Requests of one client are ordered in different instances. */
export class Requests {
  private readonly context: ReplicaContext;
  /** By client, session and number, in order of arrival. */
  private readonly waiting = new Map<string, Request>();
  private bytes = 0;
  /** By digest: in which batch, and where. */
  private readonly ordered = new Map<string, Underway>();
  /** Of each session: the last bundle that stood somewhere, and where. */
  private readonly sessions = new Map<string, { readonly number: number; readonly slot: Slot }>();

  constructor(context: ReplicaContext) {
    this.context = context;
  }

  /** False if there is no room. */
  add(request: Request): boolean {
    const key = nameOf(request);
    if (this.waiting.has(key)) return true;
    const { pendingRequestsMax, pendingBytesMax } = this.context.limits;
    const bytes = batchBytes([request]);
    const isFull = this.waiting.size >= pendingRequestsMax || this.bytes + bytes > pendingBytesMax;
    if (isFull) return false;
    this.waiting.set(key, request);
    this.bytes += bytes;
    return true;
  }

  /** Whether the bundle before was not heard of: then this one could have no effect. */
  isEarly(bundle: Bundle, settled: number): boolean {
    const { number } = bundle;
    const last = this.sessions.get(sessionOf(bundle))?.number ?? 0;
    return number > 1 + Math.max(settled, last);
  }

  /** The next batch, within the limits; what is no longer news is forgotten. */
  takeBatch(isNews: (request: Request) => boolean): Batch {
    const { batchRequestsMax, batchBytesMax } = this.context.limits;
    const batch: Request[] = [];
    const clients = new Set<ClientId>();
    let bytes = 0;
    for (const [key, request] of this.waiting) {
      const { client } = bundleOf(request)!;
      const size = batchBytes([request]);
      if (isNews(request)) {
        const isFull = batch.length >= batchRequestsMax || bytes + size > batchBytesMax;
        if (isFull && batch.length > 0) break;
        if (clients.has(client)) continue;
        clients.add(client);
        batch.push(request);
        bytes += size;
      }
      this.waiting.delete(key);
      this.bytes -= size;
    }
    return batch;
  }

  /** A batch stands at a slot. */
  note(slot: Slot, digest: Digest, batch: Batch): void {
    for (const request of batch) {
      this.ordered.set(this.digestOf(request), { slot, batch: digest });
      const bundle = bundleOf(request)!;
      const session = sessionOf(bundle);
      const last = this.sessions.get(session)?.number ?? 0;
      if (bundle.number >= last) this.sessions.set(session, { number: bundle.number, slot });
    }
  }

  /** Where a request was ordered last, if it still stands there. */
  slotOf(request: Request): Slot | null {
    const underway = this.ordered.get(this.digestOf(request));
    if (underway?.slot.recorded == null) return null;
    return equalBytes(underway.slot.recorded, underway.batch) ? underway.slot : null;
  }

  private digestOf(request: Request): string {
    return toHex(request.digest ?? this.context.hash(request.body));
  }

  /** Forgets where requests stood, of each space's slots up to the frontier. */
  forget(frontier: readonly number[]): void {
    for (const places of [this.ordered, this.sessions]) {
      for (const [key, { slot }] of places) {
        if (slot.slot <= frontier[slot.space]!) places.delete(key);
      }
    }
  }
}

const sessionOf = ({ client, session }: Bundle): string => `${client} ${session}`;

function nameOf(request: Request): string {
  const bundle = bundleOf(request)!;
  return `${sessionOf(bundle)} ${bundle.number}`;
}
