// What a lying replica may do to what its machine sends and hears. No lie names a protocol.

import type {
  ClaimContext,
  Protocol,
  ReplicaContext,
  ReplicaId,
  Tagged,
} from "../../core/index.js";
import type { Random } from "../random.js";
import { copyOf, mutate, shorten } from "./mutate.js";
import type { Notary } from "./notary.js";

/** Where a message goes. */
export type Destination =
  | { readonly kind: "replica"; readonly replica: ReplicaId }
  | { readonly kind: "client"; readonly client: number; readonly session: number };

export interface Outgoing {
  readonly to: Destination;
  readonly message: Tagged;
  readonly delayMs: number;
}

/**
 * What a lying host has: its machine's context, its own counter included, and nothing of the other
 * replicas.
 */
export interface Means {
  readonly protocol: Protocol;
  readonly context: ReplicaContext;
  readonly claimContext: ClaimContext;
  readonly notary: Notary;
  readonly random: Random;
}

/** One habit. Both hooks default to honesty. */
export interface Lie {
  /** What is sent in place of what the machine sent in one step. */
  readonly tamper?: (outgoing: readonly Outgoing[], now: number) => readonly Outgoing[];
  /** Whether the machine may hear of a message from a replica, or from a client (null). */
  readonly hears?: (from: ReplicaId | null) => boolean;
}

const others = ({ context }: Means): ReplicaId[] =>
  Array.from({ length: context.n }, (_, id) => id).filter((id) => id !== context.replica);

/**
 * A whim about each kind of message, the same all the run: so a liar may spoil one kind and respect
 * the rest.
 */
function whim(means: Means, chance: number): (message: Tagged) => boolean {
  const whims = new Map<string, boolean>();
  return ({ kind }) => {
    let answer = whims.get(kind);
    if (answer === undefined) whims.set(kind, (answer = means.random.chance(chance)));
    return answer;
  };
}

/**
 * A liar is no faster than anybody else: without this, two of its messages may cause three, for
 * ever.
 */
function atMostEvery(ms: number): (now: number) => boolean {
  let last = -Infinity;
  return (now) => {
    if (now - last < ms) return false;
    last = now;
    return true;
  };
}

const altering =
  (
    { protocol, random }: Means,
    isMeant: (outgoing: Outgoing) => boolean,
  ): NonNullable<Lie["tamper"]> =>
  (outgoing) =>
    outgoing.map((one) =>
      isMeant(one) ? { ...one, message: mutate(protocol.messages, one.message, random) } : one,
    );

/** Has the counter certify what the message says now. */
const certified = ({ notary, protocol, claimContext }: Means, message: Tagged): Tagged =>
  notary.honour(protocol, message, claimContext);

const catalogue = {
  /** From some moment on, nothing. */
  mute({ random }: Means): Lie {
    const fromMs = random.between(0, 3_000);
    return { tamper: (outgoing, now) => (now >= fromMs ? [] : outgoing) };
  },

  /** Some peers and clients never hear of it. */
  muteToSome(means: Means): Lie {
    const shunned = new Set(others(means).filter(() => means.random.chance(0.5)));
    return {
      tamper: (outgoing) =>
        outgoing.filter(({ to }) => !(to.kind === "replica" && shunned.has(to.replica))),
    };
  },

  /** Some kinds of message reach only some, at random. */
  withhold(means: Means): Lie {
    const isWithheld = whim(means, 0.4);
    return {
      tamper: (outgoing) =>
        outgoing.filter(({ message }) => !isWithheld(message) || means.random.chance(0.4)),
    };
  },

  /** Old messages again, to anybody. */
  replay(means: Means): Lie {
    const { random } = means;
    const past: Tagged[] = [];
    const mayAct = atMostEvery(5);
    return {
      tamper(outgoing, now) {
        for (const { message, to } of outgoing) if (to.kind === "replica") past.push(message);
        if (past.length > 200) past.splice(0, 100);
        if (past.length === 0 || !random.chance(0.2) || !mayAct(now)) return outgoing;
        const to: Destination = { kind: "replica", replica: random.pick(others(means)) };
        return [...outgoing, { to, message: random.pick(past), delayMs: random.between(0, 50) }];
      },
    };
  },

  /** Everything just before somebody's patience ends. */
  delay({ random, context }: Means): Lie {
    const delayMs = context.timing.patienceMs * random.pick([0.3, 0.7, 0.95]);
    return { tamper: (outgoing) => outgoing.map((one) => ({ ...one, delayMs })) };
  },

  /** Other results than the true ones. */
  forgeResults(means: Means): Lie {
    return { tamper: altering(means, ({ to }) => to.kind === "client") };
  },

  /** Fields changed under certificates for something else. */
  alter(means: Means): Lie {
    const isMeant = whim(means, 0.3);
    const tamper = altering(means, ({ message }) => isMeant(message) && means.random.chance(0.5));
    return {
      tamper: (outgoing, now) =>
        tamper(
          outgoing.map((one) => ({ ...one, message: certified(means, one.message) })),
          now,
        ),
    };
  },

  /** Fields changed, and the counter certifies the result: the same lie to everybody. */
  certifyLies(means: Means): Lie {
    const isMeant = whim(means, 0.3);
    const { protocol, random } = means;
    return {
      tamper(outgoing) {
        const lies = new Map<Tagged, Tagged>();
        return outgoing.map((one) => {
          if (!isMeant(one.message)) return one;
          let lie = lies.get(one.message);
          if (lie === undefined) {
            lie = random.chance(0.3) ? mutate(protocol.messages, one.message, random) : one.message;
            lies.set(one.message, lie);
          }
          return { ...one, message: lie };
        });
      },
    };
  },

  /**
   * Leaves things out of lists, the ends of them above all, and the counter certifies what remains.
   */
  conceal(means: Means): Lie {
    const isMeant = whim(means, 0.5);
    const { protocol, random } = means;
    return {
      tamper: (outgoing) => {
        const lies = new Map<Tagged, Tagged>();
        return outgoing.map((one) => {
          if (!isMeant(one.message)) return one;
          const lie = lies.get(one.message) ?? shorten(protocol.messages, one.message, random);
          lies.set(one.message, lie);
          return { ...one, message: lie };
        });
      },
    };
  },

  /**
   * One thing to some and another to the rest: the counter certifies one, and its certificate is
   * put on both.
   */
  equivocate(means: Means): Lie {
    const { protocol, random } = means;
    const isMeant = whim(means, 0.4);
    return {
      tamper: (outgoing) =>
        outgoing.map((one) => {
          if (!isMeant(one.message) || !random.chance(0.3)) return one;
          const lie = mutate(protocol.messages, copyOf(protocol.messages, one.message), random);
          return { ...one, message: certified(means, lie) };
        }),
    };
  },

  /** Wrong bytes in what looks like state transfer. */
  corruptState(means: Means): Lie {
    const isState = /state|page|chunk|piece|manifest|image|snapshot|transfer/i;
    return {
      tamper: altering(means, (one) => isState.test(one.message.kind) && means.random.chance(0.7)),
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

  /** Makes its counter jump ahead with certificates it shows to nobody. */
  wasteCounter({ context, random }: Means): Lie {
    return {
      tamper(outgoing) {
        if (random.chance(0.02)) {
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

  /** Does not listen to most of what clients ask. */
  starveClients({ random }: Means): Lie {
    return { hears: (from) => from !== null || random.chance(0.1) };
  },

  /** Does not hear some of its peers. */
  deafToSome(means: Means): Lie {
    const ignored = new Set(others(means).filter(() => means.random.chance(0.5)));
    return { hears: (from) => from === null || !ignored.has(from) };
  },
} satisfies Record<string, (means: Means) => Lie>;

/** The name of a habit that plans give to lying replicas. */
export type LieName = keyof typeof catalogue;

export const lieNames = Object.keys(catalogue) as readonly LieName[];

export const lie = (name: LieName, means: Means): Lie => catalogue[name](means);
