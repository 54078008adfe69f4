// Leaving a view and entering the next, where signed reports of a quorum decide what the next view
// orders first: PBFT's scheme, which others refine. What a report says, and what follows from a
// quorum of them, is the protocol's.

import type { ReplicaContext, ReplicaId } from "../core/index.js";
import type { Speech } from "./speech.js";
import { Suspicions } from "./suspicions.js";

/** VIEW-CHANGE: what one replica reports as it leaves for view `to`, signed. */
export interface Report {
  readonly replica: ReplicaId;
  readonly to: number;
}

/** NEW-VIEW: the reports with which the leader of `view` begins it, signed. */
export interface NewView<R extends Report> {
  readonly view: number;
  readonly reports: readonly R[];
}

/** Where a peer stands, of what it says regularly. */
export interface PeerStatus {
  /** The view it is in or wants to be in. */
  readonly view: number;
  /** The last view it entered. */
  readonly entered: number;
  /** The view it wants at least. */
  readonly suspects: number;
}

type Said<R, N> = (R & { readonly kind: "view-change" }) | (N & { readonly kind: "new-view" });
type Stored<R, N> = (R & { readonly kind: "left" }) | (N & { readonly kind: "entered" });

/** What a view change needs of the replica it happens to. */
export interface ViewChangeHost<R extends Report, N extends NewView<R>, Plan> {
  readonly context: ReplicaContext;
  readonly outbox: Speech<Said<R, N>, Stored<R, N>>;
  readonly now: number;
  leaderOf(view: number): ReplicaId;
  /** What this replica reports when it leaves for a view. */
  report(to: number): R;
  /** What a set of reports obliges the new view to order first; null if it takes more of them. */
  decide(reports: readonly R[]): Plan | null;
  /** The leader's message that begins a view. */
  announce(view: number, reports: readonly R[]): N;
  /** How many batches of a plan are missing here; asks for them. */
  fetchMissing(plan: Plan, newView: Omit<N, "proof">): number;
  /** The view was left: nothing more is voted for in it. */
  onLeft(): void;
  /** A view begins, with this plan. */
  onEntered(plan: Plan): void;
  /** Tell everybody where this replica stands. */
  sayStatus(): void;
}

/** Which view this replica is in or wants to be in, and everything said about it. */
export class ViewChanger<R extends Report, N extends NewView<R>, Plan> {
  /** The view this replica is in, or is changing to. */
  view = 0;
  /** The last view that this replica took part in. */
  entered = 0;
  /** How view `entered` began; null for view 0. */
  private newView: N | null = null;
  private readonly host: ViewChangeHost<R, N, Plan>;
  private readonly self: ReplicaId;
  private readonly quorum: number;
  private readonly suspicions: Suspicions;
  /** The latest report of each replica. */
  private readonly reports = new Map<ReplicaId, R>();
  private certifiedSince: number | null = null;
  /** A new view that waits for batches. */
  private waiting: N | null = null;

  /** `quorum`: how many reports it takes to begin a view. */
  constructor(host: ViewChangeHost<R, N, Plan>, quorum: number) {
    this.host = host;
    this.self = host.context.replica;
    this.quorum = quorum;
    this.suspicions = new Suspicions(host.context.n, host.context.f);
  }

  get isInView(): boolean {
    return this.entered === this.view;
  }

  get leader(): ReplicaId {
    return this.host.leaderOf(this.view);
  }

  /** The view this replica wants at least, as its status says. */
  get wanted(): number {
    return Math.max(this.view, this.suspicions.of(this.self));
  }

  /** While changing: since when a quorum is ready for `view`; null while it is not. */
  get readySince(): number | null {
    return this.isInView ? null : this.certifiedSince;
  }

  // Suspicion, in two steps: say it, and leave when f+1 say it (protocols.md §0).

  /** The leader of `view` was given enough time. */
  suspect(): void {
    this.host.outbox.observe({ event: "suspect", view: this.view });
    this.wish(this.view + 1);
  }

  /** This replica wants to be in a view, or beyond. */
  wish(view: number): void {
    this.suspicions.note(this.self, view);
    this.host.sayStatus();
    this.reconsider();
  }

  noteStatus(from: ReplicaId, { suspects, view }: PeerStatus): void {
    this.suspicions.note(from, Math.max(suspects, view));
    this.reconsider();
  }

  /** Leaves for a higher view if f+1 replicas want one: one of them is correct. */
  private reconsider(): void {
    const { agreed } = this.suspicions;
    if (agreed > this.view) this.leave(agreed);
  }

  /** The leader of a view is proved a liar: nobody needs to be asked. */
  forsake(view: number): void {
    if (view === this.view) this.leave(view + 1);
  }

  private leave(to: number): void {
    const report = this.host.report(to);
    this.goTo(to);
    this.suspicions.note(this.self, to);
    this.reports.set(this.self, report);
    const { outbox } = this.host;
    outbox.persist({ ...report, kind: "left" });
    outbox.broadcast({ ...report, kind: "view-change" });
    this.host.onLeft();
    outbox.observe({ event: "view", view: to, status: "changing" });
    this.begin();
  }

  private goTo(view: number): void {
    this.view = view;
    this.certifiedSince = null;
  }

  // VIEW-CHANGE

  onReport(report: R): void {
    const { replica, to } = report;
    if (to <= (this.reports.get(replica)?.to ?? 0)) return;
    this.reports.set(replica, report);
    this.suspicions.note(replica, to);
    this.reconsider();
    this.begin();
  }

  /** With a quorum of reports the view's leader begins it, and the others are patient with it. */
  private begin(): void {
    if (this.isInView) return;
    const ready = [...this.reports.values()].filter(({ to }) => to >= this.view);
    if (ready.length < this.quorum) return;
    // Those that went on to a later view count: nobody may wait for them here for ever.
    this.certifiedSince ??= this.host.now;
    const reports = ready
      .filter(({ to }) => to === this.view)
      .toSorted((a, b) => a.replica - b.replica);
    if (reports.length < this.quorum || this.leader !== this.self) return;
    const plan = this.host.decide(reports);
    if (plan === null) return;
    const newView = this.host.announce(this.view, reports);
    if (this.host.fetchMissing(plan, newView) > 0) return;
    this.enter(newView, plan);
  }

  // NEW-VIEW

  onNewView(newView: N): void {
    if (this.isOver(newView.view)) return;
    this.waiting = newView;
    this.tryEnter();
  }

  /** Left, or entered already. */
  private isOver(view: number): boolean {
    return view < this.view || view <= this.entered;
  }

  private tryEnter(): void {
    const newView = this.waiting;
    if (newView === null) return;
    const plan = this.isOver(newView.view) ? null : this.host.decide(newView.reports);
    if (plan !== null && this.host.fetchMissing(plan, newView) > 0) return;
    this.waiting = null;
    if (plan !== null) this.enter(newView, plan);
  }

  private enter(newView: N, plan: Plan): void {
    const { view } = newView;
    this.goTo(view);
    this.entered = view;
    this.newView = newView;
    this.suspicions.note(this.self, view);
    const { outbox } = this.host;
    outbox.persist({ ...newView, kind: "entered" });
    // Before whatever the leader says in its view: nobody would listen.
    if (this.leader === this.self) outbox.broadcast({ ...newView, kind: "new-view" });
    outbox.observe({ event: "view", view, status: "established" });
    this.host.onEntered(plan);
  }

  // Retransmission, and coming back

  /** Time passed, or something awaited came: tries again what waits. */
  retry(): void {
    this.tryEnter();
    this.begin();
  }

  /** Sends a peer what it lacks to be where this replica is. */
  assist(peer: ReplicaId, { view, entered }: PeerStatus): void {
    const { outbox } = this.host;
    if (this.newView !== null && entered < this.entered && view <= this.entered) {
      outbox.send(peer, { ...this.newView, kind: "new-view" });
    }
    const own = this.reports.get(this.self);
    if (own !== undefined && !this.isInView && entered < this.view && view <= this.view) {
      outbox.send(peer, { ...own, kind: "view-change" });
    }
  }

  restoreLeft(report: R): void {
    this.goTo(Math.max(this.view, report.to));
    this.suspicions.note(this.self, report.to);
    this.reports.set(this.self, report);
  }

  /** The plan that the view began with. */
  restoreEntered(newView: N): Plan | null {
    this.goTo(Math.max(this.view, newView.view));
    this.entered = newView.view;
    this.newView = newView;
    this.suspicions.note(this.self, newView.view);
    return this.host.decide(newView.reports);
  }

  /** What must be kept for coming back to where this replica is. */
  retained(): Stored<R, N>[] {
    const kept: Stored<R, N>[] = [];
    if (this.newView !== null) kept.push({ ...this.newView, kind: "entered" });
    const own = this.reports.get(this.self);
    if (own !== undefined && own.to > this.entered) kept.push({ ...own, kind: "left" });
    return kept;
  }
}
