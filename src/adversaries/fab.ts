// Lies for FaB only: what its recovery has to withstand. Votes for everything, proposals and plans
// of two minds, reports of another past, and commit proofs for few or of nothing.

import type { Request } from "../codec/index.js";
import { type ReplicaId, replicaIds, type Tagged } from "../core/index.js";
import { type Ballot, batchDigest, type Vote } from "../parts/index.js";
import { fab } from "../protocols/index.js";
import {
  atMostEvery,
  eachMessage,
  type Lie,
  type Means,
  others,
  type Outgoing,
  type Random,
  toReplica,
} from "../simulator/index.js";
import { FabMemory, keyOf, unproven } from "./fab-memory.js";
import { Pasts } from "./fab-pasts.js";
import { brokenReports, FabThief, falseProofs } from "./fab-reports.js";

type CommitProof = fab.CommitProof;
type FabMessage = fab.FabMessage;
type FabReport = fab.FabReport;
type Kind = FabMessage["kind"];
type Message<K extends Kind> = Extract<FabMessage, { kind: K }>;

const is = <K extends Kind>(message: Tagged, kind: K): message is Message<K> =>
  message.kind === kind;

type VoteKind = "accepted" | "signed-accepted" | "commit-proof";
const voteKinds: readonly VoteKind[] = ["accepted", "signed-accepted", "commit-proof"];

const isVote = (message: Tagged): message is Message<VoteKind> =>
  voteKinds.some((kind) => is(message, kind));

const to = (replica: ReplicaId, message: FabMessage): Outgoing => ({
  to: toReplica(replica),
  message,
  delayMs: 0,
});

/** A lie that remembers what it hears and what its machine says. */
function mindful(memory: FabMemory, { tamper, hears }: Pick<Lie, "tamper" | "hears">): Lie {
  return {
    hears(from, message, now) {
      memory.note(message);
      return hears === undefined ? message : hears(from, message, now);
    },
    tamper(outgoing, now) {
      for (const { message } of outgoing) memory.note(message);
      return tamper?.(outgoing, now) ?? outgoing;
    },
  };
}

/** Two camps of peers: the network's, where there are some, or its own. */
function camps(means: Means): (replica: ReplicaId, now: number) => boolean {
  const { random, coven } = means;
  const peers = random.shuffled(others(means));
  const own = new Set(peers.slice(0, 1 + random.below(peers.length)));
  return (replica, now) => {
    const camp = coven.campOf(replica, now);
    return camp === null || camp < 0 ? own.has(replica) : camp === 0;
  };
}

/** How a report tells the past of one order; `to` is the view it is for. */
type Telling = (order: number, to: number) => { accepted?: Ballot; proof?: CommitProof };

const tellings = {
  /** Nothing ever happened. */
  nothing: (): Telling => () => ({}),
  /** Nothing was proved. */
  unproved:
    (_memory: FabMemory, honest: Telling): Telling =>
    (order, view) => {
      const { accepted } = honest(order, view);
      return accepted === undefined ? {} : { accepted };
    },
  /** What was first, as if nothing had come after. */
  oldest:
    (memory: FabMemory): Telling =>
    (order, view) =>
      told(memory.ballots(order, view)[0], memory.proofs(order, view)[0]),
  /** What few accepted, as if it had been just now. */
  other:
    (memory: FabMemory, honest: Telling, random: Random): Telling =>
    (order, view) => {
      const { accepted } = honest(order, view);
      const known = memory.ballots(order, view).filter((one) => !isSame(one, accepted));
      if (known.length === 0) return told(accepted, undefined);
      const ballot = random.pick(known);
      return told(random.chance(0.5) ? { ...ballot, view: view - 1 } : ballot, undefined);
    },
  /** Anything that anybody accepted or proved. */
  anything:
    (memory: FabMemory, _honest: Telling, random: Random): Telling =>
    (order, view) => {
      const ballots = memory.ballots(order, view);
      const proofs = memory.proofs(order, view);
      return told(
        ballots.length === 0 ? undefined : random.pick(ballots),
        proofs.length === 0 || random.chance(0.4) ? undefined : random.pick(proofs),
      );
    },
} satisfies Record<string, (memory: FabMemory, honest: Telling, random: Random) => Telling>;

const told = (accepted: Ballot | undefined, proof: CommitProof | undefined) => ({
  ...(accepted === undefined ? {} : { accepted }),
  ...(proof === undefined ? {} : { proof }),
});

const isSame = (a: Ballot, b: Ballot | undefined): boolean =>
  b !== undefined && keyOf({ ...a, view: 0 }) === keyOf({ ...b, view: 0 });

/** A report of another past than its own. */
function misreported<R extends FabReport>(report: R, telling: Telling, orders: number[]): R {
  const about = [...report.accepted, ...report.proofs].map(({ order }) => order);
  const all = [...new Set([...about, ...orders])].toSorted((a, b) => a - b);
  const window = all.filter((order) => order > report.stable.order);
  const pasts = window.map((order) => telling(order, report.to));
  return {
    ...report,
    accepted: pasts.flatMap(({ accepted }) => accepted ?? []),
    proofs: pasts.flatMap(({ proof }) => proof ?? []),
  };
}

const honestly =
  ({ accepted, proofs }: FabReport): Telling =>
  (order) =>
    told(
      accepted.find((one) => one.order === order),
      proofs.find((one) => one.order === order),
    );

/** The same kind of false report all the run. */
function misreporting(means: Means, memory: FabMemory): <R extends FabReport>(report: R) => R {
  const { random, protocol, context, claimContext } = means;
  const make = random.pick(Object.values(tellings));
  return (report) => {
    const broken = brokenReports(means, memory, report);
    if (broken.length > 0 && random.chance(0.6)) return random.pick(broken);
    const telling = make(memory, honestly(report), random);
    const lie = misreported(report, telling, memory.orders());
    const message = { ...lie, kind: "view-change" };
    return protocol.claims(message, context.replica, claimContext) === null ? report : lie;
  };
}

function twoPasts(means: Means, isDecided: boolean): Lie {
  const memory = new FabMemory(means.context);
  const pasts = new Pasts(means, memory, isDecided);
  return mindful(memory, { tamper: (outgoing) => pasts.tell(outgoing) });
}

export const fabLies = {
  /** As leader: one batch to one camp, another to the other, and votes for each. */
  proposeTwo(means: Means): Lie {
    const { random, context } = means;
    const memory = new FabMemory(means.context);
    const isVictim = camps(means);
    const chance = random.pick([0.2, 0.6, 1]);
    const seconds = new Map<string, Ballot>();
    const most = Math.min(3, context.limits.batchRequestsMax);
    const second = ({ requests }: Message<"propose">): Request[] => {
      if (memory.requests.isEmpty || random.chance(0.3)) return requests.toReversed();
      return memory.someRequests(random, most);
    };
    const place = ({ view, order }: Ballot): string => `${view}/${order}`;
    return mindful(memory, {
      tamper(outgoing, now) {
        const lies = new Map<Tagged, Tagged>();
        for (const { message } of outgoing) {
          if (!is(message, "propose") || lies.has(message) || !random.chance(chance)) continue;
          const requests = second(message);
          const lie = { ...message, requests, batch: batchDigest(requests, context.hash) };
          lies.set(message, lie);
          memory.note(lie);
          seconds.set(place(message), lie);
          if (seconds.size > 64) seconds.delete([...seconds.keys()][0]!);
        }
        return outgoing.map((one) => {
          if (one.to.kind !== "replica" || !isVictim(one.to.replica, now)) return one;
          const lie = lies.get(one.message);
          if (lie !== undefined) return { ...one, message: lie };
          const other = isVote(one.message) ? seconds.get(place(one.message)) : undefined;
          return other === undefined
            ? one
            : { ...one, message: { ...one.message, batch: other.batch } as Tagged };
        });
      },
    });
  },

  /** Votes with everybody: whoever accepted something hears that the liar did as well. */
  agreeWithAll({ random, context }: Means): Lie {
    const waiting: Outgoing[] = [];
    const said = new Set<string>();
    const chances = new Map(voteKinds.map((kind) => [kind, random.pick([0, 0.5, 1])]));
    const isFriend = new Map<ReplicaId, boolean>();
    const agree = (from: ReplicaId, ballot: Ballot): void => {
      for (const kind of voteKinds) {
        const key = `${kind}/${from}/${keyOf(ballot)}`;
        if (said.has(key) || !random.chance(chances.get(kind)!)) continue;
        if (said.size > 4_096) said.clear();
        said.add(key);
        waiting.push(to(from, { ...unproven(ballot, context.replica), kind }));
      }
    };
    return {
      hears(from, message) {
        if (from === null || !(isVote(message) || is(message, "propose"))) return message;
        if (!isFriend.has(from)) isFriend.set(from, random.chance(0.7));
        if (isFriend.get(from) === true && waiting.length < 32) agree(from, message);
        return message;
      },
      tamper: (outgoing) => [...outgoing, ...waiting.splice(0)],
    };
  },

  /** F1: reports another past than its own when views change. */
  misreport(means: Means): Lie {
    const memory = new FabMemory(means.context);
    const lieOf = misreporting(means, memory);
    const tamper = eachMessage(
      (message) => is(message, "view-change"),
      (message) => (is(message, "view-change") ? lieOf(message) : message),
    );
    return mindful(memory, { tamper });
  },

  /** F1: as leader, begins its view for each camp with another report of its own. */
  twoPlans(means: Means): Lie {
    const memory = new FabMemory(means.context);
    const lieOf = misreporting(means, memory);
    const isVictim = camps(means);
    const { replica } = means.context;
    return mindful(memory, {
      tamper(outgoing, now) {
        const lies = new Map<Tagged, Tagged>();
        return outgoing.map((one) => {
          const { message } = one;
          if (!is(message, "new-view") || one.to.kind !== "replica") return one;
          if (!isVictim(one.to.replica, now)) return one;
          if (!lies.has(message)) {
            const reports = message.reports.map((report) =>
              report.replica === replica ? lieOf(report) : report,
            );
            lies.set(message, { ...message, reports } as Tagged);
          }
          return { ...one, message: lies.get(message)! };
        });
      },
    });
  },

  /** Reports commit proofs of too few, of others' acceptances of other things, or of its own. */
  forgeProofs(means: Means): Lie {
    const { random, protocol, context, claimContext } = means;
    const memory = new FabMemory(means.context);
    const isRead = (message: Tagged): boolean =>
      protocol.claims(message, context.replica, claimContext) !== null;
    const lies = (message: Message<"view-change">): Message<"view-change">[] => {
      const window = memory.orders().filter((order) => order > message.stable.order);
      if (window.length === 0) return [];
      const order = random.pick(window);
      const known = memory.ballots(order, message.to);
      const batch = known.length === 0 || random.chance(0.2) ? random.bytes(32) : null;
      const ballot = { ...(batch === null ? random.pick(known) : { order, batch }) };
      const view = random.chance(0.5) ? message.to - 1 : random.below(message.to);
      const { proofs } = message;
      return falseProofs({ view, ...ballot }, means, memory).map((proof) => ({
        ...message,
        proofs: [...proofs.filter((one) => one.order !== order), proof].toSorted(
          (a, b) => a.order - b.order,
        ),
      }));
    };
    const tamper = eachMessage(
      (message) => is(message, "view-change"),
      (message) =>
        is(message, "view-change")
          ? (random.shuffled(lies(message)).find(isRead) ?? message)
          : message,
    );
    return mindful(memory, { tamper });
  },

  /** F1: two pasts of an order; the proof of one is shown when the other has prevailed. */
  hideProof: (means: Means): Lie => twoPasts(means, false),

  /** F1: two pasts of an order; one peer decides one of them, and the other is reported. */
  denyProof: (means: Means): Lie => twoPasts(means, true),

  /** Begins its views without what was accepted, and proposes something else there. */
  stealOrders(means: Means): Lie {
    const memory = new FabMemory(means.context);
    const thief = new FabThief(means, memory);
    return mindful(memory, { tamper: (outgoing) => thief.tell(outgoing) });
  },

  /** As leader: one batch to one camp, another to the other, and the votes that each would like. */
  twoCamps(means: Means): Lie {
    const { random, context } = means;
    const memory = new FabMemory(means.context);
    const isVictim = camps(means);
    // In its own name, or in everybody's.
    const names = random.chance(0.6) ? [context.replica] : replicaIds(context.n);
    const chance = random.pick([0.3, 1]);
    const votes = (ballot: Ballot): Tagged[] =>
      voteKinds.flatMap((kind) => names.map((id) => ({ ...unproven(ballot, id), kind }) as Tagged));
    return mindful(memory, {
      tamper(outgoing, now) {
        const seconds = new Map<Tagged, Tagged & Ballot>();
        return outgoing.flatMap((one) => {
          const { message, to: at } = one;
          if (!is(message, "propose") || at.kind !== "replica" || memory.requests.isEmpty) {
            return [one];
          }
          if (!seconds.has(message)) {
            const requests = memory.someRequests(random, 1);
            const second = { ...message, requests, batch: batchDigest(requests, context.hash) };
            seconds.set(message, random.chance(chance) ? second : message);
          }
          const told = isVictim(at.replica, now) ? seconds.get(message)! : message;
          return [told, ...votes(told)].map((said) => ({ ...one, message: said }));
        });
      },
    });
  },

  /** Reports in others' names that nothing was accepted. */
  impersonate(means: Means): Lie {
    const { random, context } = means;
    const memory = new FabMemory(means.context);
    const mayAct = atMostEvery(context.timing.statusMs * random.pick([0.2, 1]));
    let view = 0;
    return mindful(memory, {
      tamper(outgoing, now) {
        for (const { message } of outgoing) if (is(message, "status")) ({ view } = message);
        if (!mayAct(now)) return outgoing;
        const { stable } = memory;
        const empty = { to: view + 1, stable, accepted: [], proofs: [], proof: new Uint8Array(0) };
        const lies = replicaIds(context.n).flatMap((replica) =>
          others(means).map((peer) => to(peer, { ...empty, replica, kind: "view-change" })),
        );
        return [...outgoing, ...lies];
      },
    });
  },

  /** Says some things to few: one peer alone has a decision, or a proof. */
  favour(means: Means): Lie {
    const { random } = means;
    const kinds = [...voteKinds, "propose", "new-view", "view-change"].filter(() =>
      random.chance(0.4),
    );
    const favourites = new Map<number, Set<ReplicaId>>();
    const isSteady = random.chance(0.5);
    const drawn = (order: number): Set<ReplicaId> => {
      const key = isSteady ? 0 : order;
      let set = favourites.get(key);
      if (set === undefined) {
        set = new Set(random.shuffled(others(means)).slice(0, random.pick([0, 1, 1, 2])));
        favourites.set(key, set);
        if (favourites.size > 256) favourites.delete([...favourites.keys()][0]!);
      }
      return set;
    };
    return {
      tamper: (outgoing) =>
        outgoing.filter(({ message, to: at }) => {
          if (at.kind !== "replica" || !kinds.includes(message.kind)) return true;
          const { order = 0 } = message as Tagged & { order?: number };
          return drawn(order).has(at.replica);
        }),
    };
  },

  /** Begins the slow path at once, with proofs that it has not. */
  hurry({ random, context }: Means): Lie {
    const chance = random.pick([0.3, 1]);
    const isProving = random.chance(0.7);
    return {
      tamper: (outgoing) =>
        outgoing.flatMap((one) => {
          const { message } = one;
          if (!is(message, "accepted") && !is(message, "propose")) return [one];
          if (one.to.kind !== "replica" || !random.chance(chance)) return [one];
          const vote: Vote = unproven(message, context.replica);
          const early = [{ ...one, message: { ...vote, kind: "signed-accepted" } as Tagged }];
          if (isProving) early.push({ ...one, message: { ...vote, kind: "commit-proof" } });
          return [one, ...early];
        }),
    };
  },
} satisfies Record<string, (means: Means) => Lie>;
