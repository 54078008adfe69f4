// Lies that are made to be read: messages that agree with themselves, and that no check of form
// refuses if any check of form is missing. A liar knows how others read what it sends.

import { bundleOf, encodeBundle, type Bundle } from "../../codec/index.js";
import type { Tagged } from "../../core/index.js";
import { atMostEvery, Hoard, type Lie, type Means, others, type Outgoing } from "./lie.js";
import { toReplica } from "./lie.js";
import { type Pledge, rewritten, spliced, usurped } from "./rewrite.js";

/** Versions of a lie that are tried before it is sent as it came. */
const attempts = 6;

/** The lie in the first version that others would read. */
function readable(
  { protocol, claimContext, context }: Means,
  message: Tagged,
  make: () => Tagged,
): Tagged {
  let lie = message;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const made = make();
    if (made === message) continue;
    lie = made;
    if (protocol.claims(lie, context.replica, claimContext) !== null && isSendable(protocol, lie)) {
      return lie;
    }
  }
  return isSendable(protocol, lie) ? lie : message;
}

function isSendable(protocol: Means["protocol"], message: Tagged): boolean {
  try {
    return protocol.messages.decode(protocol.messages.encode(message)) !== null;
  } catch {
    return false; // out of the schema's bounds
  }
}

/** What was said before, by kind. */
class Past {
  readonly #byKind = new Map<string, Hoard<Tagged>>();

  note(message: Tagged): void {
    let hoard = this.#byKind.get(message.kind);
    if (hoard === undefined) this.#byKind.set(message.kind, (hoard = new Hoard(24)));
    hoard.put(message);
  }

  like(message: Tagged, { random }: Means): Tagged {
    return this.#byKind.get(message.kind)?.pick(random) ?? message;
  }
}

/** Lies of one making: to everybody, or to some while others hear the truth. */
function telling(means: Means, make: (message: Tagged, donor: Tagged) => Tagged): Lie {
  const { random, coven } = means;
  const past = new Past();
  const chance = random.pick([0.2, 0.5, 1]);
  const toAll = random.chance(0.4);
  const victims = new Set(others(means).filter((id) => id % 2 === 0 || random.chance(0.3)));
  const isVictim = ({ to }: Outgoing, now: number): boolean =>
    to.kind === "replica" &&
    (toAll ||
      ((coven.campOf(to.replica, now) ?? -1) < 0
        ? victims.has(to.replica)
        : coven.campOf(to.replica, now) === 0));
  return {
    hears(from, message) {
      if (from !== null) past.note(message);
      return message;
    },
    tamper(outgoing, now) {
      const lies = new Map<Tagged, Tagged>();
      for (const { message } of outgoing) {
        if (lies.has(message)) continue;
        const isLie = random.chance(chance);
        const lie = () => make(message, past.like(message, means));
        lies.set(message, isLie ? readable(means, message, lie) : message);
        past.note(message);
      }
      const told = outgoing.map((one) =>
        isVictim(one, now) ? { ...one, message: lies.get(one.message)! } : one,
      );
      // The counter certifies the first of two: now the truth, now the lie.
      return random.chance(0.5) ? told : told.toReversed();
    },
  };
}

const pledgeOf = ({ notary, prover }: Means): Pledge => ({
  self: prover.self,
  certificate: (wire) => notary.pledged(wire),
  speakerOf: (field) => prover.speakerOf(field),
});

export const forgedLies = {
  /** Messages spliced from two of one kind. */
  splice(means: Means): Lie {
    if (means.random.chance(0.7)) means.notary.insist();
    const pledge = pledgeOf(means);
    return telling(means, (message, donor) => spliced(message, donor, pledge, means.random));
  },

  /** Messages in which a value is another everywhere, and what proves it fits. */
  rewrite(means: Means): Lie {
    if (means.random.chance(0.5)) means.notary.insist();
    const pledge = pledgeOf(means);
    return telling(means, (message, donor) => rewritten(message, donor, pledge, means.random));
  },

  /** What others say, in its own name, or as if they had said it otherwise. */
  usurp(means: Means): Lie {
    const { random } = means;
    const pledge = pledgeOf(means);
    const past = new Past();
    const waiting: Tagged[] = [];
    const mayAct = atMostEvery(2);
    const chance = random.pick([0.2, 0.6]);
    const way = random.below(3);
    return {
      hears(from, message) {
        if (from === null) return message;
        if (random.chance(chance) && waiting.length < 8) waiting.push(message);
        past.note(message);
        // Its honest machine would use up what the counter allows.
        return random.chance(0.3) ? null : message;
      },
      tamper(outgoing, now) {
        const message = mayAct(now) ? waiting.shift() : undefined;
        if (message === undefined) return outgoing;
        const donor = past.like(message, means);
        const lie = readable(means, message, () => {
          if (way === 0) return usurped(message, pledge);
          if (way === 1) return spliced(message, donor, pledge, random);
          return rewritten(message, donor, pledge, random);
        });
        const to = others(means).filter(() => random.chance(0.7));
        const more = to.map((id) => ({ to: toReplica(id), message: lie, delayMs: 0 }));
        return [...more, ...outgoing];
      },
    };
  },

  /** Believes that clients asked for what none did. */
  invent(means: Means): Lie {
    const { random } = means;
    const bundles = new Hoard<Bundle>(32);
    const chance = random.pick([0.1, 0.4]);
    return {
      hears(_from, message) {
        const { body, authenticator } = message as Tagged & Record<string, unknown>;
        if (!(body instanceof Uint8Array && authenticator instanceof Uint8Array)) return message;
        const bundle = bundleOf({ body, authenticator });
        if (bundle === null) return message;
        bundles.put(bundle);
        if (!random.chance(chance)) return message;
        const { operations } = bundles.pick(random);
        const more = random.chance(0.6) ? 0 : 1 + random.below(2);
        const number = bundle.number + more;
        const session = bundle.session + (random.chance(0.1) ? 1 : 0);
        const invented = encodeBundle({ ...bundle, session, number, operations });
        return { ...message, body: invented } as Tagged;
      },
    };
  },
} satisfies Record<string, (means: Means) => Lie>;
