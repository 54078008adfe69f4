// A liar in a FaB cluster that prepares two pasts of an order while it leads, and tells of each when
// it serves: the schedule of protocols.md F1, by plan.

import type { ReplicaId, Tagged } from "../core/index.js";
import { type Ballot, batchDigest, leaderOf, type Proposal } from "../parts/index.js";
import { fab } from "../protocols/index.js";
import { type Means, others, type Outgoing, toReplica } from "../simulator/index.js";
import { FabMemory, unproven } from "./fab-memory.js";

type FabMessage = fab.FabMessage;
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
  /** Whether it helps to decide what can be proved, or keeps the proof for later. */
  readonly #completes: boolean;
  /** Whether its votes in others' views go to few, and none of them are signed. */
  readonly #isMean: boolean;
  readonly #pasts = new Map<number, TwoPasts>();
  #reportedTo = 0;

  constructor(means: Means, memory: FabMemory) {
    const { random, context } = means;
    this.#means = means;
    this.#memory = memory;
    this.#slow = fab.quorumsOf(context.n, context.f).slow;
    this.#chance = random.pick([0.3, 1]);
    this.#completes = random.chance(0.4);
    this.#isMean = random.chance(0.6);
  }

  /** What it sends in place of what its machine sends. */
  tell(outgoing: readonly Outgoing[]): readonly Outgoing[] {
    const proposals = new Set(outgoing.map(({ message }) => message));
    const more: Outgoing[] = [];
    const seconds = new Map<Tagged, Tagged>();
    for (const message of proposals) {
      if (is(message, "status")) more.push(...this.#reportEarly(message.view + 1));
      if (!is(message, "propose") || !this.#means.random.chance(this.#chance)) continue;
      if (this.#memory.requests.isEmpty) continue;
      const second = this.#second(message);
      seconds.set(message, { ...second, kind: "propose" } as Tagged);
      more.push(...this.#votes(message, second));
    }
    const told = outgoing.flatMap((one) => this.#told(one, seconds));
    return [...told, ...more];
  }

  #second(message: Proposal): Proposal {
    const { context, random } = this.#means;
    const most = Math.min(3, context.limits.batchRequestsMax);
    const requests = this.#memory.someRequests(random, most);
    return { ...message, requests, batch: batchDigest(requests, context.hash) };
  }

  /** Votes for each camp's proposal: enough for a proof, or as many but one. */
  #votes(proved: Proposal, other: Proposal): Outgoing[] {
    const { context, random } = this.#means;
    const peers = random.shuffled(others(this.#means));
    const otherCamp = new Set(peers.slice(this.#slow - 1));
    this.#pasts.set(proved.order, { proved, other, otherCamp });
    for (const oldest of this.#pasts.keys()) {
      if (this.#pasts.size <= pastsMax) break;
      this.#pasts.delete(oldest);
    }
    const signed = unproven(this.#completes ? proved : other, context.replica);
    return peers
      .filter((peer) => !otherCamp.has(peer))
      .flatMap((peer) => {
        // Who hears a signed ACCEPTED signs what it accepted itself.
        const first = { ...signed, kind: "signed-accepted" } as const;
        const second = { ...signed, kind: "commit-proof" } as const;
        return this.#completes ? [sent(peer, first), sent(peer, second)] : [sent(peer, first)];
      });
  }

  #told(one: Outgoing, seconds: ReadonlyMap<Tagged, Tagged>): Outgoing[] {
    const { message, to } = one;
    if (to.kind !== "replica") return [one];
    if (is(message, "propose")) {
      const isOther = this.#pasts.get(message.order)?.otherCamp.has(to.replica) ?? false;
      return [isOther ? { ...one, message: seconds.get(message) ?? message } : one];
    }
    if (is(message, "accepted")) return this.#isWithheld(message, to.replica) ? [] : [one];
    const isSigned = is(message, "signed-accepted") || is(message, "commit-proof");
    if (isSigned) return this.#isMean || this.#pasts.has(message.order) ? [] : [one];
    if (is(message, "view-change")) {
      return [{ ...one, message: { ...this.#report(message), kind: "view-change" } as Tagged }];
    }
    return [one];
  }

  /** One peer alone hears of its vote, and may decide. */
  #isWithheld({ view, order }: Ballot, from: ReplicaId): boolean {
    return this.#isMean && from !== leaderOf(view + order, this.#means.context.n);
  }

  /** Its report stands before anybody suspects anything: no quorum is complete without it. */
  #reportEarly(to: number): Outgoing[] {
    if (to <= this.#reportedTo) return [];
    this.#reportedTo = to;
    const { context, protocol, claimContext } = this.#means;
    const { replica } = context;
    const { stable } = this.#memory;
    const proof = new Uint8Array(0);
    const report = this.#report({ replica, to, stable, accepted: [], proofs: [], proof });
    const message: Tagged = { ...report, kind: "view-change" };
    if (protocol.claims(message, replica, claimContext) === null) return [];
    return others(this.#means).map((peer) => sent(peer, message));
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
      if (other.view === report.to - 1) continue;
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
