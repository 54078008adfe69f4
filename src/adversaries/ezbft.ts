// Lies for ezBFT only: well-formed, well-signed messages that say what is not so, to those whom it
// suits. First those of owners, then those of everybody, then those in owner changes.

import type { Request } from "../codec/index.js";
import { type ReplicaId, type Tagged } from "../core/index.js";
import { ezbft } from "../protocols/index.js";
import {
  atMostEvery,
  eachMessage,
  Hoard,
  type Lie,
  type Means,
  others,
  type Outgoing,
  type Random,
} from "../simulator/index.js";
import { ezbftForging, type EzbftMessage, type Message } from "./ezbft-forge.js";
import { to } from "./leader.js";

const is = <K extends EzbftMessage["kind"]>(message: Tagged, kind: K): message is Message<K> =>
  message.kind === kind;

/** What comes before it, otherwise than seen: nothing, less, more, or what is not there. */
function otherwise(
  { space, slot, dependencies }: ezbft.Ballot,
  random: Random,
): Pick<ezbft.Ballot, "dependencies" | "sequence"> {
  const change = random.pick<(last: number) => number>([
    () => 0,
    (last) => Math.max(0, last - 1),
    (last) => last + random.below(3),
    (last) => (random.chance(0.2) ? last + 1_000 : last),
  ]);
  const changed = dependencies.map((last, of) =>
    of === space ? Math.min(change(last), slot - 1) : change(last),
  );
  return { dependencies: changed, sequence: random.pick([0, 1, random.below(100), 2 ** 40]) };
}

/** One half of the others. */
function campOf(means: Means): ReadonlySet<ReplicaId> {
  return new Set(others(means).filter(() => means.random.chance(0.5)));
}

const isFor = (camp: ReadonlySet<ReplicaId>, { to: at }: Outgoing): boolean =>
  at.kind === "replica" && camp.has(at.replica);

/** Tells a camp something else in place of each message that is meant; all of it the same. */
function forCamp(
  camp: ReadonlySet<ReplicaId>,
  other: (message: Tagged) => Tagged,
): NonNullable<Lie["tamper"]> {
  return (outgoing) => {
    const changed = new Map<Tagged, Tagged>();
    return outgoing.map((one) => {
      if (!isFor(camp, one)) return one;
      let message = changed.get(one.message);
      if (message === undefined) changed.set(one.message, (message = other(one.message)));
      return { ...one, message };
    });
  };
}

const ofOwners = {
  /** E1, E5: at one slot another batch for a camp, or for each of them. */
  equivocate(means: Means): Lie {
    const { random, context } = means;
    const forge = ezbftForging(context);
    const requests = new Hoard<Request>(64);
    const chance = random.pick([0.1, 0.5, 1]);
    const isThreeWay = random.chance(0.4);
    const other = (message: Tagged): Tagged => {
      if (!is(message, "spec-order") || requests.isEmpty || !random.chance(chance)) return message;
      return forge.order(message, random.chance(0.2) ? [] : [requests.pick(random)]);
    };
    const tamper = forCamp(campOf(means), other);
    return {
      hears(_from, message) {
        if (is(message, "request")) requests.put(message);
        return message;
      },
      tamper: (outgoing, now) =>
        isThreeWay
          ? outgoing.map((one) => ({ ...one, message: other(one.message) }))
          : tamper(outgoing, now),
    };
  },

  /** E2, E7: one batch with other dependencies or another number, for all or for a camp. */
  misplace(means: Means): Lie {
    const { random, context } = means;
    const forge = ezbftForging(context);
    const camp = random.chance(0.5) ? campOf(means) : new Set(others(means));
    const chance = random.pick([0.1, 0.5, 1]);
    return {
      tamper: forCamp(camp, (message) =>
        is(message, "spec-order") && random.chance(chance)
          ? forge.order({ ...message, ...otherwise(message, random) }, message.requests)
          : message,
      ),
    };
  },

  /** Orders what only some hear of, and says the rest late or never. */
  withhold({ random, context }: Means): Lie {
    const kinds = random.pick([["spec-order"], ["propose"], ["spec-order", "propose"], ["commit"]]);
    const friends = random.below(context.n);
    const delayMs = random.pick([null, 5, 50]);
    return {
      tamper: (outgoing) =>
        outgoing.flatMap((one) => {
          const isMeant = kinds.includes(one.message.kind) && one.to.kind === "replica";
          if (!isMeant || one.to.replica < friends) return [one];
          return delayMs === null ? [] : [{ ...one, delayMs }];
        }),
    };
  },

  /** Hears clients, and orders nothing; or takes over a space and begins nothing there. */
  silentOwner({ random }: Means): Lie {
    const kinds = random.pick([
      ["spec-order"],
      ["new-view"],
      ["propose"],
      ["spec-order", "new-view"],
    ]);
    const chance = random.pick([0.3, 1]);
    let isSilent = true;
    return {
      tamper(outgoing) {
        if (random.chance(0.1)) isSilent = random.chance(chance);
        return isSilent
          ? outgoing.filter(({ message }) => !kinds.includes(message.kind))
          : outgoing;
      },
    };
  },

  /** E1, E2: of what others said of an order two different quorums, for two camps. */
  twoProposals(means: Means): Lie {
    const { random, context } = means;
    const forge = ezbftForging(context);
    const camp = campOf(means);
    const opinions = new Map<string, Message<"ack">[]>();
    const keyOf = ({ space, slot, view }: { space: number; slot: number; view: number }) =>
      `${space} ${slot} ${view}`;
    const another = (message: Message<"propose">): Message<"propose"> => {
      const said = opinions.get(keyOf(message)) ?? [];
      const own = message.opinions.find(({ replica }) => replica === context.replica);
      const mine = forge.ack({
        ...message,
        ...otherwise({ ...message, ...(own ?? message.opinions[0]!) }, random),
      });
      const all = [mine, ...said.filter(({ replica }) => replica !== context.replica)];
      const byReplica = new Map(random.shuffled(all).map((one) => [one.replica, one]));
      const quorum = [mine, ...[...byReplica.values()].filter((one) => one !== mine)];
      const chosen = quorum.slice(0, context.n - context.f).map(withoutBallot);
      return chosen.length < context.n - context.f ? message : { ...message, opinions: chosen };
    };
    return {
      hears(_from, message) {
        if (is(message, "ack")) {
          const key = keyOf(message);
          opinions.set(key, [...(opinions.get(key) ?? []).slice(-8), message]);
          if (opinions.size > 64) opinions.delete(opinions.keys().next().value!);
        }
        return message;
      },
      tamper: forCamp(camp, (message) => (is(message, "propose") ? another(message) : message)),
    };
  },

  /** Orders barriers in place of requests. */
  barriers({ random, context }: Means): Lie {
    const chance = random.pick([0.2, 1]);
    const digest = ezbft.barrierDigest(context.hash);
    const sign = (message: Message<"spec-order">): Tagged => {
      const ballot = { ...ezbft.ballotIn(message), batch: digest };
      const proof = context.identity.sign(ezbft.proven.order(ballot, context.hash));
      return { kind: "spec-order", ...ballot, proof, requests: [] } as Tagged;
    };
    return {
      tamper: eachMessage(
        (message) => is(message, "spec-order"),
        (message) => (is(message, "spec-order") && random.chance(chance) ? sign(message) : message),
      ),
    };
  },
};

const withoutBallot = ({
  replica,
  dependencies,
  sequence,
  proof,
}: Message<"ack">): ezbft.Opinion => ({
  replica,
  dependencies,
  sequence,
  proof,
});

const ofEverybody = {
  /** E2, E3, E4: says of what comes before an order what it did not see. */
  falseOpinions(means: Means): Lie {
    const { random, context } = means;
    const forge = ezbftForging(context);
    const chance = random.pick([0.2, 1]);
    const isBlind = random.chance(0.4);
    const nothing = { dependencies: new Array<number>(context.n).fill(0), sequence: 1 };
    const tamper = eachMessage(
      (message) => is(message, "ack"),
      (message) => {
        if (!is(message, "ack") || !random.chance(chance)) return message;
        const said = isBlind ? nothing : otherwise(message, random);
        return forge.ack({ ...message, ...said });
      },
    );
    return { tamper };
  },

  /** E2: agrees with its owner at first, and later, when more is known, says something else. */
  secondThoughts(means: Means): Lie {
    const { random, context } = means;
    const forge = ezbftForging(context);
    const said = new Hoard<Message<"ack">>(16);
    const tops = new Array<number>(context.n).fill(0);
    const mayAct = atMostEvery(3);
    return {
      hears(_from, message) {
        if (is(message, "spec-order")) {
          tops[message.space] = Math.max(tops[message.space] ?? 0, message.slot);
        }
        return message;
      },
      tamper(outgoing, now) {
        for (const { message } of outgoing) if (is(message, "ack")) said.put(message);
        if (said.isEmpty || !mayAct(now)) return outgoing;
        const past = said.pick(random);
        const dependencies = tops.map((top, of) =>
          of === past.space ? past.dependencies[of]! : top,
        );
        const later = forge.ack({ ...past, dependencies, sequence: 1 + random.below(200) });
        return [...outgoing, to(ezbft.ownerOf(past.space, past.view, context.n), later)];
      },
    };
  },

  /** Votes for whatever anybody votes for, as often as that. */
  voteForAll(means: Means): Lie {
    const { random, context } = means;
    const forge = ezbftForging(context);
    const friends = others(means).filter(() => random.chance(0.7));
    const waiting: EzbftMessage[] = [];
    return {
      hears(_from, message) {
        if (is(message, "prepare") || is(message, "commit")) {
          const ballot = ezbft.ballotIn(message);
          waiting.push(forge.prepare(ballot), { kind: "commit", ...ballot });
        }
        return message;
      },
      tamper(outgoing) {
        const said = waiting.splice(0).slice(-8);
        return [...outgoing, ...said.flatMap((one) => friends.map((peer) => to(peer, one)))];
      },
    };
  },

  /** Says that something was decided that was not. */
  decideAnything(means: Means): Lie {
    const { random } = means;
    const values = new Hoard<ezbft.Ballot>(32);
    const mayAct = atMostEvery(5);
    const peers = others(means);
    return {
      hears(_from, message) {
        if (is(message, "spec-order") || is(message, "ack")) values.put(message);
        return message;
      },
      tamper(outgoing, now) {
        if (values.isEmpty || !mayAct(now)) return outgoing;
        const ballot = values.pick(random);
        const { space, slot, batch } = random.chance(0.5) ? ballot : values.pick(random);
        const value = random.chance(0.5) ? ballot : { ...ballot, ...otherwise(ballot, random) };
        const { dependencies, sequence } = value;
        if (dependencies[space]! >= slot) return outgoing;
        const message = { kind: "decided", space, slot, batch, dependencies, sequence } as const;
        return [...outgoing, ...peers.map((peer) => to(peer, message))];
      },
    };
  },

  /** Answers clients with other results, or with others' answers to what it saw. */
  falseAnswers({ random }: Means): Lie {
    const chance = random.pick([0.1, 0.5, 1]);
    const past = new Hoard<Message<"spec-reply">>(32);
    const tamper = eachMessage(
      (message) => is(message, "spec-reply"),
      (message) => {
        if (!is(message, "spec-reply")) return message;
        const old = past.isEmpty ? message : past.pick(random);
        past.put(message);
        if (!random.chance(chance)) return message;
        return random.pick<() => Tagged>([
          () => ({ ...message, results: old.results }),
          () => ({ ...message, order: old.order }),
          () => ({ ...message, sequence: message.sequence + 1 }),
          () => ({ ...message, dependencies: old.dependencies }),
          () => ({ ...message, outcome: 1, results: [] }),
        ])();
      },
    );
    return { tamper };
  },
};

const inOwnerChanges = {
  /** Wants every space to change hands. */
  impatient({ random }: Means): Lie {
    const chance = random.pick([0.3, 1]);
    const tamper = eachMessage(
      (message) => is(message, "status"),
      (message) => {
        if (!is(message, "status")) return message;
        const spaces = message.spaces.map((one) =>
          random.chance(chance) ? { ...one, suspects: one.entered + 1 } : one,
        );
        return { ...message, spaces };
      },
    );
    return { tamper };
  },

  /** Reports less than it has, or what it had once: no certificate, fewer slots, other answers. */
  forgetful(means: Means): Lie {
    const { random, context } = means;
    const forge = ezbftForging(context);
    const older: ezbft.Report[] = [];
    const drop = (entry: ezbft.Entry): ezbft.Entry => ({
      ...entry,
      prepared: random.chance(0.5) ? [] : entry.prepared,
      acked: random.chance(0.3) ? [] : entry.acked.map((one) => altered(entry.slot, one)),
    });
    const altered = (slot: number, one: ezbft.Entry["acked"][number]) =>
      random.chance(0.6) ? one : { ...one, ...otherwise({ ...one, space: 0, slot }, random) };
    const less = (own: ezbft.Report): Message<"view-change"> => {
      const entries = own.entries.filter(() => random.chance(0.8)).map(drop);
      const top = random.pick([own.top, own.shown.stable.order === 0 ? 0 : own.top, own.top + 50]);
      const safe = entries.map((entry) => ({
        ...entry,
        acked: entry.acked.filter((one) => one.dependencies[own.space]! < entry.slot),
      }));
      return forge.report({ ...own, top, entries: safe });
    };
    const tamper = eachMessage(
      (message) => is(message, "view-change"),
      (message) => {
        if (!is(message, "view-change")) return message;
        const past = older.filter(
          ({ space, to: view }) => space === message.space && view < message.to,
        );
        older.push(message);
        if (older.length > 64) older.shift();
        if (past.length === 0 || random.chance(0.5)) return less(message);
        return forge.report({ ...random.pick(past), to: message.to });
      },
    );
    return { tamper };
  },

  /** Reports for some what others reported. */
  othersReport(means: Means): Lie {
    const { random, context } = means;
    const forge = ezbftForging(context);
    const reports = new Hoard<ezbft.Report>(16);
    return {
      hears(_from, message) {
        if (is(message, "view-change")) reports.put(message);
        if (is(message, "new-view")) for (const one of message.reports) reports.put(one);
        return message;
      },
      tamper: (outgoing) =>
        outgoing.map((one) => {
          const { message } = one;
          if (!is(message, "view-change") || reports.isEmpty || random.chance(0.3)) return one;
          const other = reports.pick(random);
          if (other.space !== message.space) return one;
          return { ...one, message: forge.report({ ...other, to: message.to }) };
        }),
    };
  },

  /** E4, E5: begins its views with other reports for a camp, its own among them. */
  twoBeginnings(means: Means): Lie {
    const { random, context } = means;
    const forge = ezbftForging(context);
    const reports = new Map<string, ezbft.Report>();
    const another = (message: Message<"new-view">): Tagged => {
      const known = [...reports.values()].filter(
        ({ space, to: view }) => space === message.space && view === message.view,
      );
      const own = message.reports.find(({ replica }) => replica === context.replica);
      const mine = own && forge.report({ ...own, entries: [] });
      const rest = random.shuffled(known).filter(({ replica }) => replica !== context.replica);
      const chosen = [...(mine === undefined ? [] : [mine]), ...rest];
      const quorum = chosen
        .slice(0, context.n - context.f)
        .toSorted((a, b) => a.replica - b.replica);
      if (quorum.length < context.n - context.f) return message;
      return forge.newOwner(message.space, message.view, quorum.map(bare));
    };
    return {
      hears(_from, message) {
        if (is(message, "view-change")) {
          reports.set(`${message.space} ${message.replica}`, bare(message));
        }
        return message;
      },
      tamper: forCamp(campOf(means), (message) =>
        is(message, "new-view") && message.reports.length > 0 ? another(message) : message,
      ),
    };
  },
};

const bare = ({
  replica,
  space,
  to: view,
  shown,
  top,
  entries,
  proof,
}: ezbft.Report): ezbft.Report => ({
  replica,
  space,
  to: view,
  shown,
  top,
  entries,
  proof,
});

export const ezbftLies = { ...ofOwners, ...ofEverybody, ...inOwnerChanges };
