// Lies by saying less, later, or to fewer, and by not listening.

import { bundleOf } from "../../codec/index.js";
import type { Tagged } from "../../core/index.js";
import { isWireAttestation } from "./notary.js";
import { atMostEvery, type Lie, type Means, others, type Outgoing, whim } from "./lie.js";

/** What a slow liar holds back at most; more is never sent. */
const queuedMax = 32;

/** The client that a message is a request of, by the shape of requests; null if it is none. */
function clientOf(message: Tagged): number | null {
  const { body, authenticator } = message as Tagged & { body?: unknown; authenticator?: unknown };
  if (!(body instanceof Uint8Array && authenticator instanceof Uint8Array)) return null;
  return bundleOf({ body, authenticator })?.client ?? null;
}

export const silentLies = {
  /** From some moment on, nothing. */
  mute({ random }: Means): Lie {
    const fromMs = random.between(0, 3_000);
    return { tamper: (outgoing, now) => (now >= fromMs ? [] : outgoing) };
  },

  /** Some peers never hear of it. */
  muteToSome(means: Means): Lie {
    const shunned = new Set(others(means).filter(() => means.random.chance(0.5)));
    return {
      tamper: (outgoing) =>
        outgoing.filter(({ to }) => !(to.kind === "replica" && shunned.has(to.replica))),
    };
  },

  /** Passes nothing on that others said. */
  keepSecrets({ context }: Means): Lie {
    const isOwn = (message: Tagged): boolean =>
      Object.values(message).every(
        (field: unknown) =>
          typeof field !== "object" ||
          field === null ||
          !isWireAttestation(field) ||
          field.instance === context.replica,
      );
    return {
      tamper: (outgoing) =>
        outgoing.filter(({ to, message }) => to.kind === "client" || isOwn(message)),
    };
  },

  /** Talks, for a while, with one camp of its peers only, and then with another. */
  favour({ coven, random, context }: Means): Lie {
    const everyMs = context.timing.patienceMs * random.pick([0.5, 2, 8]);
    const isDeaf = random.chance(0.5);
    const ownCamp = (now: number) => Math.floor(now / everyMs) % 2;
    const isShunned = (replica: number, now: number): boolean => {
      const camp = coven.campOf(replica, now) ?? replica % 2;
      return camp !== ownCamp(now);
    };
    return {
      tamper: (outgoing, now) =>
        outgoing.filter(({ to }) => to.kind !== "replica" || !isShunned(to.replica, now)),
      hears: (from, message, now) =>
        from === null || !isDeaf || !isShunned(from, now) ? message : null,
    };
  },

  /** Some kinds of message reach only some, at random. */
  withhold(means: Means): Lie {
    const { random } = means;
    const isWithheld = whim(means, random.pick([0.2, 0.4, 0.8]));
    const chance = random.pick([0, 0.1, 0.4]);
    return {
      tamper: (outgoing) =>
        outgoing.filter(({ message }) => !isWithheld(message) || random.chance(chance)),
    };
  },

  /** Some kinds of message to one peer only, which changes now and then. */
  confide(means: Means): Lie {
    const { random } = means;
    const isSecret = whim(means, 0.4);
    let friend = random.pick(others(means));
    return {
      tamper(outgoing) {
        if (random.chance(0.02)) friend = random.pick(others(means));
        return outgoing.filter(
          ({ to, message }) => to.kind !== "replica" || to.replica === friend || !isSecret(message),
        );
      },
    };
  },

  /** Everything just before somebody's patience ends. */
  delay({ random, context }: Means): Lie {
    const delayMs = context.timing.patienceMs * random.pick([0.3, 0.7, 0.95]);
    return { tamper: (outgoing) => outgoing.map((one) => ({ ...one, delayMs })) };
  },

  /** A few kinds of message go out one at a time: just enough not to be suspected. */
  slow(means: Means): Lie {
    const { random, context } = means;
    const isSlow = whim(means, 0.3);
    const everyMs = context.timing.patienceMs * random.pick([0.2, 0.5, 0.9]);
    const nextAt = new Map<string, number>();
    return {
      tamper(outgoing, now) {
        const slots = new Map<Tagged, number>();
        return outgoing.flatMap((one): Outgoing[] => {
          const { message } = one;
          if (!isSlow(message)) return [one];
          let atMs = slots.get(message);
          if (atMs === undefined) {
            atMs = Math.max(now, nextAt.get(message.kind) ?? 0);
            slots.set(message, atMs);
            nextAt.set(message.kind, Math.min(atMs, now + queuedMax * everyMs) + everyMs);
          }
          return atMs > now + queuedMax * everyMs ? [] : [{ ...one, delayMs: atMs - now }];
        });
      },
    };
  },

  /** Some messages wait, so that others overtake them. */
  disorder({ random, context }: Means): Lie {
    const chance = random.pick([0.1, 0.5]);
    const delayMsMax = context.timing.statusMs * random.pick([0.1, 1, 4]);
    return {
      tamper: (outgoing) =>
        outgoing.map((one) =>
          random.chance(chance) ? { ...one, delayMs: random.between(0, delayMsMax) } : one,
        ),
    };
  },

  /** Does not listen to most of what clients ask. */
  starveClients({ random }: Means): Lie {
    return { hears: (from, message) => (from !== null || random.chance(0.1) ? message : null) };
  },

  /** Knows nothing of what one client asks, whoever passes it on. */
  starveOne({ random }: Means): Lie {
    const victim = random.below(4);
    return { hears: (_from, message) => (clientOf(message) !== victim ? message : null) };
  },

  /** Does not hear some of its peers. */
  deafToSome(means: Means): Lie {
    const ignored = new Set(others(means).filter(() => means.random.chance(0.5)));
    return { hears: (from, message) => (from === null || !ignored.has(from) ? message : null) };
  },

  /** Does not hear some kinds of message. */
  deafToKinds(means: Means): Lie {
    const isIgnored = whim(means, 0.25);
    const listensNow = atMostEvery(means.context.timing.patienceMs * 4);
    return {
      hears: (_from, message, now) => (!isIgnored(message) || listensNow(now) ? message : null),
    };
  },
} satisfies Record<string, (means: Means) => Lie>;
