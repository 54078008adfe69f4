// How many replicas it takes for what, with n = 3f+2t+1 (Martin and Alvisi, §5).

export interface Quorums {
  /** Faults that the fast path masks: with more, up to f, the slow path decides. */
  readonly t: number;
  /** 3f+t+1: so many that accepted a batch have decided it. */
  readonly fast: number;
  /** 2f+t+1: so many that accepted it are a commit proof, and so many that have one decided it. */
  readonly slow: number;
}

/** t follows from n and f: 0 if n = 3f+1, f if n = 5f+1. */
export function quorumsOf(n: number, f: number): Quorums {
  const t = Math.floor((n - 3 * f - 1) / 2);
  return { t, fast: n - t, slow: n - t - f };
}
