// The latest checkpoint that a liar can prove to be stable, of the statements that it heard.

import { type ReplicaContext, type ReplicaId, toHex } from "../core/index.js";
import type { Checkpoint, StableCheckpoint } from "../parts/index.js";

/** Checkpoints whose statements are gathered; the oldest go first. */
const gatheredMax = 12;

export const nothingStable: StableCheckpoint = {
  order: 0,
  digest: new Uint8Array(32),
  statements: [],
};

export class StableMemory {
  latest: StableCheckpoint = nothingStable;
  readonly #quorum: number;
  readonly #gathered = new Map<string, Map<ReplicaId, Checkpoint>>();

  constructor({ n, f }: Pick<ReplicaContext, "n" | "f">) {
    this.#quorum = n - f;
  }

  note({ order, digest, replica, proof }: Checkpoint): void {
    if (order <= this.latest.order) return;
    const key = `${order}/${toHex(digest)}`;
    const statements = this.#gathered.get(key) ?? new Map<ReplicaId, Checkpoint>();
    this.#gathered.set(key, statements.set(replica, { order, digest, replica, proof }));
    for (const oldest of this.#gathered.keys()) {
      if (this.#gathered.size <= gatheredMax) break;
      this.#gathered.delete(oldest);
    }
    if (statements.size < this.#quorum) return;
    this.latest = { order, digest, statements: [...statements.values()] };
  }
}
