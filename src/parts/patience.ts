// When to suspect a leader: the oldest request, or execution, has waited too long, with back-off
// per failed view (protocols.md §0).

import type { Timing } from "../core/index.js";

/** Keeps the deadline of the oldest pending request. Other requests do not move it. */
export class Patience {
  private readonly timing: Timing;
  private failedViews = 0;
  /** No request counts as waiting since before this: the view in force was not there. */
  private since = 0;
  /** Since when execution does not get on; null while it does, or has nothing to do. */
  private blockedAt: number | null = null;

  constructor(timing: Timing) {
    this.timing = timing;
  }

  /** How long a view is given, in milliseconds. */
  get lengthMs(): number {
    const { patienceMs, patienceMsMax } = this.timing;
    return Math.min(patienceMs * 2 ** Math.min(this.failedViews, 20), patienceMsMax);
  }

  /** A view was left: the next one is given twice the time. */
  viewFailed(): void {
    this.failedViews += 1;
  }

  /** The view proved itself. */
  reset(): void {
    this.failedViews = 0;
  }

  /** From now on, waiting counts anew. */
  restart(now: number): void {
    this.since = now;
  }

  /** Since when this replica waits: for its oldest request, or for execution to get on. */
  waitingSince(oldest: number | null, isBlocked: boolean, now: number): number | null {
    this.blockedAt = isBlocked ? (this.blockedAt ?? now) : null;
    return this.blockedAt === null ? oldest : Math.min(oldest ?? this.blockedAt, this.blockedAt);
  }

  /** Execution got on. */
  progressed(): void {
    this.blockedAt = null;
  }

  /** How long until the oldest request, there since `oldest`, has waited too long; 0 if it has. */
  remainingMs(oldest: number, now: number): number {
    return Math.max(0, Math.max(oldest, this.since) + this.lengthMs - now);
  }
}
