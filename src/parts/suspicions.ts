// Two-step suspicion (protocols.md §0): a view is left only when f+1 replicas want to be beyond it.

import type { ReplicaId } from "../core/index.js";

/** The highest view that each replica is known to want. A wish only grows. */
export class Suspicions {
  private readonly wanted: number[];
  private readonly f: number;

  constructor(n: number, f: number) {
    this.wanted = new Array<number>(n).fill(0);
    this.f = f;
  }

  /** Replica `replica` wants to be in `view` or beyond. */
  note(replica: ReplicaId, view: number): void {
    if (view > this.wanted[replica]!) this.wanted[replica] = view;
  }

  of(replica: ReplicaId): number {
    return this.wanted[replica]!;
  }

  /** The highest view wanted by f+1 replicas, one of them correct. */
  get agreed(): number {
    return [...this.wanted].sort((a, b) => b - a)[this.f]!;
  }
}
