// How a view is established (protocols.md Z1): whoever enters it executes what it begins with, and
// confirms that history; 2f+1 such confirmations establish it. Nothing is answered in it before.

import { type Digest, equalBytes, type ReplicaId } from "../../core/index.js";
import type { Batch, LeaderReplica, Plan } from "../../parts/index.js";
import {
  type Certificate,
  type Entry,
  proven,
  type SignedPoint,
  type Zyzzyva,
} from "./messages.js";

/** A view as it begins: established, with these orders after `after`. */
export interface Begun {
  readonly certificate: Certificate;
  readonly after: number;
  readonly start: Digest;
  readonly base: readonly Entry[];
}

/** The view entered last, until it is established. */
export class Establishment {
  private readonly replica: LeaderReplica<Zyzzyva>;
  private readonly speculate: (digest: Digest, batch: Batch) => void;
  /** What the view begins with; null once it is established. */
  private plan: Plan | null = null;
  /** This replica's own confirmation. */
  private own: SignedPoint | null = null;
  /** The last confirmation of each replica. */
  private readonly confirms = new Map<ReplicaId, SignedPoint>();
  /** Established by others. */
  private certificate: Certificate | null = null;

  constructor(replica: LeaderReplica<Zyzzyva>, speculate: (digest: Digest, batch: Batch) => void) {
    this.replica = replica;
    this.speculate = speculate;
  }

  /** A view begins; the last order executed that its history has too. */
  begin(plan: Plan): number {
    this.plan = plan;
    this.own = null;
    const { state } = this.replica;
    let order = state.executed;
    while (order < state.speculated && this.isPlanned(plan, order + 1)) order += 1;
    return order;
  }

  private isPlanned({ base, batches }: Plan, order: number): boolean {
    const planned = batches[order - base - 1];
    const executed = this.replica.state.speculation!.digestAt(order);
    return planned !== undefined && executed !== null && equalBytes(planned, executed);
  }

  end(view: number): void {
    if (view === this.replica.views.entered) this.plan = null;
  }

  /** Executes what the view begins with, confirms it, and says how the view stands. */
  advance(): Begun | null {
    const { state, views } = this.replica;
    if (this.plan === null || state.isFetching || !views.isInView) return null;
    this.execute(this.plan);
    this.confirm(this.plan);
    return this.established(this.plan);
  }

  private execute({ base, last, batches }: Plan): void {
    const { state } = this.replica;
    while (state.speculated < last && state.speculated >= base) {
      const digest = batches[state.speculated - base]!;
      const batch = this.replica.findBatch(digest, state.speculated + 1);
      if (batch === null) return;
      this.speculate(digest, batch);
    }
  }

  private confirm({ last }: Plan): void {
    const { state, view, context, outbox } = this.replica;
    const history = state.speculation!.historyAt(last);
    if (this.own !== null || history === null) return;
    const point = { view, order: last, history };
    const proof = context.identity.sign(proven.confirm(point, context.hash));
    this.own = { ...point, replica: context.replica, proof };
    this.confirms.set(context.replica, this.own);
    outbox.broadcast({ ...this.own, kind: "view-confirm" });
  }

  onConfirm(message: SignedPoint): Begun | null {
    const before = this.confirms.get(message.replica);
    if (before !== undefined && before.view > message.view) return null;
    this.confirms.set(message.replica, message);
    return this.advance();
  }

  onCertificate(certificate: Certificate): Begun | null {
    if (certificate.view < (this.certificate?.view ?? 0)) return null;
    this.certificate = certificate;
    return this.advance();
  }

  private established(plan: Plan): Begun | null {
    const { state, view } = this.replica;
    const stable = state.checkpoints.stable.order;
    const certificate =
      this.certificate?.view === view ? this.certificate : this.certificateOfOwn();
    if (certificate === null || certificate.order !== plan.last) return null;
    const after = Math.max(stable, Math.min(plan.base, stable));
    const histories = state.speculation!;
    const start = histories.historyAt(after);
    if (start === null) return null;
    const base: Entry[] = [];
    for (let order = after + 1; order <= plan.last; order += 1) {
      const history = histories.historyAt(order);
      if (history === null) return null;
      base.push({ order, batch: plan.batches[order - plan.base - 1]!, history, proof: null });
    }
    const reached = base.at(-1)?.history;
    if (reached !== undefined && !equalBytes(reached, certificate.history)) return null;
    this.plan = null;
    return { certificate, after, start, base };
  }

  /** EC, from what others confirmed as this replica did. */
  private certificateOfOwn(): Certificate | null {
    const { own } = this;
    if (own === null) return null;
    const signatures = [...this.confirms.values()]
      .filter(
        ({ view, order, history }) =>
          view === own.view && order === own.order && equalBytes(history, own.history),
      )
      .toSorted((a, b) => a.replica - b.replica)
      .map(({ replica, proof }) => ({ replica, proof }));
    const { n, f } = this.replica.context;
    if (signatures.length < n - f) return null;
    const { view, order, history } = own;
    return { view, order, history, signatures: signatures.slice(0, n - f) };
  }

  tick(): void {
    if (this.plan === null || this.own === null || !this.replica.views.isInView) return;
    this.replica.outbox.broadcast({ ...this.own, kind: "view-confirm" });
  }
}
