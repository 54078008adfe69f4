// Leaving a view and finding the next (hybster.txt §5.2.3 with protocols.md §5 H2–H5): the state of
// a view change.

import { toWire } from "../../codec/index.js";
import {
  type Attestation,
  type Digest,
  equalBytes,
  type ReplicaContext,
  type ReplicaId,
} from "../../core/index.js";
import { leaderOf, type Outbox, type ReplicatedState, Suspicions } from "../../parts/index.js";
import { quorumOf } from "./claims.js";
import {
  type Acknowledgement,
  certified,
  type Checkpoint,
  counters,
  type Established,
  genesis,
  type HybsterMessage,
  type HybsterRecord,
  type NewView,
  planDigest,
  type Status,
  type ViewChange,
} from "./messages.js";
import {
  batchAt,
  coversCounter,
  type Decision,
  decide,
  firstReported,
  type History,
  laterHistory,
} from "./view-change.js";

/** What a view change needs of the replica it happens to. */
export interface ViewChangeHost {
  readonly context: ReplicaContext;
  readonly outbox: Outbox<HybsterMessage, HybsterRecord>;
  readonly state: ReplicatedState<Checkpoint, HybsterRecord>;
  /** What this replica accepted in the established view. */
  history(): History;
  /** Which batches of these orders are missing; asks `from` for them. */
  fetchMissing(history: History, from: ReplicaId): number;
  /** Notes a certificate that moved a counter. */
  notePosition(attestation: Attestation, digest: Digest): void;
  /** Stores the batches of a plan that no record of this replica holds yet. */
  storePlan(decision: Decision): void;
  /** The view is left: proposals of it are void, their batches are kept. */
  onLeft(): void;
  /** The view is established: order in it. */
  onEstablished(): void;
  /** Another view's messages follow: proposals of the old one are void, their batches are kept. */
  clearLog(): void;
  /** Tell everybody where this replica stands. */
  sayStatus(): void;
}

interface From<Message> {
  readonly message: Message;
  readonly from: ReplicaId;
}

/** Which view this replica is in or wants to be in, and everything said about it. */
export class ViewChanger {
  /** The view this replica is in, or is changing to. */
  view = 0;
  /** The last view this replica took part in. */
  established: Established = genesis;
  /** While changing: what this replica knows of the last established view. */
  private leftHistory: History = { established: genesis, prepares: [] };
  private readonly suspicions: Suspicions;
  /** The latest view change of each replica. */
  private readonly viewChanges = new Map<ReplicaId, ViewChange>();
  /** A quorum of view changes to `view`: without it, an unestablished view is not left. */
  private certificate: readonly ViewChange[] | null = null;
  private certifiedSince = 0;
  /** The certificate with which the previous view was left, for replicas left behind. */
  private ticket: readonly ViewChange[] | null = null;
  /** The counter could not certify the view change to `view` yet. */
  private owesViewChange = false;
  private newView: NewView | null = null;
  private decision: Decision | null = null;
  private readonly acknowledgements = new Map<ReplicaId, Acknowledgement>();
  /** Messages that wait for batches or a checkpoint to be fetched. */
  private waitingNewView: From<NewView> | null = null;
  private waitingCertificate: From<readonly ViewChange[]> | null = null;
  private waitingEstablished: From<Established> | null = null;
  private readonly host: ViewChangeHost;
  private readonly self: ReplicaId;
  private readonly quorum: number;

  constructor(host: ViewChangeHost) {
    this.host = host;
    this.self = host.context.replica;
    this.quorum = quorumOf(host.context.n);
    this.suspicions = new Suspicions(host.context.n, host.context.f);
  }

  get isEstablished(): boolean {
    return this.established.view === this.view;
  }

  get leader(): ReplicaId {
    return leaderOf(this.view, this.host.context.n);
  }

  /** The view this replica wants at least, as its status says. */
  get wanted(): number {
    return Math.max(this.view, this.suspicions.of(this.self));
  }

  /** Since when a quorum has been ready for `view`; null while it is not. */
  get certifiedAt(): number | null {
    return this.certificate === null ? null : this.certifiedSince;
  }

  // Suspicion, in two steps: say it, and leave when f+1 say it.

  /** The leader of `view` was given enough time. */
  suspect(now: number): void {
    const beyond = Math.max(this.view, this.certificate?.[0]!.to ?? 0);
    this.suspicions.note(this.self, beyond + 1);
    this.host.outbox.observe({ event: "suspect", view: this.view });
    this.host.sayStatus();
    this.reconsider(now);
  }

  noteStatus(from: ReplicaId, status: Status, now: number): void {
    this.suspicions.note(from, Math.max(status.suspects, status.view));
    this.reconsider(now);
  }

  /** Leaves for a higher view if f+1 replicas want one and this replica may go there. */
  private reconsider(now: number): void {
    const { agreed } = this.suspicions;
    if (agreed <= this.view) return;
    const certificate = this.certificate;
    if (certificate !== null && certificate[0]!.to < agreed) {
      this.leave(certificate[0]!.to + 1, certificate, now);
    } else if (certificate !== null && certificate[0]!.to > this.view) {
      // Into the view that it is for: there may be those who lack it and need one more.
      this.leave(certificate[0]!.to, certificate, now);
    } else if (this.isEstablished) {
      this.leave(this.view + 1, null, now);
    }
    // else: an unestablished view is left only with its certificate (H4); peers beyond it send
    // theirs
  }

  private leave(to: number, certificate: readonly ViewChange[] | null, now: number): void {
    let history = this.history();
    if (certificate !== null) {
      const decision = decide(certificate);
      this.host.state.adoptStable(decision.stable);
      this.host.storePlan(decision);
      history = laterHistory(history, decision.history);
    }
    this.enter(to, history);
    if (certificate !== null) this.keepTicket(certificate);
    this.sendViewChange(to);
    this.tryCertify(now);
  }

  /** What this replica would report if it left now, or reported when it left. */
  history(): History {
    return this.isEstablished ? this.host.history() : this.leftHistory;
  }

  private keepTicket(certificate: readonly ViewChange[]): void {
    this.ticket = certificate;
    this.host.outbox.persist({ viewChanges: [...certificate], kind: "ticket" });
  }

  private enter(view: number, history: History): void {
    this.leftHistory = history;
    this.view = view;
    this.owesViewChange = false;
    this.ticket = null;
    this.certificate = null;
    this.newView = null;
    this.decision = null;
    this.host.onLeft();
    this.host.outbox.observe({ event: "view", view, status: "changing" });
  }

  private sendViewChange(to: number): void {
    const { counter, hash } = this.host.context;
    const stable = this.host.state.stable;
    const { established } = this.leftHistory;
    const first = firstReported(established, stable);
    const prepares = this.leftHistory.prepares.filter(({ order }) => order >= first);
    const content = { to, established, stable, prepares };
    this.owesViewChange = true;
    // A counter that went on above all it may have certified (decision 0008) is not covered yet.
    if (!coversCounter(content, counter.current(counters.order))) return;
    const digest = certified.viewChange(content, hash);
    const attestation = counter.continuing(counters.order, { view: to, order: 0 }, digest);
    if (attestation === null) return; // not yet, or retired: this replica listens
    this.owesViewChange = false;
    this.host.notePosition(attestation, digest);
    const message: ViewChange = { ...content, attestation: toWire(attestation) };
    this.viewChanges.set(this.self, message);
    this.host.outbox.persist({ ...message, kind: "left" });
    this.host.outbox.broadcast({ ...message, kind: "view-change" });
  }

  // VIEW-CHANGE, view-change certificates.

  onViewChange(message: ViewChange, now: number): void {
    const replica = message.attestation.instance;
    this.suspicions.note(replica, message.to);
    if ((this.viewChanges.get(replica)?.to ?? 0) < message.to) {
      this.viewChanges.set(replica, message);
      this.host.state.learnStable(message.stable);
    }
    this.reconsider(now);
    this.tryCertify(now);
  }

  /** Another replica's certificate lets this one go where the others are. */
  onCertificate(viewChanges: readonly ViewChange[], from: ReplicaId, now: number): void {
    const to = viewChanges[0]!.to;
    for (const { attestation } of viewChanges) this.suspicions.note(attestation.instance, to);
    if (!this.isNews(to)) return;
    this.waitingCertificate = { message: viewChanges, from };
    this.takeCertificate(now);
  }

  /** Whether a certificate for this view would lead further than the one at hand. */
  private isNews(to: number): boolean {
    return to >= this.view && to > (this.certificate?.[0]!.to ?? 0);
  }

  private takeCertificate(now: number): void {
    if (this.waitingCertificate === null) return;
    const { message, from } = this.waitingCertificate;
    if (this.host.fetchMissing(this.planned(decide(message)), from) > 0) return;
    this.waitingCertificate = null;
    if (!this.isNews(message[0]!.to)) return;
    this.setCertificate(message, now);
    this.reconsider(now);
  }

  private setCertificate(certificate: readonly ViewChange[], now: number): void {
    this.certificate = certificate;
    this.certifiedSince = now;
  }

  /** Finds a quorum of usable view changes to `view`: those whose batches are all here. */
  private tryCertify(now: number): void {
    if (this.isEstablished) return;
    if (this.certificate === null) {
      // By replica, not by arrival: what follows is then the same in more of the ways to get here.
      const usable = [...this.viewChanges]
        .toSorted(([a], [b]) => a - b)
        .filter(
          ([replica, message]) =>
            message.to === this.view && this.host.fetchMissing(message, replica) === 0,
        );
      if (usable.length < this.quorum) return;
      this.setCertificate(
        usable.slice(0, this.quorum).map(([, message]) => message),
        now,
      );
      this.reconsider(now);
    }
    if (this.leader === this.self && this.newView === null) this.announce(now);
  }

  /** A decision as a history: its batches are what a replica must have to acknowledge it. */
  private planned({ base, last, plan }: Decision): History {
    const established = { ...genesis, base, last, plan: [...plan] };
    return { established, prepares: [] };
  }

  // NEW-VIEW and its acknowledgements.

  private announce(now: number): void {
    const viewChanges = this.certificate;
    if (viewChanges === null || viewChanges[0]!.to !== this.view) return;
    const { counter, hash } = this.host.context;
    const content = { view: this.view, viewChanges: [...viewChanges] };
    const digest = certified.newView(content, hash);
    const position = { view: this.view, order: 0 };
    const attestation = counter.independent(counters.newView, position, digest);
    if (attestation === null) return; // announced in an earlier life, not yet, or retired
    this.host.notePosition(attestation, digest);
    const message: NewView = { ...content, attestation: toWire(attestation) };
    this.host.outbox.persist({ kind: "position", attestation: toWire(attestation), digest });
    this.host.outbox.broadcast({ ...message, kind: "new-view" });
    this.onNewView(message, this.self, now);
  }

  onNewView(message: NewView, from: ReplicaId, now: number): void {
    const isOld = message.view < this.view || message.view <= this.established.view;
    if (isOld || (message.view === this.view && this.newView !== null)) return;
    this.waitingNewView = { message, from };
    this.takeNewView(now);
  }

  private takeNewView(now: number): void {
    if (this.waitingNewView === null) return;
    const { message, from } = this.waitingNewView;
    if (message.view < this.view) {
      this.waitingNewView = null;
      return;
    }
    const decision = decide(message.viewChanges);
    if (this.host.fetchMissing(this.planned(decision), from) > 0) return;
    this.waitingNewView = null;
    if (message.view > this.view) this.enter(message.view, this.history());
    this.host.state.adoptStable(decision.stable);
    this.newView = message;
    this.decision = decision;
    if (this.certificate === null) this.setCertificate(message.viewChanges, now);
    this.acknowledge(decision);
    this.tryEstablish();
  }

  private acknowledge(decision: Decision): void {
    const { counter, hash } = this.host.context;
    const { base, last } = decision;
    const content = { view: this.view, base, last, plan: planDigest(decision.plan, hash) };
    const digest = certified.acknowledgement(content, hash);
    const attestation = counter.trustedMac(counters.mac, digest);
    if (attestation === null) return;
    this.host.storePlan(decision);
    const message: Acknowledgement = { ...content, attestation: toWire(attestation) };
    this.acknowledgements.set(this.self, message);
    this.host.outbox.broadcast({ ...message, kind: "acknowledgement" });
  }

  onAcknowledgement(message: Acknowledgement): void {
    const replica = message.attestation.instance;
    if ((this.acknowledgements.get(replica)?.view ?? 0) >= message.view) return;
    this.acknowledgements.set(replica, message);
    this.tryEstablish();
  }

  private tryEstablish(): void {
    const decision = this.decision;
    if (decision === null || this.isEstablished) return;
    const { base, last } = decision;
    const plan = planDigest(decision.plan, this.host.context.hash);
    const byReplica = [...this.acknowledgements].toSorted(([a], [b]) => a - b);
    const acknowledgements = byReplica
      .map(([, message]) => message)
      .filter(
        (message) =>
          message.view === this.view &&
          message.base === base &&
          message.last === last &&
          equalBytes(message.plan, plan),
      );
    if (acknowledgements.length < this.quorum) return;
    this.establish({
      view: this.view,
      base,
      last,
      plan: [...decision.plan],
      acknowledgements: acknowledgements.slice(0, this.quorum),
    });
  }

  /**
   * A proof that a view is established is enough to take part in it: a correct replica verified its
   * start.
   */
  onEstablished(message: Established, from: ReplicaId): void {
    if (message.view <= this.established.view) return;
    this.waitingEstablished = { message, from };
    this.takeEstablished();
  }

  private takeEstablished(): void {
    if (this.waitingEstablished === null) return;
    const { message, from } = this.waitingEstablished;
    const isOld = message.view <= this.established.view;
    if (isOld) this.waitingEstablished = null;
    if (isOld || this.host.state.stable.order < message.base) return;
    if (this.host.fetchMissing({ established: message, prepares: [] }, from) > 0) return;
    this.waitingEstablished = null;
    if (message.view < this.view) return this.learnFrom(message);
    if (message.view > this.view) this.enter(message.view, this.history());
    this.establish(message);
  }

  /**
   * This replica wants to be beyond the view, and missed it: what is committed in it is final all
   * the same.
   */
  private learnFrom(established: Established): void {
    this.leftHistory = laterHistory({ established, prepares: [] }, this.leftHistory);
    this.established = established;
    this.host.outbox.persist({ ...established, kind: "established" });
    this.host.clearLog();
  }

  private establish(established: Established): void {
    this.established = established;
    this.host.outbox.persist({ ...established, kind: "established" });
    this.host.outbox.observe({ event: "view", view: this.view, status: "established" });
    this.host.onEstablished();
  }

  // Retransmission: what a peer that is behind is sent, and what this replica asks for again.

  /** Time passed, or something awaited came: tries again what waits. */
  retry(now: number): void {
    this.takeEstablished();
    this.takeNewView(now);
    this.takeCertificate(now);
    if (this.owesViewChange && !this.isEstablished) this.sendViewChange(this.view);
    this.tryCertify(now);
  }

  /** Sends a peer what it lacks to be where this replica is. */
  assist(peer: ReplicaId, status: Status): void {
    const { outbox } = this.host;
    const { established } = this;
    if (status.established < established.view) {
      outbox.send(peer, { ...established, kind: "established" });
    }
    if (this.isEstablished) return;
    if (this.ticket !== null && status.view < this.view) {
      outbox.send(peer, { kind: "certificate", viewChanges: [...this.ticket] });
    }
    const own = this.viewChanges.get(this.self);
    if (own?.to === this.view) outbox.send(peer, { ...own, kind: "view-change" });
    if (this.newView !== null) outbox.send(peer, { ...this.newView, kind: "new-view" });
    const acknowledgement = this.acknowledgements.get(this.self);
    if (acknowledgement?.view === this.view) {
      outbox.send(peer, { ...acknowledgement, kind: "acknowledgement" });
    }
  }

  // Coming back: what the journal says of views.

  restoreLeft(message: ViewChange): void {
    const { established, prepares } = message;
    this.view = message.to;
    this.leftHistory = { established, prepares };
    this.suspicions.note(this.self, message.to);
    this.viewChanges.set(this.self, message);
  }

  restoreTicket(certificate: readonly ViewChange[]): void {
    this.ticket = certificate;
  }

  restoreEstablished(established: Established): void {
    this.view = Math.max(this.view, established.view);
    this.established = established;
    if (!this.isEstablished) {
      this.leftHistory = laterHistory({ established, prepares: [] }, this.leftHistory);
    }
    this.suspicions.note(this.self, this.view);
  }

  /** The batch of an order as the view left last had it. */
  batchAt(order: number): Digest | null {
    return batchAt(this.leftHistory, order);
  }

  /** What must be kept for coming back to where this replica is. */
  retained(): HybsterRecord[] {
    const kept: HybsterRecord[] = [];
    if (this.established.view > 0) kept.push({ ...this.established, kind: "established" });
    const own = this.viewChanges.get(this.self);
    if (own !== undefined && own.to > this.established.view) kept.push({ ...own, kind: "left" });
    if (this.ticket !== null) kept.push({ viewChanges: [...this.ticket], kind: "ticket" });
    return kept;
  }
}
