// A liar in a FaB cluster that prepares two pasts of an order while it leads, and tells of each
// when it serves: the schedule of protocols.md F1, by plan.

import { equalBytes, type ReplicaId, type Tagged } from "../core/index.js";
import { type Ballot, batchDigest, leaderOf, type Proposal } from "../parts/index.js";
import { fab } from "../protocols/index.js";
import { type Means, others, type Outgoing, toReplica } from "../simulator/index.js";
import { FabMemory, unproven } from "./fab-memory.js";
import { brokenProof } from "./fab-reports.js";
import { impatient } from "./leader.js";

type FabMessage = fab.FabMessage;
type CommitProof = fab.CommitProof;
type FabReport = fab.FabReport;
type Message<K extends FabMessage["kind"]> = Extract<FabMessage, { kind: K }>;

/** One order that it proposed twice. */
interface TwoPasts {
  /** What so many accepted that, with the liar's signature, there is a commit proof. */
  readonly proved: Ballot;
  /** What the others accepted. */
  readonly other: Ballot;
  readonly otherCamp: ReadonlySet<ReplicaId>;
}

/** Orders whose two pasts are remembered. */
const pastsMax = 64;

const is = <K extends FabMessage["kind"]>(message: Tagged, kind: K): message is Message<K> =>
  message.kind === kind;

/** The two pasts of a liar: how it makes them, and what it says of them. */
export class Pasts {
  readonly #means: Means;
  readonly #memory: FabMemory;
  readonly #slow: number;
  readonly #chance: number;
  /** Whether one peer decides what can be proved; else the liar keeps the proof for later. */
  readonly #isDecided: boolean;
  /** Whether its votes in others' views go to few, and none of them are signed. */
  readonly #isMean: boolean;
  /** Whether its votes for what can be proved come only when views change. */
  readonly #isLate: boolean;
  /** Whether it proposes to those who accepted one batch the other as well. */
  readonly #isFickle: boolean;
  #late: Outgoing[] = [];
  readonly #pasts = new Map<number, TwoPasts>();
  #reportedTo = 0;
  /** The last view in which it proposed two batches for an order. */
  #spoiltView = -1;

  constructor(means: Means, memory: FabMemory, isDecided: boolean) {
    const { random, context } = means;
    this.#means = means;
    this.#memory = memory;
    this.#slow = fab.quorumsOf(context.n, context.f).slow;
    this.#chance = random.pick([0.3, 1]);
    this.#isDecided = isDecided;
    this.#isMean = random.chance(0.6);
    this.#isLate = isDecided && random.chance(0.3);
    this.#isFickle = isDecided && random.chance(0.4);
  }

  /** What it sends in place of what its machine sends. */
  tell(outgoing: readonly Outgoing[]): readonly Outgoing[] {
    const messages = new Set(outgoing.map(({ message }) => message));
    const more: Outgoing[] = [];
    const seconds = new Map<Tagged, Tagged>();
    for (const message of messages) {
      if (is(message, "status")) more.push(...this.#reportEarly(message.view + 1));
      if (is(message, "view-change")) more.push(...this.#late.splice(0));
      if (!is(message, "propose") || message.view <= this.#spoiltView) continue;
      if (this.#memory.requests.isEmpty || !this.#means.random.chance(this.#chance)) continue;
      const second = this.#second(message);
      if (equalBytes(second.batch, message.batch)) continue;
      this.#spoiltView = message.view;
      seconds.set(message, second);
      more.push(...this.#votes(message, second));
    }
    const told = outgoing.flatMap((one) => this.#told(one, seconds));
    return [...told, ...more];
  }

  #second(message: Message<"propose">): Message<"propose"> {
    const { context, random } = this.#means;
    const most = Math.min(3, context.limits.batchRequestsMax);
    const requests = this.#memory.someRequests(random, most);
    return { ...message, requests, batch: batchDigest(requests, context.hash) };
  }

  /** Votes so that one peer decides what is proved; or so that the liar has the proof alone. */
  #votes(proved: Proposal, other: Message<"propose">): Outgoing[] {
    const { context, random } = this.#means;
    const next = leaderOf(proved.view + 1, context.n);
    const isNextOther = this.#isDecided && random.chance(0.7); // its own report is never late
    const peers = random
      .shuffled(others(this.#means))
      .toSorted((a, b) => (isNextOther ? Number(a === next) - Number(b === next) : 0));
    const otherCamp = new Set(peers.slice(this.#slow - 1));
    this.#pasts.set(proved.order, { proved, other, otherCamp });
    for (const oldest of this.#pasts.keys()) {
      if (this.#pasts.size <= pastsMax) break;
      this.#pasts.delete(oldest);
    }
    const signed = unproven(this.#isDecided ? proved : other, context.replica);
    const provers = peers.filter((peer) => !otherCamp.has(peer));
    // Who hears a signed ACCEPTED signs what it accepted itself.
    const votes = provers.map((peer) =>
      sent(peer, { ...signed, kind: "signed-accepted" } as Tagged),
    );
    // One of them alone decides.
    const last = sent(provers[0]!, { ...signed, kind: "commit-proof" } as Tagged);
    const proving = this.#isDecided ? [...votes, last] : votes;
    const again = provers.slice(1).map((peer) => ({
      ...sent(peer, other),
      delayMs: this.#means.random.between(2, 20),
    }));
    if (this.#isLate) this.#late = proving;
    return [...(this.#isLate ? [] : proving), ...(this.#isFickle ? again : [])];
  }

  #told(one: Outgoing, seconds: ReadonlyMap<Tagged, Tagged>): Outgoing[] {
    const { message, to } = one;
    if (to.kind !== "replica") return [one];
    if (is(message, "propose")) return this.#toldProposal(one, message, to.replica, seconds);
    if (is(message, "status")) return [{ ...one, message: impatient(message) }];
    if (is(message, "decided")) return this.#pasts.has(message.order) ? [] : [one];
    if (is(message, "accepted")) return this.#isWithheld(message, to.replica) ? [] : [one];
    const isSigned = is(message, "signed-accepted") || is(message, "commit-proof");
    if (isSigned) return this.#isMean || this.#pasts.has(message.order) ? [] : [one];
    // Its machine tells no lies: the view that it begins would be a good one.
    if (is(message, "new-view")) return this.#pasts.size > 0 ? [] : [one];
    if (is(message, "view-change")) {
      return [{ ...one, message: { ...this.#report(message), kind: "view-change" } as Tagged }];
    }
    return [one];
  }

  /** With two pasts of one order it has done what it leads for. */
  #toldProposal(
    one: Outgoing,
    message: Ballot,
    to: ReplicaId,
    seconds: ReadonlyMap<Tagged, Tagged>,
  ): Outgoing[] {
    const past = this.#pasts.get(message.order);
    if (past?.proved.view !== message.view) return message.view === this.#spoiltView ? [] : [one];
    if (!past.otherCamp.has(to)) return [one];
    const second = seconds.get(one.message);
    return second === undefined ? [] : [{ ...one, message: second }];
  }

  /** One peer alone hears of its vote, and may decide. */
  #isWithheld({ view, order }: Ballot, from: ReplicaId): boolean {
    return this.#isMean && from !== leaderOf(view + order, this.#means.context.n);
  }

  /**
   * The next leader has its report before anybody suspects anything: every quorum is complete with
   * it. Nobody else has, for whoever leads now would do without.
   */
  #reportEarly(to: number): Outgoing[] {
    const { context, protocol, claimContext } = this.#means;
    const { replica, n } = context;
    if (to <= this.#reportedTo || this.#pasts.size === 0 || leaderOf(to, n) === replica) return [];
    this.#reportedTo = to;
    const { stable } = this.#memory;
    const proof = new Uint8Array(0);
    const report = this.#report({ replica, to, stable, accepted: [], proofs: [], proof });
    const message: Tagged = { ...report, kind: "view-change" };
    if (protocol.claims(message, replica, claimContext) === null) return [];
    return [sent(leaderOf(to, n), message)];
  }

  /** A proof of the batch that nobody decided, which only a mistake takes; or null. */
  #forged(order: number, { batch }: Ballot, report: FabReport): CommitProof | null {
    const ballot = { view: report.to - 1, order, batch };
    return brokenProof(this.#means, this.#memory, ballot, report);
  }

  /** In the next view the one past, later the other with its proof. */
  #report(report: FabReport): FabReport {
    const { replica } = this.#means.context;
    const accepted = new Map(report.accepted.map((ballot) => [ballot.order, ballot]));
    const proofs = new Map(report.proofs.map((proof) => [proof.order, proof]));
    const last = report.stable.order + 2 * this.#means.context.limits.checkpointOrders;
    for (const [order, { proved, other }] of this.#pasts) {
      if (order <= report.stable.order || order > last || other.view >= report.to) continue;
      const { view, batch } = other.view === report.to - 1 ? other : proved;
      accepted.set(order, { view, order, batch });
      proofs.delete(order);
      const forged = this.#isDecided ? this.#forged(order, other, report) : null;
      if (forged !== null) proofs.set(order, forged);
      if (forged !== null || other.view === report.to - 1) continue;
      const own = { replica, proof: new Uint8Array(0) };
      const acceptances = [own, ...this.#memory.acceptances(proved)]
        .filter((one, index) => index === 0 || one.replica !== replica)
        .toSorted((a, b) => a.replica - b.replica);
      if (acceptances.length < this.#slow) continue;
      proofs.set(order, { view: proved.view, order, batch: proved.batch, acceptances });
    }
    const rising = <T extends Ballot>(all: Map<number, T>): T[] =>
      [...all.values()].toSorted((a, b) => a.order - b.order);
    return { ...report, accepted: rising(accepted), proofs: rising(proofs) };
  }
}

const sent = (replica: ReplicaId, message: Tagged): Outgoing => ({
  to: toReplica(replica),
  message,
  delayMs: 0,
});
