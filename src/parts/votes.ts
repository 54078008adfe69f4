// One vote of each replica, for a digest: who voted so, and what a quorum voted for.

import { type Digest, equalBytes, type ReplicaId } from "../core/index.js";

/** The votes in one matter. Of two votes of one replica the later counts. */
export class Votes {
  private readonly digests: (Digest | null)[];

  constructor(n: number) {
    this.digests = new Array<Digest | null>(n).fill(null);
  }

  cast(replica: ReplicaId, digest: Digest): void {
    this.digests[replica] = digest;
  }

  count(digest: Digest): number {
    let count = 0;
    for (const vote of this.digests) if (vote !== null && equalBytes(vote, digest)) count += 1;
    return count;
  }

  /** Who voted so, by rising id. */
  voters(digest: Digest): ReplicaId[] {
    return [...this.digests.keys()].filter((replica) => {
      const vote = this.digests[replica] ?? null;
      return vote !== null && equalBytes(vote, digest);
    });
  }

  /** What so many replicas voted for, one of them correct at least; null if there is nothing. */
  reaching(quorum: number): Digest | null {
    const hasQuorum = (digest: Digest | null) => digest !== null && this.count(digest) >= quorum;
    return this.digests.find(hasQuorum) ?? null;
  }
}
