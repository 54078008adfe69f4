// Lies that only replicas without a common proof can tell: where statements carry authenticators,
// one MAC for each receiver.

import type { ReplicaId, Tagged } from "../../core/index.js";
import { certified, eachMessage, type Lie, type Means, others, whim } from "./lie.js";

export const proofLies = {
  /** Authenticators that some receivers believe and others do not, whoever passes them on. */
  partialProof(means: Means): Lie {
    const { random, prover } = means;
    const isMeant = whim(means, random.pick([0.3, 1]));
    const chance = random.pick([0.2, 1]);
    const victims = new Set(others(means).filter(() => random.chance(0.5)));
    const spoils = (receiver: ReplicaId): boolean => victims.has(receiver);
    return {
      tamper: eachMessage(isMeant, (message: Tagged) =>
        random.chance(chance) ? prover.partly(certified(means, message), spoils) : message,
      ),
    };
  },
} satisfies Record<string, (means: Means) => Lie>;
