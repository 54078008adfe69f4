// Lies by saying something else than the machine says.

import type { Tagged } from "../../core/index.js";
import { certified, eachMessage, Hoard, type Lie, type Means, type Outgoing, whim } from "./lie.js";
import {
  copyOf,
  disarranged,
  emptied,
  isBare,
  mutate,
  numbersChanged,
  shorten,
  transplanted,
} from "./mutate.js";

const altering =
  (
    { protocol, random }: Means,
    isMeant: (outgoing: Outgoing) => boolean,
  ): NonNullable<Lie["tamper"]> =>
  (outgoing) =>
    outgoing.map((one) =>
      isMeant(one) ? { ...one, message: mutate(protocol.messages, one.message, random) } : one,
    );

const isBareFor =
  ({ prover }: Means) =>
  (message: Tagged): boolean =>
    isBare(message, (field) => prover.speakerOf(field) === prover.self);

/** What looks like state transfer, by the names of its kinds. */
const isState = ({ kind }: Tagged): boolean =>
  /state|page|chunk|piece|manifest|image|snapshot|transfer/i.test(kind);

export const spokenLies = {
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
    const { protocol, random } = means;
    const chance = random.pick([0.05, 0.3, 1]);
    return {
      tamper: eachMessage(whim(means, 0.3), (message) =>
        random.chance(chance) ? mutate(protocol.messages, message, random) : message,
      ),
    };
  },

  /**
   * Leaves things out of lists, the ends of them above all, and the counter certifies what remains.
   */
  conceal(means: Means): Lie {
    const { protocol, random } = means;
    const all = random.chance(0.4);
    return {
      tamper: eachMessage(whim(means, 0.5), (message) =>
        all ? emptied(message) : shorten(protocol.messages, message, random),
      ),
    };
  },

  /** The elements of lists in another order, twice, or beside others of long ago. */
  disarrange(means: Means): Lie {
    const { protocol, random } = means;
    const past = new Hoard<Tagged>(32);
    const chance = random.pick([0.2, 0.7]);
    return {
      tamper: eachMessage(whim(means, 0.5), (message) => {
        const donor = past.isEmpty ? message : past.pick(random);
        past.put(message);
        if (!random.chance(chance)) return message;
        return disarranged(protocol.messages, message, donor, random);
      }),
    };
  },

  /** Certificates and lists of long ago, its own or others', in what the counter certifies now. */
  transplant(means: Means): Lie {
    const { protocol, random, coven } = means;
    const chance = random.pick([0.2, 0.7]);
    return {
      tamper: eachMessage(whim(means, 0.5), (message) => {
        if (coven.seen.isEmpty || !random.chance(chance)) return message;
        const donors = Array.from({ length: 8 }, () => coven.seen.pick(random).message);
        return transplanted(protocol.messages, message, donors, random);
      }),
    };
  },

  /**
   * One thing to some and another to the rest: proofs, and certificates that do not move a counter,
   * are given for both; of the others the counter certifies one, and it is put on both.
   */
  equivocate(means: Means): Lie {
    const { protocol, random, notary } = means;
    const isMeant = whim(means, 0.4);
    const chance = random.pick([0.1, 0.3, 0.6]);
    return {
      tamper: (outgoing) =>
        outgoing.map((one) => {
          if (!isMeant(one.message) || !random.chance(chance)) return one;
          const copy = notary.renewed(copyOf(protocol.messages, one.message));
          return { ...one, message: certified(means, mutate(protocol.messages, copy, random)) };
        }),
    };
  },

  /** Beside each message that it may have certified or proved again: others, of other content. */
  vouch(means: Means): Lie {
    const { protocol, random, notary, prover } = means;
    const mayRepeat = (message: Tagged): boolean =>
      notary.hasOpen(message, "trusted-mac") || prover.says(message);
    const isFirst = random.chance(0.5);
    return {
      tamper: (outgoing) =>
        outgoing.flatMap((one) => {
          if (!random.chance(0.3) || !mayRepeat(one.message)) return [one];
          const copy = notary.renewed(copyOf(protocol.messages, one.message));
          const lie = { ...one, message: mutate(protocol.messages, copy, random) };
          return isFirst ? [lie, one] : [one, lie];
        }),
    };
  },

  /** What lists hold is not sent, only the certificate over it. */
  withholdBodies(means: Means): Lie {
    const isMeant = whim(means, 0.5);
    const toAll = means.random.chance(0.3);
    return {
      tamper: (outgoing) =>
        outgoing.map((one) =>
          isMeant(one.message) && (toAll || means.random.chance(0.5))
            ? { ...one, message: emptied(certified(means, one.message)) }
            : one,
        ),
    };
  },

  /** Wrong bytes, an old answer or less than asked for in what looks like state transfer. */
  corruptState(means: Means): Lie {
    const { protocol, random } = means;
    const past = new Hoard<Tagged>(16);
    const way = random.below(4);
    const corrupted = (message: Tagged): Tagged => {
      if (way === 0) return mutate(protocol.messages, message, random);
      if (way === 1) return shorten(protocol.messages, message, random);
      if (way === 2) return emptied(message);
      const donor = past.isEmpty ? message : past.pick(random);
      past.put(message);
      return donor.kind === message.kind ? donor : message;
    };
    return { tamper: eachMessage((one) => isState(one) && random.chance(0.8), corrupted) };
  },

  /**
   * Wrong about itself wherever nobody else's word is asked for: ahead or behind, full of suspicion
   * or of none, always about the same fields in the same way.
   */
  boast(means: Means): Lie {
    const { random, protocol } = means;
    const ways = new Map<string, (value: number) => number>();
    const wayOf = (field: string): ((value: number) => number) => {
      const step = random.pick([1, 2, 7, 100, 2 ** 40]);
      const known = ways.get(field);
      if (known !== undefined) return known;
      const way = random.pick<(value: number) => number>([
        (value) => value,
        (value) => value,
        (value) => value + step,
        (value) => Math.max(0, value - step),
        () => 0,
        (value) => value + random.below(4),
      ]);
      ways.set(field, way);
      return way;
    };
    return {
      tamper: eachMessage(isBareFor(means), (message) =>
        numbersChanged(protocol.messages, message, (name, value) =>
          wayOf(`${message.kind}.${name}`)(value),
        ),
      ),
    };
  },

  /** Votes for one view after the other, as fast as others follow. */
  agitate(means: Means): Lie {
    const { random, protocol } = means;
    const fields = new Map<string, boolean>();
    let ahead = 0;
    return {
      tamper: eachMessage(isBareFor(means), (message) => {
        if (random.chance(0.1)) ahead = random.below(6);
        return numbersChanged(protocol.messages, message, (name, value) => {
          const key = `${message.kind}.${name}`;
          let isRaised = fields.get(key);
          if (isRaised === undefined) fields.set(key, (isRaised = random.chance(0.4)));
          return isRaised ? value + ahead : value;
        });
      }),
    };
  },
} satisfies Record<string, (means: Means) => Lie>;
