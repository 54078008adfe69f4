// The throughput floor (Clement et al., Aardvark, NSDI 2009, §5): a leader that answers each
// request just before anybody loses patience is as bad as a dead one, and found by comparing it
// with leaders before it.

import type { Timing } from "../core/index.js";

/** What a leader must sustain of the best throughput that the last n views had. */
const share = 0.9;

/** What a leader did in a window of time. */
interface Pace {
  /** Requests executed in a millisecond. */
  readonly throughput: number;
  /** How long a request waited, on average: by Little's law, those waiting over throughput. */
  readonly waitMs: number;
}

const standstill: Pace = { throughput: 0, waitMs: Number.POSITIVE_INFINITY };

/**
 * Measures the pace of leaders, in windows in which requests waited whenever this replica looked:
 * otherwise it is the clients who are slow. Where fewer clients ask, less is executed, and they
 * wait no longer: that is no leader's fault either.
 */
export class ThroughputFloor {
  private readonly windowMs: number;
  /** How many views are remembered: every replica had its turn. */
  private readonly views: number;
  /** The best pace of the last views, that of the view in force last. */
  private best: Pace[] = [standstill];
  /** When this window began; null while nothing waits. */
  private since: number | null = null;
  private executed = 0;
  /** How often this replica looked, and how many requests waited, summed up. */
  private looks = 0;
  private waiting = 0;
  /** Until then the view is new: it has old requests to order, and nothing in its queues. */
  private graceUntil = 0;

  constructor(timing: Timing, n: number) {
    this.windowMs = timing.throughputWindowMs;
    this.views = n;
  }

  viewBegan(now: number): void {
    this.best = [...this.best, standstill].slice(-this.views);
    this.graceUntil = now + this.windowMs;
    this.since = null;
  }

  /** So many requests were executed. */
  took(requests: number): void {
    this.executed += requests;
  }

  /** A regular look at how many requests wait. True if the view's leader proves too slow. */
  look(now: number, waiting: number): boolean {
    if (waiting === 0) this.since = null;
    else if (this.since === null) this.beginWindow(now);
    this.looks += 1;
    this.waiting += waiting;
    if (this.since === null || now - this.since < this.windowMs) return false;
    const throughput = this.executed / (now - this.since);
    const pace = { throughput, waitMs: this.waiting / this.looks / throughput };
    const isTooSlow = this.since >= this.graceUntil && this.isBelowBest(pace);
    if (pace.throughput > this.best.at(-1)!.throughput) this.best.splice(-1, 1, pace);
    this.beginWindow(now);
    return isTooSlow;
  }

  private beginWindow(now: number): void {
    this.since = now;
    this.executed = 0;
    this.looks = 0;
    this.waiting = 0;
  }

  private isBelowBest({ throughput, waitMs }: Pace): boolean {
    const best = this.best.reduce((a, b) => (b.throughput > a.throughput ? b : a));
    return throughput < share * best.throughput && share * waitMs > best.waitMs;
  }
}
