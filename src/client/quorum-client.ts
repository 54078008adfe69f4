// One session of a client as a pure machine: numbers bundles, resends them, and believes what a
// quorum answers.

import { encodeBundle } from "../codec/index.js";
import {
  assert,
  type ClientId,
  type ClientSide,
  equalBytes,
  type ReplicaId,
  type Reply,
  type SessionId,
} from "../core/index.js";

/** What a session is made of. */
export interface QuorumClientContext<Message> {
  readonly client: ClientId;
  readonly session: SessionId;
  /** Number of replicas. */
  readonly n: number;
  /** Number of replicas that may be faulty. */
  readonly f: number;
  readonly side: ClientSide<Message>;
  /** Whether each bundle goes to every replica at once. */
  readonly asksEveryone: boolean;
  /** The client's proof over a bundle's bytes. Pure: no clock, no randomness. */
  readonly authenticate: (body: Uint8Array) => Uint8Array;
  /** Unanswered bundles at a time; at most the replicas' `sessionWindow`. */
  readonly windowBundles: number;
  /** Bytes of unanswered bundles at a time; one bundle may go over it. */
  readonly windowBytes: number;
  /**
   * A bundle unanswered for so long is sent to every replica; doubled while nothing is answered …
   */
  readonly retryMs: number;
  /** … up to this. */
  readonly retryMsMax: number;
}

/** What happens to a session. `now` of `step` is in milliseconds and never decreases. */
export type QuorumClientInput<Message> =
  /** One bundle, to get the number `nextNumber`. Not while the session is full. */
  | { readonly kind: "submit"; readonly operations: readonly Uint8Array[] }
  /** `from` is who the connection belongs to, not what the message says. */
  | { readonly kind: "message"; readonly from: ReplicaId; readonly message: Message }
  /** A connection to the replica was opened: what was sent before may be lost. */
  | { readonly kind: "connected"; readonly replica: ReplicaId }
  /** The timer ran out. */
  | { readonly kind: "timeout" };

export type QuorumClientEffect<Message> =
  | { readonly kind: "send"; readonly to: ReplicaId; readonly message: Message }
  /** To every replica. */
  | { readonly kind: "broadcast"; readonly message: Message }
  /** Replaces the one timer, if it runs. */
  | { readonly kind: "set-timer"; readonly afterMs: number }
  | ({ readonly kind: "deliver" } & Answer)
  /** The bundle took effect, but the replicas no longer keep its results. */
  | { readonly kind: "lost"; readonly number: number }
  /** A quorum forgot the session. The machine is finished; nothing outstanding will be answered. */
  | { readonly kind: "expired" }
  /** The replica did what a correct one would not have done. */
  | { readonly kind: "blame"; readonly replica: ReplicaId; readonly reason: BlameReason };

export type BlameReason = "malformed reply" | "conflicting reply";

/**
 * A bundle's results, one an operation, and who vouched for them: at least one of them is correct.
 */
export interface Answer {
  readonly number: number;
  readonly results: readonly Uint8Array[];
  readonly replicas: readonly ReplicaId[];
}

/** A bundle without an answer. Its bytes never change: a retry is the same request. */
interface Outstanding<Message> {
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
export class QuorumClient<Message> {
  readonly #context: QuorumClientContext<Message>;
  readonly #outstanding = new Map<number, Outstanding<Message>>();
  #outstandingBytes = 0;
  #nextNumber = 1;
  /** The highest number delivered. */
  #delivered = 0;
  #expired = false;
  /** The last view each replica reported, -1 before. */
  readonly #views: number[];
  /** A reply quorum reported this view or a higher one, so a correct replica did; -1: not known. */
  #view = -1;
  /** Retries since something was last answered. */
  #retries = 0;
  #latencyMs = 0;
  #timerRuns = false;
  #effects: QuorumClientEffect<Message>[] = [];

  constructor(context: QuorumClientContext<Message>) {
    assert(context.windowBundles >= 1, "the window holds at least one bundle");
    this.#context = context;
    this.#views = new Array<number>(context.n).fill(-1);
  }

  /** The number that the next bundle gets. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** Whether the window is full: nothing may be submitted until something is delivered. */
  get full(): boolean {
    const { windowBundles, windowBytes } = this.#context;
    const { size } = this.#outstanding;
    return (
      (this.#view < 0 && size > 0) || // the first goes to everyone, and tells where the others go
      this.#nextNumber - this.#acknowledged() > windowBundles ||
      this.#outstandingBytes >= windowBytes
    );
  }

  /** The view whose leader is believed in; null while none is known. */
  get view(): number | null {
    return this.#view < 0 ? null : this.#view;
  }

  step(now: number, input: QuorumClientInput<Message>): readonly QuorumClientEffect<Message>[] {
    this.#effects = [];
    if (!this.#expired) this.#dispatch(now, input);
    return this.#effects;
  }

  #dispatch(now: number, input: QuorumClientInput<Message>): void {
    switch (input.kind) {
      case "submit":
        return this.#onSubmit(now, input.operations);
      case "message":
        return this.#onMessage(now, input.from, input.message);
      case "connected":
        return this.#resend(input.replica);
      case "timeout":
        return this.#onTimeout(now);
    }
  }

  #onSubmit(now: number, operations: readonly Uint8Array[]): void {
    assert(!this.full, "a bundle was submitted to a full session");
    const { client, session, side, authenticate, n } = this.#context;
    const acknowledged = this.#acknowledged();
    const number = this.#nextNumber++;
    const body = encodeBundle({
      client,
      session,
      number,
      acknowledged,
      operations: operations as Uint8Array[],
    });
    const message = side.request(body, authenticate(body));
    this.#outstanding.set(number, {
      number,
      message,
      bytes: body.length,
      operations: operations.length,
      submittedMs: now,
      sentMs: now,
      retries: 0,
      replies: new Array<Reply | null>(n).fill(null),
    });
    this.#outstandingBytes += body.length;
    const isForAll = this.#context.asksEveryone || this.#view < 0;
    if (isForAll) this.#effects.push({ kind: "broadcast", message });
    else this.#effects.push({ kind: "send", to: side.leader(this.#view, n), message });
    if (!this.#timerRuns) this.#setTimer(now);
  }

  #onMessage(now: number, from: ReplicaId, message: Message): void {
    const { client, session, side } = this.#context;
    const reply = side.reply(message);
    if (reply === null) return this.#blame(from, "malformed reply");
    if (reply.client !== client || reply.session !== session) return;
    if (reply.view !== this.#views[from]) this.#onView(from, reply.view);
    const bundle = this.#outstanding.get(reply.number);
    if (bundle === undefined) return; // answered by a quorum already
    if (reply.outcome === "executed" && reply.results.length !== bundle.operations) {
      return this.#blame(from, "malformed reply");
    }
    bundle.replies[from] = reply;
    this.#tally(now, bundle, reply);
  }

  #tally(now: number, bundle: Outstanding<Message>, reply: Reply): void {
    const replicas: ReplicaId[] = [];
    bundle.replies.forEach((other, replica) => {
      if (other !== null && agree(other, reply)) replicas.push(replica);
    });
    if (replicas.length < this.#context.side.replyQuorum(this.#context.f)) return;

    bundle.replies.forEach((other, replica) => {
      if (other !== null && !agree(other, reply)) this.#blame(replica, "conflicting reply");
    });
    if (reply.outcome === "session-expired") {
      this.#expired = true;
      this.#effects.push({ kind: "expired" });
      return;
    }
    this.#remove(bundle);
    this.#delivered = Math.max(this.#delivered, bundle.number);
    this.#effects.push({
      kind: "deliver",
      number: bundle.number,
      results: reply.results,
      replicas,
    });
    this.#onProgress(now, now - bundle.submittedMs);
  }

  #onProgress(now: number, latencyMs: number): void {
    this.#latencyMs += (latencyMs - this.#latencyMs) / 8;
    if (this.#retries === 0) return;
    this.#retries = 0;
    if (this.#outstanding.size > 0) this.#setTimer(now);
  }

  /**
   * Moves on to the leader of a higher view once a reply quorum, so a correct replica, is there.
   */
  #onView(from: ReplicaId, reported: number): void {
    this.#views[from] = reported;
    const { f, n, side } = this.#context;
    const supported = this.#views.toSorted((a, b) => b - a)[side.replyQuorum(f) - 1] ?? -1;
    if (supported <= this.#view) return;
    const before = this.#view;
    this.#view = supported;
    // While no view was known, all replicas got everything.
    if (before >= 0) this.#resend(side.leader(supported, n));
  }

  /**
   * The oldest bundle waited too long: everyone gets it, and some that follow, so that the leader
   * is suspected if it is at fault.
   */
  #onTimeout(now: number): void {
    this.#timerRuns = false;
    this.#removeLost();
    const oldest = this.#oldest();
    if (oldest === undefined) return;
    if (now >= oldest.sentMs + this.#waitMs()) this.#retry(now);
    this.#setTimer(now);
  }

  #retry(now: number): void {
    this.#retries++;
    let bytes = 0;
    for (const bundle of this.#outstanding.values()) {
      if (bytes > retryBytesMax) return;
      bytes += bundle.bytes;
      bundle.sentMs = now;
      bundle.retries++;
      this.#effects.push({ kind: "broadcast", message: bundle.message });
    }
  }

  /**
   * A session takes effect in order, but replicas keep only so many bytes of unacknowledged
   * results.
   */
  #removeLost(): void {
    for (const bundle of this.#outstanding.values()) {
      if (bundle.number > this.#delivered || bundle.retries < retriesUntilLost) return;
      this.#remove(bundle);
      this.#effects.push({ kind: "lost", number: bundle.number });
    }
  }

  #remove(bundle: Outstanding<Message>): void {
    this.#outstanding.delete(bundle.number);
    this.#outstandingBytes -= bundle.bytes;
  }

  #resend(to: ReplicaId): void {
    for (const { message } of this.#outstanding.values()) {
      this.#effects.push({ kind: "send", to, message });
    }
  }

  /**
   * One timer, for the oldest bundle; it is not moved when bundles come and go, but looks again
   * when it runs out.
   */
  #setTimer(now: number): void {
    this.#timerRuns = true;
    const sentMs = this.#oldest()?.sentMs ?? now;
    this.#effects.push({ kind: "set-timer", afterMs: Math.max(1, sentMs + this.#waitMs() - now) });
  }

  #waitMs(): number {
    const { retryMs, retryMsMax } = this.#context;
    return Math.min(
      retryMsMax,
      Math.max(retryMs, latencyFactor * this.#latencyMs) * 2 ** this.#retries,
    );
  }

  #oldest(): Outstanding<Message> | undefined {
    return this.#outstanding.values().next().value;
  }

  /** Every bundle up to this number was answered. */
  #acknowledged(): number {
    return (this.#oldest()?.number ?? this.#nextNumber) - 1;
  }

  #blame(replica: ReplicaId, reason: BlameReason): void {
    this.#effects.push({ kind: "blame", replica, reason });
  }
}

/**
 * Whether two replies to one bundle say the same. The view is a hint, and an expired session has no
 * results.
 */
function agree(a: Reply, b: Reply): boolean {
  if (a === b) return true;
  if (a.outcome !== b.outcome) return false;
  if (a.outcome === "session-expired") return true;
  for (let i = 0; i < a.results.length; i++)
    if (!equalBytes(a.results[i]!, b.results[i]!)) return false;
  return true;
}
