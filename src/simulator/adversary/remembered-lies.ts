// Lies with what was said before, by this replica or by others.

import type { Tagged } from "../../core/index.js";
import {
  atMostEvery,
  certified,
  eachMessage,
  Hoard,
  type Lie,
  type Means,
  others,
  toReplica,
  whim,
} from "./lie.js";
import { inflated, isSimple, mutate } from "./mutate.js";

/** Something more, of a hoard, to some peer, now and then. */
function adding(
  means: Means,
  everyMs: number,
  chance: number,
  next: () => Tagged | null,
): NonNullable<Lie["tamper"]> {
  const { random } = means;
  const mayAct = atMostEvery(everyMs);
  return (outgoing, now) => {
    if (!random.chance(chance) || !mayAct(now)) return outgoing;
    const message = next();
    if (message === null) return outgoing;
    const to = toReplica(random.pick(others(means)));
    return [...outgoing, { to, message, delayMs: random.between(0, 50) }];
  };
}

export const rememberedLies = {
  /** Old messages again, to anybody. */
  replay(means: Means): Lie {
    const { random } = means;
    const past = new Hoard<Tagged>(200);
    const add = adding(means, 5, random.pick([0.2, 0.8]), () =>
      past.isEmpty ? null : past.pick(random),
    );
    return {
      tamper(outgoing, now) {
        for (const { message, to } of outgoing) if (to.kind === "replica") past.put(message);
        return add(outgoing, now);
      },
    };
  },

  /** Passes on what other replicas said, from any time and view, to those it was not meant for. */
  gossip(means: Means): Lie {
    const { random } = means;
    const heard = new Hoard<Tagged>(200);
    return {
      hears(from, message) {
        if (from !== null) heard.put(message);
        return message;
      },
      tamper: adding(means, 5, random.pick([0.2, 0.8]), () =>
        heard.isEmpty ? null : heard.pick(random),
      ),
    };
  },

  /** Passes on what any liar of the run sent or was sent. */
  conspire(means: Means): Lie {
    const { random, coven } = means;
    return {
      tamper: adding(means, 5, random.pick([0.3, 0.8]), () =>
        coven.seen.isEmpty ? null : coven.seen.pick(random).message,
      ),
    };
  },

  /** In place of a message of some kinds, an older one of the same kind. */
  stale(means: Means): Lie {
    const { random } = means;
    const past = new Map<string, Hoard<Tagged>>();
    const isMeant = whim(means, 0.4);
    const chance = random.pick([0.2, 0.6]);
    return {
      tamper: eachMessage(isMeant, (message) => {
        let hoard = past.get(message.kind);
        if (hoard === undefined) past.set(message.kind, (hoard = new Hoard(16)));
        hoard.put(message);
        return random.chance(chance) ? hoard.pick(random) : message;
      }),
    };
  },

  /** Asks, and says where it stands, all the time: whatever needs no certificate. */
  nag(means: Means): Lie {
    const { random, protocol } = means;
    const bare = new Map<string, Tagged>();
    const note = (message: Tagged): void => {
      if (isSimple(message)) bare.set(message.kind, message);
    };
    const add = adding(means, random.pick([2, 10]), 0.9, () => {
      const kinds = [...bare.values()];
      if (kinds.length === 0) return null;
      const message = random.pick(kinds);
      return random.chance(0.5) ? mutate(protocol.messages, message, random) : message;
    });
    return {
      hears(from, message) {
        if (from !== null) note(message);
        return message;
      },
      tamper(outgoing, now) {
        for (const { message, to } of outgoing) if (to.kind === "replica") note(message);
        return add(outgoing, now);
      },
    };
  },

  /** Many mutants of everything it says. */
  flood(means: Means): Lie {
    const { protocol, random } = means;
    const mayAct = atMostEvery(20);
    return {
      tamper(outgoing, now) {
        if (!random.chance(0.1) || !mayAct(now)) return outgoing;
        const mutants = outgoing.flatMap((one) =>
          Array.from({ length: 8 }, () => {
            const message = mutate(protocol.messages, certified(means, one.message), random);
            return { ...one, message, delayMs: random.between(0, 20) };
          }),
        );
        return [...outgoing, ...mutants.slice(0, 64)];
      },
    };
  },

  /** Lists as long as they may be, so that there is much to read and to verify. */
  bloat(means: Means): Lie {
    const { protocol, random } = means;
    const mayAct = atMostEvery(100);
    return {
      tamper(outgoing, now) {
        const meant = outgoing.filter(({ to }) => to.kind === "replica");
        if (meant.length === 0 || !mayAct(now)) return outgoing;
        const one = random.pick(meant);
        const message = inflated(protocol.messages, certified(means, one.message), 64);
        return [...outgoing, { ...one, message }];
      },
    };
  },
} satisfies Record<string, (means: Means) => Lie>;
