// What the liars of one run share: the messages they saw, and the camps into which they and the
// network divide everybody else.

import type { ReplicaId, Tagged } from "../../core/index.js";
import type { CampsPlan } from "./intrigue.js";
import { Hoard } from "./lie.js";

export interface Seen {
  readonly message: Tagged;
  readonly by: ReplicaId;
}

export class Coven {
  /** What any liar was sent, and what any liar sent with certificates that are genuine. */
  readonly seen = new Hoard<Seen>(128);
  readonly #camps: readonly CampsPlan[];

  constructor(camps: readonly CampsPlan[] = []) {
    this.#camps = camps;
  }

  /** Which camp a replica is in at a time; null: both, or there are none. */
  campOf(replica: ReplicaId, now: number): number | null {
    const camps = this.#camps.find(({ fromMs, untilMs }) => now >= fromMs && now < untilMs);
    return camps?.sides[replica] ?? null;
  }
}
