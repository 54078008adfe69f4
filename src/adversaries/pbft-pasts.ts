// A liar in a PBFT cluster that has one peer alone decide an order while it leads, and denies it
// when views change: what the other quorums must not forget is then all that is left of it.

import { equalBytes, type ReplicaId, type Tagged } from "../core/index.js";
import { type Ballot, batchDigest, leaderOf, type Plan, type Proposal } from "../parts/index.js";
import { pbft } from "../protocols/index.js";
import { type Means, others, type Outgoing, toReplica } from "../simulator/index.js";
import { forging } from "./pbft-forge.js";
import { is, type Message, type PbftMemory } from "./pbft-memory.js";
import { beginning } from "./pbft-reports.js";
import { impatient } from "./leader.js";

const { decide } = pbft;
type PbftReport = pbft.PbftReport;
type Content = Omit<PbftReport, "replica" | "proof">;

/** One order that it spoilt. */
interface Past {
  readonly decided: Message<"pre-prepare">;
  /** Whether the peers in the dark are told what its machine proposed; else nothing. */
  readonly isOther: boolean;
  readonly dark: ReadonlySet<ReplicaId>;
  /** Who alone hears the liar's COMMIT. */
  readonly decider: ReplicaId;
  /** What it says to have prepared there. */
  readonly claim: Uint8Array | null;
}

/** Orders whose pasts are remembered. */
const pastsMax = 64;

export class PbftPasts {
  readonly #means: Means;
  readonly #memory: PbftMemory;
  readonly #chance: number;
  /** What it claims of those orders: the other batch, none, or one that there never was. */
  readonly #claim: "other" | "nothing" | "invented";
  /** Whether its votes in others' views go to few. */
  readonly #isMean: boolean;
  /** Whether the one that decides hears of the proposal only when the others lose patience. */
  readonly #isLate: boolean;
  readonly #pasts = new Map<number, Past>();
  /** What it begins its views with, by what its machine would. */
  readonly #beginnings = new WeakMap<Tagged, Tagged | null>();
  #reportedTo = 0;
  /** The last view in which it spoilt an order. */
  #spoiltView = -1;

  constructor(means: Means, memory: PbftMemory, isLate: boolean) {
    const { random } = means;
    this.#means = means;
    this.#memory = memory;
    this.#chance = random.pick([0.3, 1]);
    this.#claim = isLate ? "nothing" : random.pick(["other", "other", "nothing", "invented"]);
    this.#isMean = random.chance(0.6);
    this.#isLate = isLate;
  }

  /** What it sends in place of what its machine sends. */
  tell(outgoing: readonly Outgoing[]): readonly Outgoing[] {
    const { context } = this.#means;
    const more: Outgoing[] = [];
    for (const message of new Set(outgoing.map((one) => one.message))) {
      if (is(message, "status")) more.push(...this.#reportEarly(message.view + 1));
      if (!is(message, "pre-prepare") || message.view <= this.#spoiltView) continue;
      const past = this.#spoil(message);
      if (past === null) continue;
      const commit = { kind: "commit", ...forging(context).commit(past.decided) } as Tagged;
      more.push({ to: toReplica(past.decider), message: commit, delayMs: 0 });
    }
    return [...outgoing.flatMap((one) => this.#told(one)), ...more];
  }

  /** The batch that is decided is none that a leader would propose again there by itself. */
  #spoil(message: Message<"pre-prepare">): Past | null {
    const { random, context } = this.#means;
    if (this.#memory.requests.isEmpty || !random.chance(this.#chance)) return null;
    const decided = this.#second(message);
    if (equalBytes(decided.batch, message.batch)) return null;
    const next = leaderOf(message.view + 1, context.n);
    const isNextInDark = random.chance(0.9); // its own report is never late
    const peers = random
      .shuffled(others(this.#means))
      .toSorted((a, b) => (isNextInDark ? Number(a === next) - Number(b === next) : 0));
    const claims = { other: message.batch, nothing: null, invented: random.bytes(32) };
    const past = {
      decided,
      isOther: this.#claim === "other",
      dark: new Set(peers.slice(2 * context.f)),
      decider: peers[0]!,
      claim: claims[this.#claim],
    };
    this.#spoiltView = message.view;
    this.#pasts.set(message.order, past);
    for (const oldest of this.#pasts.keys()) {
      if (this.#pasts.size <= pastsMax) break;
      this.#pasts.delete(oldest);
    }
    return past;
  }

  #second(message: Message<"pre-prepare">): Message<"pre-prepare"> {
    const { context, random } = this.#means;
    const { body, authenticator } = this.#memory.requests.pick(random);
    const requests = [{ body, authenticator }];
    return { ...message, requests, batch: batchDigest(requests, context.hash) };
  }

  #told(one: Outgoing): Outgoing[] {
    const { message, to } = one;
    if (to.kind !== "replica") return [one];
    if (is(message, "pre-prepare")) return this.#toldProposal(one, message, to.replica);
    if (is(message, "commit") || is(message, "prepare"))
      return this.#isKept(message, to.replica) ? [] : [one];
    if (is(message, "decided")) return this.#pasts.has(message.order) ? [] : [one];
    if (is(message, "status")) return [{ ...one, message: impatient(message) }];
    if (is(message, "new-view")) return this.#begun(one, message);
    if (is(message, "view-change")) {
      const report = forging(this.#means.context).report(this.#denying(message));
      return [{ ...one, message: { ...report, kind: "view-change" } as Tagged }];
    }
    return [one];
  }

  /** With one order spoilt it has done what it leads for. */
  #toldProposal(one: Outgoing, message: Proposal, to: ReplicaId): Outgoing[] {
    const past = this.#pasts.get(message.order);
    if (past?.decided.view !== message.view) return message.view === this.#spoiltView ? [] : [one];
    if (past.dark.has(to)) return past.isOther ? [one] : [];
    const told = { ...one, message: past.decided };
    if (!this.#isLate || past.decider !== to) return [told];
    const { random, context } = this.#means;
    const { patienceMs } = context.timing;
    return [{ ...told, delayMs: random.between(0.8 * patienceMs, 1.1 * patienceMs) }];
  }

  /** One peer alone hears of its vote, and may decide. */
  #isKept({ view, order }: Ballot, from: ReplicaId): boolean {
    return this.#isMean && from !== leaderOf(view + order, this.#means.context.n);
  }

  /**
   * The next leader has its report before anybody suspects anything: every quorum is complete with
   * it. Nobody else has, for whoever leads now would do without.
   */
  #reportEarly(to: number): Outgoing[] {
    const { context } = this.#means;
    const leader = leaderOf(to, context.n);
    if (to <= this.#reportedTo || this.#pasts.size === 0 || leader === context.replica) return [];
    this.#reportedTo = to;
    const stable = this.#memory.stable.latest;
    const report = this.#denying({ to, stable, prepared: [], seen: [] });
    const message = { ...forging(context).report(report), kind: "view-change" } as Tagged;
    return [{ to: toReplica(leader), message, delayMs: 0 }];
  }

  /** A report in which nobody decided what it had decided. */
  #denying({ to, stable, prepared, seen }: Content): Content {
    const last = stable.order + 2 * this.#means.context.limits.checkpointOrders;
    const isSpoilt = ({ order }: Ballot) => this.#pasts.has(order);
    const claims: Ballot[] = [];
    for (const [order, { claim, decided }] of this.#pasts) {
      if (claim === null || order <= stable.order || order > last || decided.view >= to) continue;
      claims.push({ view: to - 1, order, batch: claim });
    }
    const rising = (ballots: readonly Ballot[]): Ballot[] =>
      [...ballots.filter((ballot) => !isSpoilt(ballot)), ...claims].toSorted(
        (a, b) => a.order - b.order,
      );
    return { to, stable, prepared: rising(prepared), seen: rising(seen) };
  }

  /** Its own view begins without what was decided, if others would read that; else not at all. */
  #begun(one: Outgoing, message: Message<"new-view">): Outgoing[] {
    if (this.#pasts.size === 0) return [one];
    const { f, hash } = this.#means.context;
    if (!this.#beginnings.has(message)) {
      const noop = batchDigest([], hash);
      const lie = beginning(this.#means, this.#memory, message.view, ({ reports }) => {
        const plan = decide(reports, f, noop);
        return plan === null || !this.#isKeptBy(plan);
      });
      this.#beginnings.set(message, lie);
    }
    const lie = this.#beginnings.get(message) ?? null;
    return lie === null ? [] : [{ ...one, message: lie }];
  }

  #isKeptBy({ base, batches }: Plan): boolean {
    return [...this.#pasts.values()].every(({ decided }) => {
      const batch = batches[decided.order - base - 1];
      return decided.order <= base || (batch && equalBytes(batch, decided.batch));
    });
  }
}
