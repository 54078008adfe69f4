// One session of a client that only asks and waits: numbers bundles, resends them, and believes
// what a quorum answers.

import { encodeBundle } from "../codec/index.js";
import {
  assert,
  type ClientAuthentication,
  type ClientEffect,
  type ClientInput,
  type ClientMachine,
  type ClientMachineContext,
  type ClientSide,
  equalBytes,
  type ReplicaId,
  type Reply,
} from "../core/index.js";

/** How clients that only ask and wait take part in a protocol. */
export interface QuorumRules<Message> {
  /** Equal replies, from different replicas, that make a result. */
  readonly replyQuorum: (f: number) => number;
  readonly request: (body: Uint8Array, authenticator: Uint8Array) => Message;
  /** Null if the message is not a reply. */
  readonly reply: (message: Message) => Reply | null;
  /** Where to send a request first: the leader of a view. */
  readonly leader: (view: number, n: number) => ReplicaId;
  /**
   * Whether requests authenticated so go to every replica at once, because one's word for them is
   * not enough. Default: none.
   */
  readonly asksEveryone?: (authentication: ClientAuthentication) => boolean;
}

/** The clients' part in a protocol in which they only ask and wait. */
export function quorumClient<Message>(rules: QuorumRules<Message>): ClientSide<Message> {
  return {
    replyQuorum: rules.replyQuorum,
    request: rules.request,
    reply: rules.reply,
    claims: () => [], // authentic by its link; what it says is believed when a quorum says it
    machine: (context) => new QuorumClient(rules, context),
  };
}

/** A bundle without an answer. Its bytes never change: a retry is the same request. */
export interface Outstanding<Message> {
  readonly number: number;
  readonly message: Message;
  readonly bytes: number;
  readonly operations: number;
  readonly submittedMs: number;
  /** When it last went to anyone. */
  sentMs: number;
  retries: number;
  /** The last reply of each replica. */
  readonly replies: (Reply | null)[];
}

const timerName = "retry";

/** A retry before three times the usual latency would only add load. */
const latencyFactor = 3;

/** A retry is of so much at most: sending everything to everyone would only add load. */
const retryBytesMax = 256 * 1024;

/**
 * So many retries without an answer, while later bundles were answered, mean that no replica keeps
 * the results.
 */
const retriesUntilLost = 8;

/**
 * A session. A result is delivered only when `replyQuorum(f)` different replicas gave it, so that
 * up to f lying replicas cannot forge one. Bundles go to each replica in the order of their
 * numbers: to the leader of the highest view that a correct replica is known to have reached, or to
 * all while that is unknown. Those that wait too long go to all.
 */
export class QuorumClient<Message> implements ClientMachine<Message> {
  private readonly rules: QuorumRules<Message>;
  protected readonly context: ClientMachineContext;
  private readonly quorum: number;
  private readonly asksEveryone: boolean;
  protected readonly outstanding = new Map<number, Outstanding<Message>>();
  private outstandingBytes = 0;
  private next = 1;
  /** The highest number delivered. */
  private delivered = 0;
  private expired = false;
  /** The last view each replica reported, -1 before. */
  private readonly views: number[];
  /** A reply quorum reported this view or a higher one, so a correct replica did; -1: not known. */
  private highestView = -1;
  /** Retries since something was last answered. */
  private retries = 0;
  protected latencyMs = 0;
  private timerRuns = false;
  protected effects: ClientEffect<Message>[] = [];

  constructor(rules: QuorumRules<Message>, context: ClientMachineContext) {
    assert(context.windowBundles >= 1, "the window holds at least one bundle");
    this.rules = rules;
    this.context = context;
    this.quorum = rules.replyQuorum(context.f);
    this.asksEveryone = rules.asksEveryone?.(context.clientAuthentication) ?? false;
    this.views = new Array<number>(context.n).fill(-1);
  }

  /** The number that the next bundle gets. */
  get nextNumber(): number {
    return this.next;
  }

  /** Whether the window is full: nothing may be submitted until something is delivered. */
  get isFull(): boolean {
    const { windowBundles, windowBytes } = this.context;
    const { size } = this.outstanding;
    // The first goes to everyone, and tells where the others go.
    const awaitsView = this.highestView < 0 && size > 0;
    return (
      awaitsView ||
      this.next - this.acknowledged() > windowBundles ||
      this.outstandingBytes >= windowBytes
    );
  }

  /** The view whose leader is believed in; null while none is known. */
  get view(): number | null {
    return this.highestView < 0 ? null : this.highestView;
  }

  step(now: number, input: ClientInput<Message>): readonly ClientEffect<Message>[] {
    this.effects = [];
    if (!this.expired) this.dispatch(now, input);
    return this.effects;
  }

  private dispatch(now: number, input: ClientInput<Message>): void {
    switch (input.kind) {
      case "submit":
        return this.onSubmit(now, input.operations);
      case "message":
        return this.onMessage(now, input.from, input.message);
      case "connected":
        return this.onConnected(input.replica, input.tookMs);
      case "timeout":
        return this.onTimeout(now, input.timer);
    }
  }

  private onSubmit(now: number, operations: readonly Uint8Array[]): void {
    assert(!this.isFull, "a bundle was submitted to a full session");
    const { client, session, authenticate, n } = this.context;
    const acknowledged = this.acknowledged();
    const number = this.next++;
    const body = encodeBundle({
      client,
      session,
      number,
      acknowledged,
      operations: operations as Uint8Array[],
    });
    const message = this.rules.request(body, authenticate(body));
    this.outstanding.set(number, {
      number,
      message,
      bytes: body.length,
      operations: operations.length,
      submittedMs: now,
      sentMs: now,
      retries: 0,
      replies: new Array<Reply | null>(n).fill(null),
    });
    this.outstandingBytes += body.length;
    const isForAll = this.asksEveryone || this.highestView < 0;
    if (isForAll) this.effects.push({ kind: "broadcast", message });
    else this.effects.push({ kind: "send", to: this.rules.leader(this.highestView, n), message });
    if (!this.timerRuns) this.setTimer(now);
  }

  protected onMessage(now: number, from: ReplicaId, message: Message): void {
    const { client, session } = this.context;
    const reply = this.rules.reply(message);
    if (reply === null) return this.blame(from, "malformed reply");
    if (reply.client !== client || reply.session !== session) return;
    this.noteView(from, reply.view);
    const bundle = this.outstanding.get(reply.number);
    if (bundle === undefined) return; // answered by a quorum already
    if (reply.outcome === "executed" && reply.results.length !== bundle.operations) {
      return this.blame(from, "malformed reply");
    }
    bundle.replies[from] = reply;
    this.tally(now, bundle, reply);
  }

  private tally(now: number, bundle: Outstanding<Message>, reply: Reply): void {
    const replicas: ReplicaId[] = [];
    bundle.replies.forEach((other, replica) => {
      if (other !== null && agree(other, reply)) replicas.push(replica);
    });
    if (replicas.length < this.quorum) return;

    bundle.replies.forEach((other, replica) => {
      if (other !== null && !agree(other, reply)) this.blame(replica, "conflicting reply");
    });
    this.accept(now, bundle, reply, replicas);
  }

  /** So many replicas gave this answer that it is true. */
  protected accept(
    now: number,
    bundle: Outstanding<Message>,
    reply: Pick<Reply, "outcome" | "results">,
    replicas: readonly ReplicaId[],
  ): void {
    if (reply.outcome === "session-expired") {
      this.expired = true;
      this.effects.push({ kind: "expired", number: bundle.number });
      return;
    }
    this.remove(bundle);
    this.delivered = Math.max(this.delivered, bundle.number);
    this.effects.push({
      kind: "deliver",
      number: bundle.number,
      results: reply.results,
      replicas,
    });
    this.onProgress(now, now - bundle.submittedMs);
  }

  private onProgress(now: number, latencyMs: number): void {
    this.latencyMs += (latencyMs - this.latencyMs) / 8;
    if (this.retries === 0) return;
    this.retries = 0;
    if (this.outstanding.size > 0) this.setTimer(now);
  }

  /**
   * Moves on to the leader of a higher view once a reply quorum, so a correct replica, is there.
   */
  protected noteView(from: ReplicaId, reported: number): void {
    if (reported === this.views[from]) return;
    this.views[from] = reported;
    const { n } = this.context;
    const supported = this.views.toSorted((a, b) => b - a)[this.quorum - 1] ?? -1;
    if (supported <= this.highestView) return;
    const before = this.highestView;
    this.highestView = supported;
    // While no view was known, all replicas got everything.
    if (before >= 0) this.resend(this.rules.leader(supported, n));
  }

  /**
   * The oldest bundle waited too long: everyone gets it, and some that follow, so that the leader
   * is suspected if it is at fault.
   */
  protected onTimeout(now: number, _timer: string): void {
    this.timerRuns = false;
    this.removeLost();
    const oldest = this.oldest();
    if (oldest === undefined) return;
    if (now >= oldest.sentMs + this.waitMs()) this.retry(now);
    this.setTimer(now);
  }

  protected retry(now: number): void {
    this.retries++;
    this.effects.push({ kind: "observe", event: "retry" });
    let bytes = 0;
    for (const bundle of this.outstanding.values()) {
      if (bytes > retryBytesMax) return;
      bytes += bundle.bytes;
      bundle.sentMs = now;
      bundle.retries++;
      this.effects.push({ kind: "broadcast", message: bundle.message });
    }
  }

  /**
   * A session takes effect in order, but replicas keep only so many bytes of unacknowledged
   * results.
   */
  private removeLost(): void {
    for (const bundle of this.outstanding.values()) {
      if (bundle.number > this.delivered || bundle.retries < retriesUntilLost) return;
      this.remove(bundle);
      this.effects.push({ kind: "lost", number: bundle.number });
    }
  }

  protected remove(bundle: Outstanding<Message>): void {
    this.outstanding.delete(bundle.number);
    this.outstandingBytes -= bundle.bytes;
  }

  /** What was sent to a replica before may be lost. */
  protected onConnected(replica: ReplicaId, _tookMs: number | undefined): void {
    this.resend(replica);
  }

  private resend(to: ReplicaId): void {
    for (const { message } of this.outstanding.values()) {
      this.effects.push({ kind: "send", to, message });
    }
  }

  /**
   * One timer, for the oldest bundle; it is not moved when bundles come and go, but looks again
   * when it runs out.
   */
  private setTimer(now: number): void {
    this.timerRuns = true;
    const sentMs = this.oldest()?.sentMs ?? now;
    this.effects.push({
      kind: "set-timer",
      timer: timerName,
      afterMs: Math.max(1, sentMs + this.waitMs() - now),
    });
  }

  private waitMs(): number {
    const { retryMs, retryMsMax } = this.context;
    return Math.min(
      retryMsMax,
      Math.max(retryMs, latencyFactor * this.latencyMs) * 2 ** this.retries,
    );
  }

  private oldest(): Outstanding<Message> | undefined {
    return this.outstanding.values().next().value;
  }

  /** Every bundle up to this number was answered. */
  private acknowledged(): number {
    return (this.oldest()?.number ?? this.next) - 1;
  }

  protected blame(
    replica: ReplicaId,
    reason: "malformed reply" | "conflicting reply" | "forged signature",
  ): void {
    this.effects.push({ kind: "blame", replica, reason });
  }
}

/**
 * Whether two replies to one bundle say the same. The view is a hint, and an expired session has no
 * results.
 */
export function agree(
  a: Pick<Reply, "outcome" | "results">,
  b: Pick<Reply, "outcome" | "results">,
): boolean {
  if (a === b) return true;
  if (a.outcome !== b.outcome) return false;
  if (a.outcome === "session-expired") return true;
  for (let i = 0; i < a.results.length; i++)
    if (!equalBytes(a.results[i]!, b.results[i]!)) return false;
  return true;
}
