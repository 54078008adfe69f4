// Lies about where the trusted counter stands, and what brought it there.

import { certified, eachMessage, type Lie, type Means, others } from "./lie.js";
import { emptied } from "./mutate.js";
import { Twins } from "./twins.js";

export const counterLies = {
  /** Makes its counter jump ahead with certificates it shows to nobody. */
  wasteCounter({ protocol, context, random }: Means): Lie {
    if (!protocol.usesTrustedCounter) return {};
    const chance = random.pick([0.005, 0.02]);
    return {
      tamper(outgoing) {
        if (random.chance(chance)) {
          const { view, order } = context.counter.current(0);
          const next = random.chance(0.5)
            ? { view, order: order + 1 + random.below(3) }
            : { view: view + 1, order: 0 };
          const digest = random.bytes(32);
          if (random.chance(0.5)) context.counter.independent(0, next, digest);
          else context.counter.continuing(0, next, digest);
        }
        return outgoing;
      },
    };
  },

  /**
   * Certificates that disclose where the counter was: the honest ones for a few friends only, and
   * then others from which everything is left out, for all.
   */
  launder(means: Means): Lie {
    const { random, notary } = means;
    const friends = new Set(others(means).filter(() => random.chance(0.5)));
    const isDisclosing = eachMessage(
      (message) => notary.hasOpen(message, "continuing"),
      (message) => (random.chance(0.6) ? emptied(message) : message),
    );
    let isHonest = true;
    return {
      tamper(outgoing, now) {
        if (!outgoing.some(({ message }) => notary.hasOpen(message, "continuing"))) return outgoing;
        const wasHonest = isHonest;
        isHonest = random.chance(0.4);
        if (!wasHonest) return isDisclosing(outgoing, now);
        return outgoing.filter(({ to, message }) => {
          if (!notary.hasOpen(message, "continuing")) return true;
          certified(means, message);
          return to.kind === "replica" && friends.has(to.replica);
        });
      },
    };
  },

  /** Two or three honest machines of one identity, each with a part of the truth. */
  twins(means: Means): Lie {
    return { machine: () => new Twins(means) };
  },

  /** Where the counter refuses to certify, another certificate of it. */
  insist({ notary }: Means): Lie {
    notary.insist();
    return {};
  },

  /** The same, and the honest machines that ask for one thing twice. */
  secondBest(means: Means): Lie {
    means.notary.insist();
    return means.random.chance(0.8) ? { machine: () => new Twins(means) } : {};
  },
} satisfies Record<string, (means: Means) => Lie>;
