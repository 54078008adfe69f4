// Reports and proofs of a liar in a FaB cluster that nobody should read, and views that it begins
// with too few reports, with old ones or with invented ones, to propose something else in place of
// what was accepted.

import { type ReplicaId, replicaIds, type Tagged } from "../core/index.js";
import { type Ballot, batchDigest } from "../parts/index.js";
import { fab } from "../protocols/index.js";
import { type Means, others, type Outgoing, toReplica } from "../simulator/index.js";
import { type FabMemory, unproven } from "./fab-memory.js";
import { StolenViews } from "./stolen-views.js";

type Acceptance = fab.Acceptance;
type CommitProof = fab.CommitProof;
type FabMessage = fab.FabMessage;
type FabReport = fab.FabReport;
type Message<K extends FabMessage["kind"]> = Extract<FabMessage, { kind: K }>;

/** Whether others would read it, whatever it says. */
const isRead = ({ protocol, context, claimContext }: Means, message: Tagged): boolean =>
  protocol.claims(message, context.replica, claimContext) !== null;

/** Reports that nobody should read, and others do; none if there is no mistake. */
export function brokenReports<R extends FabReport>(
  means: Means,
  memory: FabMemory,
  report: R,
): R[] {
  const { random, context } = means;
  const { checkpointOrders } = context.limits;
  const { stable: latest } = memory;
  const order = report.stable.order + 2 * checkpointOrders;
  const digest = random.bytes(32);
  const own = { order, digest, replica: context.replica, proof: new Uint8Array(0) };
  const stables = [
    { order, digest, statements: [] },
    { order, digest, statements: [own] },
    { ...latest, order: latest.order + checkpointOrders },
    { ...latest, digest },
  ];
  const far = { view: 0, order: 2 ** 40, batch: digest };
  const lies = [
    ...stables.map((stable) => ({ ...report, stable, accepted: [], proofs: [] })),
    { ...report, accepted: [...report.accepted, far] },
  ];
  return lies.filter((lie) => isRead(means, { ...lie, kind: "view-change" }));
}

/** Proofs that prove something else, or nothing. */
export function falseProofs(ballot: Ballot, { context }: Means, memory: FabMemory): CommitProof[] {
  const { n, f, replica } = context;
  const { slow } = fab.quorumsOf(n, f);
  const own: Acceptance = { replica, proof: new Uint8Array(0) };
  const genuine = memory.acceptances(ballot).filter((one) => one.replica !== replica);
  const elsewhere = memory
    .ballots(ballot.order, Number.MAX_SAFE_INTEGER)
    .flatMap((other) => memory.acceptances(other))
    .filter((one) => one.replica !== replica);
  const rising = (acceptances: Acceptance[]): Acceptance[] => {
    const byReplica = new Map(acceptances.map((one) => [one.replica, one]));
    return [...byReplica.values()].toSorted((a, b) => a.replica - b.replica);
  };
  const repeated = Array.from({ length: slow }, () => ({ ...own }));
  const inOthersNames = replicaIds(n).map((id) => ({ ...own, replica: id }));
  return [
    rising([own, ...genuine]).slice(0, slow - 1),
    rising([own, ...genuine]),
    [own],
    [],
    repeated,
    [...genuine, ...repeated].slice(0, slow),
    rising([...elsewhere, ...genuine, own]),
    inOthersNames.slice(0, slow),
    rising([...inOthersNames, ...genuine]).slice(0, slow),
  ].map((acceptances) => ({ ...ballot, acceptances }));
}

/** A commit proof of nothing that others would take; null if there is no mistake. */
export function brokenProof(
  means: Means,
  memory: FabMemory,
  ballot: Ballot,
  report: FabReport,
): CommitProof | null {
  const { random } = means;
  const inOwnName = falseProofs(ballot, means, memory).slice(0, 6);
  const inAnyName = random.chance(0.2) ? falseProofs(ballot, means, memory) : inOwnName;
  const isTaken = (proof: CommitProof): boolean =>
    isRead(means, { ...report, accepted: [], proofs: [proof], kind: "view-change" } as Tagged);
  return random.shuffled(inAnyName).find(isTaken) ?? null;
}

/** Begins its views without what was accepted, and proposes something else there. */
export class FabThief extends StolenViews<Message<"new-view">> {
  readonly #memory: FabMemory;

  constructor(means: Means, memory: FabMemory) {
    super(means, "propose");
    this.#memory = memory;
  }

  protected override steal(message: Message<"new-view">): Outgoing[] | null {
    const { n } = this.means.context;
    const planned = this.#lastOf(message.reports);
    const tops = this.#memory.orders().filter((order) => order <= planned + n);
    const lie = this.means.random
      .shuffled(this.#beginnings(message))
      .map((reports) => ({ ...message, reports }))
      .find((one) => isRead(this.means, one) && this.#lastOf(one.reports) < planned);
    if (lie === undefined) return null;
    const first = this.#lastOf(lie.reports) + 1;
    const proposals = this.#proposals(message, first, Math.max(planned, ...tops));
    return others(this.means).flatMap((peer) =>
      [lie, ...proposals].map((said) => ({ to: toReplica(peer), message: said, delayMs: 0 })),
    );
  }

  #lastOf(reports: readonly FabReport[]): number {
    const noop = batchDigest([], this.means.context.hash);
    return fab.decide(reports, this.means.context, noop).last;
  }

  #beginnings({ view, reports }: Message<"new-view">): FabReport[][] {
    const { random, context } = this.means;
    const { n, f, replica } = context;
    const { stable } = this.#memory;
    const proof = new Uint8Array(0);
    const empty = (of: ReplicaId): FabReport => ({
      replica: of,
      to: view,
      stable,
      accepted: [],
      proofs: [],
      proof,
    });
    const mine = empty(replica);
    const isOthers = (report: FabReport): boolean => report.replica !== replica;
    const genuine = random.shuffled(
      [...reports, ...this.#memory.reportsFor(view)].filter(isOthers),
    );
    const beside = [...new Map(genuine.map((report) => [report.replica, report])).values()];
    const old = this.#memory.oldReports(random).filter(isOthers);
    const forged = random.shuffled(others(this.means)).map(empty);
    const rising = (some: FabReport[]): FabReport[] =>
      some.toSorted((a, b) => a.replica - b.replica);
    return [
      [mine],
      [mine, ...beside].slice(0, n - f - 1),
      [mine, ...old].slice(0, n - f),
      [mine, ...beside.slice(0, n - f - 2), ...old].slice(0, n - f),
      [mine, ...forged].slice(0, n - f),
      [mine, mine, ...beside].slice(0, n - f + 1),
      Array.from({ length: n - f }, () => mine),
      [mine, ...beside].slice(0, n - f),
    ].map(rising);
  }

  /** Other batches for these orders, and the liar's votes for each. */
  #proposals({ view, proof }: Message<"new-view">, first: number, last: number): Tagged[] {
    const { random, context } = this.means;
    if (this.#memory.requests.isEmpty) return [];
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index): Tagged[] => {
      const requests = this.#memory.someRequests(random, 1);
      const ballot = { view, order: first + index, batch: batchDigest(requests, context.hash) };
      const vote = unproven(ballot, context.replica);
      return [
        { ...ballot, proof, requests, kind: "propose" } as Tagged,
        { ...vote, kind: "signed-accepted" } as Tagged,
        { ...vote, kind: "commit-proof" } as Tagged,
      ];
    }).flat();
  }
}
