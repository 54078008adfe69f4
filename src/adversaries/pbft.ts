// Lies for PBFT only: well-formed, well-proven messages that say what is not so, to those whom it
// suits.

import { bundleOf, encodeBundle, type Request } from "../codec/index.js";
import { type Tagged, toHex } from "../core/index.js";
import { type Ballot, batchDigest, leaderOf } from "../parts/index.js";
import { pbft } from "../protocols/index.js";
import {
  atMostEvery,
  eachMessage,
  type Lie,
  type Means,
  others,
  type Outgoing,
} from "../simulator/index.js";
import { dawdle, leaderLies, to } from "./leader.js";
import { forging } from "./pbft-forge.js";
import { is, isBallot, PbftMemory } from "./pbft-memory.js";
import { PbftPasts } from "./pbft-pasts.js";
import { beginning, falseReport } from "./pbft-reports.js";
import { PbftThief } from "./pbft-thief.js";
import { nothingStable } from "./stable-memory.js";

const { decide } = pbft;
type PbftReport = pbft.PbftReport;

function mindful(memory: PbftMemory, { tamper, hears }: Pick<Lie, "tamper" | "hears">): Lie {
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

const ballotLies = {
  /** As leader, one batch for some and another for the rest; and the votes that each would like. */
  twoCamps(means: Means): Lie {
    const { random, context } = means;
    const forge = forging(context);
    const memory = new PbftMemory(means.context);
    const chance = random.pick([0.3, 1]);
    const votes = (ballot: Ballot): Tagged[] => [
      { kind: "commit", ...forge.commit(ballot) } as Tagged,
      { kind: "prepare", ...forge.prepare(ballot) } as Tagged,
    ];
    const agreed = new Set<string>();
    const waiting: Outgoing[] = [];
    return mindful(memory, {
      hears(from, message) {
        if (from === null || !isBallot(message)) return message;
        const key = `${from}/${message.view}/${message.order}/${toHex(message.batch)}`;
        if (agreed.size > 4_096) agreed.clear();
        if (!agreed.has(key)) waiting.push(...votes(message).map((vote) => to(from, vote)));
        agreed.add(key);
        return message;
      },
      tamper: (outgoing) => {
        const camp = new Set(others(means).filter(() => random.chance(0.5)));
        const replaced = new Map<Tagged, (Ballot & { readonly message: Tagged }) | null>();
        const told = outgoing.flatMap((one) => {
          const { message, to: at } = one;
          if (!is(message, "pre-prepare") || at.kind !== "replica" || memory.requests.isEmpty) {
            return [one];
          }
          let other = replaced.get(message);
          if (other === undefined) {
            const batch = [...message.requests.slice(1), memory.requests.pick(random)];
            const second = forge.prePrepare(message.view, message.order, batch);
            other = random.chance(chance)
              ? { ...second, message: { kind: "pre-prepare", ...second } as Tagged }
              : null;
            replaced.set(message, other);
          }
          if (other === null) return [one];
          const mine = camp.has(at.replica) ? other : { ...message, message };
          return [mine.message, ...votes(mine)].map((said) => ({ ...one, message: said }));
        });
        return [...told, ...waiting.splice(0)];
      },
    });
  },

  /** Prepares and commits whatever anybody speaks of, also what it has not, to some or to all. */
  voteForAll(means: Means): Lie {
    const { random, context } = means;
    const forge = forging(context);
    const waiting: Ballot[] = [];
    const friends = others(means).filter(() => random.chance(0.7));
    const chance = random.pick([0.2, 1]);
    return {
      hears(_from, message) {
        if (isBallot(message) && random.chance(chance)) waiting.push(message);
        if (is(message, "new-view")) {
          const { f, hash } = context;
          const noop = batchDigest([], hash);
          const { base = 0, batches = [] } = decide(message.reports, f, noop) ?? {};
          for (const [index, batch] of batches.entries()) {
            waiting.push({ view: message.view, order: base + 1 + index, batch });
          }
        }
        return message;
      },
      tamper(outgoing) {
        const votes = waiting.splice(0).flatMap((ballot): Tagged[] => {
          const commit = { kind: "commit", ...forge.commit(ballot) } as Tagged;
          const prepare = { kind: "prepare", ...forge.prepare(ballot) } as Tagged;
          return leaderOf(ballot.view, context.n) === context.replica
            ? [commit]
            : [prepare, commit];
        });
        return [...outgoing, ...votes.flatMap((vote) => friends.map((peer) => to(peer, vote)))];
      },
    };
  },

  /** As leader, proposals for orders to come, others for everybody, which nobody can execute. */
  stuff(means: Means): Lie {
    const { random, context } = means;
    const forge = forging(context);
    const memory = new PbftMemory(means.context);
    const window = 2 * context.limits.checkpointOrders;
    return mindful(memory, {
      tamper: (outgoing) =>
        outgoing.flatMap((one) => {
          const { message } = one;
          if (!is(message, "pre-prepare") || !random.chance(0.3)) return [one];
          const count = 1 + random.below(Math.min(8, window));
          const more = Array.from({ length: count }, (_, index) => {
            const size = Math.min(8, context.limits.batchRequestsMax);
            const batch = Array.from({ length: 1 + random.below(size) }, () =>
              memory.requests.pick(random),
            );
            const lie = forge.prePrepare(message.view, message.order + 1 + index, batch);
            return { ...one, message: { kind: "pre-prepare", ...lie } as Tagged };
          });
          return [one, ...more];
        }),
    });
  },

  /** As leader, requests of sessions that no client has. */
  inventRequests({ random, context }: Means): Lie {
    const forge = forging(context);
    const chance = random.pick([0.1, 0.5]);
    const invented = (request: Request): Request => {
      const bundle = bundleOf(request);
      if (bundle === null) return request;
      const session = bundle.session + 1 + random.below(100);
      return { ...request, body: encodeBundle({ ...bundle, session, number: 1 }) };
    };
    const tamper = eachMessage(
      (message) => is(message, "pre-prepare") && random.chance(chance),
      (message) => {
        if (!is(message, "pre-prepare")) return message;
        const { view, order, requests } = message;
        return { kind: "pre-prepare", ...forge.prePrepare(view, order, requests.map(invented)) };
      },
    );
    return { tamper };
  },

  /** Proposes to as many as it takes without one, or to fewer. */
  proposeToSome(means: Means): Lie {
    const { random } = means;
    const deaf = new Set(others(means).filter(() => random.chance(0.4)));
    const isMeant = ({ to: at, message }: Outgoing) =>
      is(message, "pre-prepare") && at.kind === "replica" && deaf.has(at.replica);
    return { tamper: (outgoing) => outgoing.filter((one) => !isMeant(one)) };
  },
} satisfies Record<string, (means: Means) => Lie>;

function denying(means: Means, isLate: boolean): Lie {
  const memory = new PbftMemory(means.context);
  const pasts = new PbftPasts(means, memory, isLate);
  return mindful(memory, { tamper: (outgoing) => pasts.tell(outgoing) });
}

const viewLies = {
  /** Reports what it did not prepare, or not what it did, and to some something else. */
  falseReports(means: Means): Lie {
    const { random } = means;
    const memory = new PbftMemory(means.context);
    const toEach = random.chance(0.4);
    return mindful(memory, {
      tamper: (outgoing) => {
        const made = new Map<Tagged, Tagged>();
        return outgoing.map((one) => {
          const { message } = one;
          if (!is(message, "view-change")) return one;
          let lie = toEach ? undefined : made.get(message);
          if (lie === undefined) {
            const report = falseReport(means, memory, message);
            made.set(message, (lie = { kind: "view-change", ...report } as Tagged));
          }
          return { ...one, message: lie };
        });
      },
    });
  },

  /** Begins its views from reports that suit it, from different ones for some, or not for all. */
  chosenReports(means: Means): Lie {
    const { random, context } = means;
    const memory = new PbftMemory(means.context);
    const { n } = context;
    const toAll = random.chance(0.6);
    return mindful(memory, {
      tamper: (outgoing) =>
        outgoing.flatMap((one) => {
          const { message } = one;
          if (!is(message, "new-view") || leaderOf(message.view, n) !== context.replica)
            return [one];
          const lie = beginning(means, memory, message.view) ?? message;
          if (toAll || random.chance(0.5)) return [{ ...one, message: lie }];
          return random.chance(0.5) ? [] : [one, { ...one, message: lie }];
        }),
    });
  },

  /** Begins its views without what was decided, and proposes something else there. */
  stealOrders(means: Means): Lie {
    const memory = new PbftMemory(means.context);
    const thief = new PbftThief(means, memory);
    return mindful(memory, { tamper: (outgoing) => thief.tell(outgoing) });
  },

  /**
   * Begins views that others lead, for one peer and before them: its own report they never get, and
   * so wait for one more. Nor does it vote: two of those who do are at odds.
   */
  usurpView(means: Means): Lie {
    const { random, context } = means;
    const { n, f, hash, replica } = context;
    const memory = new PbftMemory(context);
    const isSilent = random.chance(0.8);
    const isKept = ({ message }: Outgoing): boolean =>
      isSilent && (is(message, "view-change") || is(message, "prepare") || is(message, "commit"));
    const planOf = (reports: readonly PbftReport[]): string =>
      (decide(reports, f, batchDigest([], hash))?.batches ?? []).map(toHex).join(" ");
    let usurped = 0;
    return mindful(memory, {
      tamper: (outgoing) => {
        const said = outgoing.filter((one) => !isKept(one));
        const view = memory.lastReported;
        const genuine = memory.reportsFor(view).filter((report) => report.replica !== replica);
        if (view <= usurped || genuine.length < n - f - 1) return said;
        usurped = view;
        const plan = planOf(genuine);
        const lie = beginning(means, memory, view, ({ reports }) => planOf(reports) !== plan);
        const victims = others(means).filter((peer) => peer !== leaderOf(view, n));
        return lie === null ? said : [...said, to(random.pick(victims), lie)];
      },
    });
  },

  /** Speaks in others' names: proposals, votes, reports, checkpoints. */
  impersonate(means: Means): Lie {
    const { random, context } = means;
    const memory = new PbftMemory(means.context);
    const forge = forging(context);
    const mayAct = atMostEvery(context.timing.statusMs * random.pick([0.05, 0.2, 1]));
    const kind = random.pick(["proposal", "votes", "reports", "checkpoints"] as const);
    let [view, last, stable] = [0, 0, 0];
    const proposals = (): Outgoing[] =>
      others(means).flatMap((peer) =>
        [1, 2, 3].map((ahead) => {
          const batch = [memory.requests.pick(random)];
          const lie = forge.prePrepare(view, last + ahead, batch);
          return to(peer, { kind: "pre-prepare", ...lie } as Tagged);
        }),
      );
    const inNames = (message: Tagged): Outgoing[] =>
      others(means).flatMap((replica) =>
        others(means).map((peer) => to(peer, { ...message, replica } as Tagged)),
      );
    const votes = (): Outgoing[] => {
      const { batch, order } = memory.ballots.pick(random);
      const ballot = { view, order: random.pick([order, last + 1]), batch };
      return [
        ...inNames({ kind: "prepare", ...forge.prepare(ballot) } as Tagged),
        ...inNames({ kind: "commit", ...forge.commit(ballot) } as Tagged),
      ];
    };
    const reports = (): Outgoing[] => {
      const content = { to: view + 1, stable: nothingStable, prepared: [], seen: [] };
      const own = { kind: "view-change", ...forge.report(content) } as Tagged;
      return [...others(means).map((peer) => to(peer, own)), ...inNames(own)];
    };
    const checkpoints = (): Outgoing[] => {
      const order = stable + context.limits.checkpointOrders;
      return inNames({
        kind: "checkpoint",
        ...forge.checkpoint(order, random.bytes(32)),
      } as Tagged);
    };
    return mindful(memory, {
      tamper: (outgoing, now) => {
        for (const { message } of outgoing) {
          if (is(message, "status")) ({ view, executed: last, stable } = message);
          if (isBallot(message)) last = Math.max(last, message.order);
        }
        if (!mayAct(now) || memory.ballots.isEmpty || memory.requests.isEmpty) return outgoing;
        const make = { proposal: proposals, votes, reports, checkpoints }[kind];
        return [...outgoing, ...make()];
      },
    });
  },

  /** One peer alone decides an order, and whoever does not ask it is told otherwise. */
  denyDecision: (means: Means) => denying(means, false),

  /** So that one peer may decide just when the others have left the view. */
  decideLate: (means: Means) => denying(means, true),

  slowly: dawdle("pre-prepare"),
} satisfies Record<string, (means: Means) => Lie>;

/** The habits of liars in a PBFT cluster. */
export const pbftLies = { ...leaderLies, ...ballotLies, ...viewLies };
