// Lies for PBFT only: well-formed, well-proven messages that say what is not so, to those whom it
// suits.

import type { Request } from "../codec/index.js";
import { type ReplicaId, type Tagged, toHex } from "../core/index.js";
import { type Ballot, leaderOf, type StableCheckpoint } from "../parts/index.js";
import { pbft } from "../protocols/index.js";
import { Hoard, type Lie, type Means, others, type Outgoing } from "../simulator/index.js";
import { dawdle, leaderLies, to } from "./leader.js";
import { forging } from "./pbft-forge.js";

const { decide } = pbft;
type PbftMessage = pbft.PbftMessage;
type PbftReport = pbft.PbftReport;
type Message<K extends PbftMessage["kind"]> = Extract<PbftMessage, { kind: K }>;

const is = <K extends PbftMessage["kind"]>(message: Tagged, kind: K): message is Message<K> =>
  message.kind === kind;

const isBallot = (message: Tagged): message is Message<"pre-prepare" | "prepare" | "commit"> =>
  is(message, "pre-prepare") || is(message, "prepare") || is(message, "commit");

/** Views whose reports are remembered. */
const viewsMax = 8;

/** Everything seen that other stories can be made of. */
class Memory {
  readonly requests = new Hoard<Request>(64);
  readonly ballots = new Hoard<Ballot>(128);
  readonly stables = new Hoard<StableCheckpoint>(8);
  /** By view, of each replica. */
  readonly #reports = new Map<number, Map<ReplicaId, PbftReport>>();

  note(message: Tagged): void {
    if (is(message, "request")) this.requests.put(message);
    if (isBallot(message)) {
      const { view, order, batch } = message;
      this.ballots.put({ view, order, batch });
    }
    if (is(message, "pre-prepare")) for (const one of message.requests) this.requests.put(one);
    if (is(message, "view-change")) this.#noteReport(message);
    if (is(message, "new-view")) for (const one of message.reports) this.#noteReport(one);
  }

  #noteReport(report: PbftReport): void {
    const { to: view, replica, stable, prepared, seen, proof } = report;
    this.stables.put(stable);
    for (const ballot of prepared) this.ballots.put(ballot);
    const reports = this.#reports.get(view) ?? new Map<ReplicaId, PbftReport>();
    reports.set(replica, { replica, to: view, stable, prepared, seen, proof });
    this.#reports.set(view, reports);
    if (this.#reports.size > viewsMax) this.#reports.delete(Math.min(...this.#reports.keys()));
  }

  reportsFor(view: number): PbftReport[] {
    return [...(this.#reports.get(view)?.values() ?? [])];
  }
}

function mindful(memory: Memory, { tamper, hears }: Pick<Lie, "tamper" | "hears">): Lie {
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

const byOrder = (a: Ballot, b: Ballot): number => a.order - b.order;

/** One ballot of each order, or one of each batch of an order. */
function distinct(ballots: readonly Ballot[], keyOf: (ballot: Ballot) => string): Ballot[] {
  return [...new Map(ballots.map((ballot) => [keyOf(ballot), ballot])).values()].toSorted(byOrder);
}

const ballotLies = {
  /** As leader, one batch for some and another for the rest, and the votes that each would like. */
  twoCamps(means: Means): Lie {
    const { random, context } = means;
    const forge = forging(context);
    const memory = new Memory();
    const chance = random.pick([0.3, 1]);
    return mindful(memory, {
      tamper: (outgoing) => {
        const camp = new Set(others(means).filter(() => random.chance(0.5)));
        const replaced = new Map<Tagged, { message: Tagged; commit: Tagged } | null>();
        return outgoing.flatMap((one) => {
          const { message, to: at } = one;
          if (!is(message, "pre-prepare") || at.kind !== "replica" || memory.requests.isEmpty) {
            return [one];
          }
          let other = replaced.get(message);
          if (other === undefined) {
            const batch = [...message.requests.slice(1), memory.requests.pick(random)];
            const second = forge.prePrepare(message.view, message.order, batch);
            other = random.chance(chance)
              ? {
                  message: { kind: "pre-prepare", ...second } as Tagged,
                  commit: { kind: "commit", ...forge.commit(second) } as Tagged,
                }
              : null;
            replaced.set(message, other);
          }
          if (other === null) return [one];
          const commit = { kind: "commit", ...forge.commit(message) } as Tagged;
          return camp.has(at.replica)
            ? [
                { ...one, message: other.message },
                { ...one, message: other.commit },
              ]
            : [one, { ...one, message: commit }];
        });
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
          const noop = hash(new Uint8Array(0));
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

  /** As leader, proposals for orders to come, other ones for everybody, which nobody can execute. */
  stuff(means: Means): Lie {
    const { random, context } = means;
    const forge = forging(context);
    const memory = new Memory();
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

  /** Proposes to as many as it takes without one, or to fewer. */
  proposeToSome(means: Means): Lie {
    const { random } = means;
    const deaf = new Set(others(means).filter(() => random.chance(0.4)));
    const isMeant = ({ to: at, message }: Outgoing) =>
      is(message, "pre-prepare") && at.kind === "replica" && deaf.has(at.replica);
    return { tamper: (outgoing) => outgoing.filter((one) => !isMeant(one)) };
  },
} satisfies Record<string, (means: Means) => Lie>;

/** Reports that are well-formed, and not what the replica knows. */
function falseReports(
  { random, context }: Means,
  memory: Memory,
  { to: view, ...own }: PbftReport,
): Omit<PbftReport, "replica" | "proof">[] {
  const stable = memory.stables.isEmpty ? own.stable : memory.stables.pick(random);
  const last = stable.order + 2 * context.limits.checkpointOrders;
  const fits = (ballot: Ballot) =>
    ballot.order > stable.order && ballot.order <= last && ballot.view < view;
  const known = Array.from({ length: 16 }, () =>
    memory.ballots.isEmpty ? null : memory.ballots.pick(random),
  ).filter((ballot) => ballot !== null);
  const invented = Array.from({ length: 1 + random.below(3) }, (_, index) => ({
    view: random.below(view),
    order: stable.order + 1 + index,
    batch: random.bytes(32),
  }));
  const raised = known.map((ballot) => ({ ...ballot, view: view - 1 }));
  const pick = () => random.pick([[], own.prepared, known, raised, invented]).filter(fits);
  const prepared = distinct(pick(), ({ order }) => String(order));
  const seen = distinct(
    [...pick(), ...(random.chance(0.5) ? prepared : [])].filter(fits),
    ({ order, batch }) => `${order} ${toHex(batch)}`,
  );
  const counts = new Map<number, number>();
  const few = seen.filter(({ order }) => {
    counts.set(order, (counts.get(order) ?? 0) + 1);
    return counts.get(order)! <= pbft.seenMax;
  });
  return [
    { to: view, ...own, prepared: [] },
    { to: view, ...own, prepared: [], seen: [] },
    { to: view, stable, prepared, seen: few },
    { to: view, stable, prepared, seen: few },
  ];
}

const viewLies = {
  /** Reports what it did not prepare, or not what it did, and to some something else. */
  falseReports(means: Means): Lie {
    const { random, context } = means;
    const memory = new Memory();
    const forge = forging(context);
    const toEach = random.chance(0.4);
    return mindful(memory, {
      tamper: (outgoing) => {
        const made = new Map<Tagged, Tagged>();
        return outgoing.map((one) => {
          const { message } = one;
          if (!is(message, "view-change")) return one;
          let lie = toEach ? undefined : made.get(message);
          if (lie === undefined) {
            const report = forge.report(random.pick(falseReports(means, memory, message)));
            made.set(message, (lie = { kind: "view-change", ...report } as Tagged));
          }
          return { ...one, message: lie };
        });
      },
    });
  },

  /** Begins its views from the reports that suit it, from different ones for some, or not for all. */
  chosenReports(means: Means): Lie {
    const { random, context } = means;
    const memory = new Memory();
    const forge = forging(context);
    const { n, f, hash } = context;
    const noop = hash(new Uint8Array(0));
    const toAll = random.chance(0.6);
    const begin = (view: number): Tagged | null => {
      const reports = memory.reportsFor(view).filter(({ replica }) => replica !== context.replica);
      const own = memory.reportsFor(view).find(({ replica }) => replica === context.replica);
      if (own !== undefined) {
        const lies = falseReports(means, memory, own).map((lie) => forge.report(lie));
        reports.push(random.pick([own, ...lies]));
      }
      const some = random.shuffled(reports).slice(0, n - f);
      if (some.length < n - f || decide(some, f, noop) === null) return null;
      const sorted = some.toSorted((a, b) => a.replica - b.replica);
      return { kind: "new-view", ...forge.newView(view, sorted) } as Tagged;
    };
    return mindful(memory, {
      tamper: (outgoing) =>
        outgoing.flatMap((one) => {
          const { message } = one;
          if (!is(message, "new-view") || message.view % n !== context.replica) return [one];
          const lie = begin(message.view) ?? message;
          if (toAll || random.chance(0.5)) return [{ ...one, message: lie }];
          return random.chance(0.5) ? [] : [one, { ...one, message: lie }];
        }),
    });
  },

  slowly: dawdle("pre-prepare"),
} satisfies Record<string, (means: Means) => Lie>;

/** The habits of liars in a PBFT cluster. */
export const pbftLies = { ...leaderLies, ...ballotLies, ...viewLies };
