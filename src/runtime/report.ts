// What a running replica says of itself.

import type { ReplicaStatus } from "../core/index.js";

/** The machine's status and the process's. */
export interface ReplicaReport extends ReplicaStatus {
  readonly id: number;
  /**
   * Its trusted module was started before, and waits for what f+1 others recorded; only with
   * freshness `leases`. It does not vote before.
   */
  readonly isWaiting: boolean;
  /** Open links to peers and clients. */
  readonly connections: number;
  /** Sent and not yet taken by the operating system. */
  readonly queuedBytes: number;
  readonly rssBytes: number;
  /** User and system time of the process since its start. */
  readonly cpuSeconds: number;
  /** Input dropped since the start, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}
