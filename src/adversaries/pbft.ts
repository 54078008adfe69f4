// Lies for PBFT only: well-formed, well-proven messages that say what is not so, to those whom it
// suits.

import type { Request } from "../codec/index.js";
import { type ReplicaId, type Tagged, toHex } from "../core/index.js";
import { type Ballot, leaderOf, type StableCheckpoint } from "../parts/index.js";
import { pbft } from "../protocols/index.js";
import {
  atMostEvery,
  Hoard,
  type Lie,
  type Means,
  others,
  type Outgoing,
  type Random,
} from "../simulator/index.js";
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

const nothingStable: StableCheckpoint = { order: 0, digest: new Uint8Array(32), statements: [] };

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

  /** One report of each replica, for whatever view. */
  oldReports(random: Random): PbftReport[] {
    const all = [...this.#reports.values()].flatMap((reports) => [...reports.values()]);
    const one = new Map(random.shuffled(all).map((report) => [report.replica, report]));
    return [...one.values()];
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
        const replaced = new Map<Tagged, (Ballot & { readonly message: Tagged }) | null>();
        const votes = (ballot: Ballot): Tagged[] => [
          { kind: "commit", ...forge.commit(ballot) } as Tagged,
          { kind: "prepare", ...forge.prepare(ballot) } as Tagged,
        ];
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
              ? { ...second, message: { kind: "pre-prepare", ...second } as Tagged }
              : null;
            replaced.set(message, other);
          }
          if (other === null) return [one];
          const told = camp.has(at.replica) ? other : { ...message, message };
          return [told.message, ...votes(told)].map((said) => ({ ...one, message: said }));
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

  /** As leader, proposals for orders to come, others for everybody, which nobody can execute. */
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
  const far = { view: 0, order: 2 ** 40, batch: random.bytes(32) };
  const order = stable.order + 2 * context.limits.checkpointOrders;
  const unproven = { order, digest: random.bytes(32), statements: [] };
  const twice = prepared.flatMap((ballot) => [ballot, { ...ballot, batch: random.bytes(32) }]);
  return [
    random.pick([
      { to: view, ...own, prepared: [...own.prepared, far] },
      { to: view, stable: unproven, prepared: [], seen: [] },
      { to: view, stable: { ...stable, order, digest: unproven.digest }, prepared: [], seen: [] },
      { to: view, stable, prepared: twice, seen: few },
    ]),
    { to: view, ...own, prepared: [] },
    { to: view, ...own, prepared: [], seen: [] },
    { to: view, stable, prepared, seen: few },
    { to: view, stable, prepared, seen: few },
  ];
}

/** A new view from reports: chosen, too few, of other views, in others' names, or one's twice. */
function beginning(means: Means, memory: Memory, view: number): Tagged {
  const { random, context } = means;
  const { n, f, replica } = context;
  const forge = forging(context);
  const genuine = memory.reportsFor(view);
  const own = genuine.find((report) => report.replica === replica) ?? {
    replica,
    to: view,
    stable: nothingStable,
    prepared: [],
    seen: [],
    proof: new Uint8Array(0),
  };
  const lies = falseReports(means, memory, own).map((lie) => forge.report(lie));
  const mine = random.pick([forge.report(own), ...lies]);
  const beside = random.shuffled(genuine.filter((report) => report.replica !== replica));
  const forged = others(means).map((other) => {
    const content = { to: view, stable: mine.stable, prepared: [], seen: [] };
    return { ...forge.report(content), replica: other };
  });
  const reports = random.pick([
    [mine, ...beside].slice(0, n - f),
    beside.slice(0, n - f),
    [mine, ...beside].slice(0, 1 + random.below(n - f)),
    [mine, ...memory.oldReports(random)].slice(0, n - f),
    [mine, ...beside.slice(0, 1), ...forged].slice(0, n - f),
    [mine, ...forged].slice(0, n - f),
    [mine, ...beside, forge.report(random.pick([own, ...lies]))],
  ]);
  const each = new Map(reports.map((report, index) => [`${report.replica} ${index}`, report]));
  const sorted = [...each.values()].toSorted((a, b) => a.replica - b.replica);
  return { kind: "new-view", ...forge.newView(view, sorted) } as Tagged;
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

  /** Begins its views from reports that suit it, from different ones for some, or not for all. */
  chosenReports(means: Means): Lie {
    const { random, context } = means;
    const memory = new Memory();
    const { n } = context;
    const toAll = random.chance(0.6);
    return mindful(memory, {
      tamper: (outgoing) =>
        outgoing.flatMap((one) => {
          const { message } = one;
          if (!is(message, "new-view") || message.view % n !== context.replica) return [one];
          const lie = beginning(means, memory, message.view);
          if (toAll || random.chance(0.5)) return [{ ...one, message: lie }];
          return random.chance(0.5) ? [] : [one, { ...one, message: lie }];
        }),
    });
  },

  /** Begins views that others lead. */
  usurpView(means: Means): Lie {
    const { random, context } = means;
    const memory = new Memory();
    const mayAct = atMostEvery(context.timing.statusMs * random.pick([0.2, 1]));
    let view = 0;
    return mindful(memory, {
      tamper: (outgoing, now) => {
        for (const { message } of outgoing) if (is(message, "status")) ({ view } = message);
        if (view === 0 || !mayAct(now)) return outgoing;
        const lies = others(means).map((peer) => to(peer, beginning(means, memory, view)));
        return [...outgoing, ...lies];
      },
    });
  },

  /** Speaks in others' names: proposals, votes, reports, checkpoints. */
  impersonate(means: Means): Lie {
    const { random, context } = means;
    const memory = new Memory();
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
      return inNames({ kind: "view-change", ...forge.report(content) } as Tagged);
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

  slowly: dawdle("pre-prepare"),
} satisfies Record<string, (means: Means) => Lie>;

/** The habits of liars in a PBFT cluster. */
export const pbftLies = { ...leaderLies, ...ballotLies, ...viewLies };
