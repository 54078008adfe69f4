// Requests that wait to be ordered by this replica.

import { bundleOf, type Request } from "../../codec/index.js";
import type { ClientId, Limits } from "../../core/index.js";
import { type Batch, batchBytes } from "../../parts/index.js";

/** Bounded in number and bytes. Requests of one client are ordered in different instances. */
export class Pending {
  /** By client, session and number, in order of arrival. */
  private readonly requests = new Map<string, Request>();
  private bytes = 0;
  private readonly limits: Limits;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  add(request: Request): "added" | "known" | "full" {
    const { client, session, number } = bundleOf(request)!;
    const key = `${client} ${session} ${number}`;
    if (this.requests.has(key)) return "known";
    const { pendingRequestsMax, pendingBytesMax } = this.limits;
    const bytes = batchBytes([request]);
    if (this.requests.size >= pendingRequestsMax || this.bytes + bytes > pendingBytesMax) {
      return "full";
    }
    this.requests.set(key, request);
    this.bytes += bytes;
    return "added";
  }

  /** The next batch, within the limits; what is no longer news is forgotten. */
  takeBatch(isNews: (request: Request) => boolean): Batch {
    const { batchRequestsMax, batchBytesMax } = this.limits;
    const batch: Request[] = [];
    const clients = new Set<ClientId>();
    let bytes = 0;
    for (const [key, request] of this.requests) {
      const { client } = bundleOf(request)!;
      const size = batchBytes([request]);
      const isTaken = isNews(request);
      if (isTaken) {
        const isFull = batch.length >= batchRequestsMax || bytes + size > batchBytesMax;
        if (isFull && batch.length > 0) break;
        if (clients.has(client)) continue;
        clients.add(client);
        batch.push(request);
        bytes += size;
      }
      this.requests.delete(key);
      this.bytes -= size;
    }
    return batch;
  }
}
