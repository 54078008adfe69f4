// What a liar in a FaB cluster remembers of everything it saw: enough to tell any other past.

import type { Request } from "../codec/index.js";
import { type ReplicaContext, type ReplicaId, type Tagged, toHex } from "../core/index.js";
import type { Ballot, StableCheckpoint, Vote } from "../parts/index.js";
import { fab } from "../protocols/index.js";
import { Hoard, type Random } from "../simulator/index.js";
import { StableMemory } from "./stable-memory.js";

type Acceptance = fab.Acceptance;
type CommitProof = fab.CommitProof;
type FabMessage = fab.FabMessage;
type FabReport = fab.FabReport;

/** Orders remembered, and ballots and proofs of each; the oldest go first. */
const ordersMax = 64;
const eachMax = 12;
/** Views whose reports are remembered. */
const viewsMax = 8;

interface Known {
  readonly ballots: Ballot[];
  readonly proofs: CommitProof[];
  /** Genuine signed acceptances, by ballot and replica. */
  readonly signed: Map<string, Map<ReplicaId, Acceptance>>;
}

export class FabMemory {
  readonly requests = new Hoard<Request>(64);
  readonly #stable: StableMemory;
  readonly #orders = new Map<number, Known>();
  /** By view, of each replica. */
  readonly #reports = new Map<number, Map<ReplicaId, FabReport>>();

  constructor(context: Pick<ReplicaContext, "n" | "f">) {
    this.#stable = new StableMemory(context);
  }

  /** The latest checkpoint that it can prove to be stable. */
  get stable(): StableCheckpoint {
    return this.#stable.latest;
  }

  /** Of a message as it was sent or heard. */
  note(tagged: Tagged): void {
    const message = tagged as FabMessage;
    switch (message.kind) {
      case "request":
        return this.requests.put({ body: message.body, authenticator: message.authenticator });
      case "propose":
        for (const request of message.requests) this.requests.put(request);
        return this.#noteBallot(message);
      case "accepted":
      case "commit-proof":
        return this.#noteBallot(message);
      case "signed-accepted":
        return this.#noteSigned(message, message);
      case "checkpoint":
        return this.#stable.note(message);
      case "view-change":
        return this.#noteReport(message);
      case "new-view":
        return message.reports.forEach((report) => this.#noteReport(report));
      default:
        return;
    }
  }

  #at(order: number): Known {
    let known = this.#orders.get(order);
    if (known === undefined) {
      known = { ballots: [], proofs: [], signed: new Map() };
      this.#orders.set(order, known);
      if (this.#orders.size > ordersMax) this.#orders.delete(Math.min(...this.#orders.keys()));
    }
    return known;
  }

  #noteBallot({ view, order, batch }: Ballot): void {
    const { ballots } = this.#at(order);
    if (ballots.some((one) => keyOf(one) === keyOf({ view, order, batch }))) return;
    ballots.push({ view, order, batch });
    if (ballots.length > eachMax) ballots.shift();
  }

  #noteSigned(ballot: Ballot, { replica, proof }: Acceptance): void {
    this.#noteBallot(ballot);
    const { signed } = this.#at(ballot.order);
    let acceptances = signed.get(keyOf(ballot));
    if (acceptances === undefined) {
      signed.set(keyOf(ballot), (acceptances = new Map<ReplicaId, Acceptance>()));
    }
    acceptances.set(replica, { replica, proof });
    for (const oldest of signed.keys()) {
      if (signed.size <= eachMax) break;
      signed.delete(oldest);
    }
  }

  #noteReport({ replica, to, stable, accepted, proofs, proof }: FabReport): void {
    const reports = this.#reports.get(to) ?? new Map<ReplicaId, FabReport>();
    this.#reports.set(to, reports.set(replica, { replica, to, stable, accepted, proofs, proof }));
    if (this.#reports.size > viewsMax) this.#reports.delete(Math.min(...this.#reports.keys()));
    for (const ballot of accepted) this.#noteBallot(ballot);
    for (const one of proofs) {
      const known = this.#at(one.order).proofs;
      if (!known.some((other) => keyOf(other) === keyOf(one))) known.push(one);
      if (known.length > eachMax) known.shift();
      for (const acceptance of one.acceptances) this.#noteSigned(one, acceptance);
    }
  }

  reportsFor(view: number): FabReport[] {
    return [...(this.#reports.get(view)?.values() ?? [])];
  }

  /** One report of each replica, for whatever view. */
  oldReports(random: Random): FabReport[] {
    const all = [...this.#reports.values()].flatMap((reports) => [...reports.values()]);
    return [...new Map(random.shuffled(all).map((report) => [report.replica, report])).values()];
  }

  /** Orders of which anything is known, by rising order. */
  orders(): number[] {
    return [...this.#orders.keys()].toSorted((a, b) => a - b);
  }

  /** What anybody accepted at an order before a view. */
  ballots(order: number, before: number): readonly Ballot[] {
    return (this.#orders.get(order)?.ballots ?? []).filter(({ view }) => view < before);
  }

  /** Genuine commit proofs of an order from before a view. */
  proofs(order: number, before: number): readonly CommitProof[] {
    return (this.#orders.get(order)?.proofs ?? []).filter(({ view }) => view < before);
  }

  /** Genuine signed acceptances of a ballot, whoever gave them, by rising replica. */
  acceptances(ballot: Ballot): Acceptance[] {
    const known = this.#orders.get(ballot.order)?.signed.get(keyOf(ballot));
    return [...(known?.values() ?? [])].toSorted((a, b) => a.replica - b.replica);
  }

  /** Some requests that clients made, of any time. */
  someRequests(random: Random, most: number): Request[] {
    const count = 1 + random.below(most);
    const picked = Array.from({ length: count }, () => this.requests.pick(random));
    return picked.map(({ body, authenticator }) => ({ body, authenticator }));
  }
}

export const keyOf = ({ view, order, batch }: Ballot): string => `${view}/${order}/${toHex(batch)}`;

/** A vote whose proof is still to be made. */
export const unproven = (ballot: Ballot, replica: ReplicaId): Vote => {
  const { view, order, batch } = ballot;
  return { view, order, batch, replica, proof: new Uint8Array(0) };
};
