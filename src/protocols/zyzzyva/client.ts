// Zyzzyva's client: it finds out whether its requests are committed (Kotla et al., §3.2). All of
// the replicas agreeing is enough; failing that, 2f+1 that say they know of 2f+1 that agree; and if
// a client cannot bring that about, the replicas do in the end, and answer as in other protocols.
// What a replica tells it is authentic by its link; signatures matter only when it has to show
// them, and are checked then.

import {
  type ClientMachineContext,
  equalBytes,
  type ReplicaId,
  type Reply,
} from "../../core/index.js";
import {
  agree,
  clientSpeech,
  fromReplyMessage,
  leaderOf,
  type Outstanding,
  QuorumClient,
} from "../../parts/index.js";
import {
  type Certificate,
  type Point,
  proven,
  type Signature,
  type SignedOrder,
  type SpecResponse,
  type ZyzzyvaMessage,
} from "./messages.js";

/** A replica's answer to one bundle, and where it was executed. */
interface Response extends Point, Pick<Reply, "outcome" | "results"> {
  readonly signature: Uint8Array;
  /** Whether the signature was found to be genuine: only those that are to be shown are checked. */
  isChecked: boolean;
}

/** What is known of one bundle. */
interface Progress {
  readonly responses: (Response | null)[];
  /** 2f+1 replicas agree: until when the others are waited for. */
  commitAtMs: number | null;
  /** What 2f+1 signed, sent to everybody. */
  certificate: Certificate | null;
  answer: Response | null;
  /** Who has stored it. */
  readonly commits: Set<ReplicaId>;
}

const timerName = "commit";

/** Orders of which the leader's word is kept to be compared. */
const ordersKept = 256;

/** So many bundles do not wait for a replica that was silent while one waited. */
const haste = 16;

/** The last replica is given so many times what the others took, and a little more. */
const leeway = 2;
const leewayMs = 2;

const samePoint = (a: Point, b: Point): boolean =>
  a.view === b.view && a.order === b.order && equalBytes(a.history, b.history);

export class ZyzzyvaClient extends QuorumClient<ZyzzyvaMessage> {
  private readonly progress = new Map<number, Progress>();
  /** What the leader of `ordersView` signed for each order, as each replica showed it. */
  private readonly orders = new Map<number, Map<ReplicaId, SignedOrder>>();
  private ordersView = 0;
  /** How many bundles more do not wait for all replicas. */
  private hurries = 0;
  /** When each replica last answered anything. */
  private readonly heardMs: number[];
  /** Since when the view is known, if it is not the first. */
  private viewSinceMs = Number.NEGATIVE_INFINITY;
  /** When the timer is due; null while it is not set. */
  private commitTimerAtMs: number | null = null;

  constructor(context: ClientMachineContext) {
    super({ ...clientSpeech, replyQuorum: (f) => f + 1, leader: leaderOf }, context);
    this.heardMs = new Array<number>(context.n).fill(Number.NEGATIVE_INFINITY);
  }

  private get quorum2f(): number {
    return this.context.n - this.context.f;
  }

  protected override onMessage(now: number, from: ReplicaId, message: ZyzzyvaMessage): void {
    const viewBefore = this.view ?? 0;
    if (message.kind === "spec-response") this.onResponse(now, from, message);
    else if (message.kind === "local-commit") this.onLocalCommit(now, from, message);
    else this.onOther(now, from, message);
    if (this.view !== null && this.view !== viewBefore) this.viewSinceMs = now;
  }

  // SPEC-RESPONSE

  private onResponse(now: number, from: ReplicaId, message: SpecResponse): void {
    const { client, session } = this.context;
    if (message.client !== client || message.session !== session) return;
    this.heardMs[from] = now;
    this.noteView(from, message.view);
    this.compare(from, message);
    const bundle = this.outstanding.get(message.number);
    if (bundle === undefined) return; // answered already
    const { view, order, history, signature } = message;
    const reply = fromReplyMessage({ ...message, kind: "reply" });
    const isWhole = reply?.outcome !== "executed" || reply.results.length === bundle.operations;
    if (reply === null || !isWhole) return this.blame(from, "malformed reply");
    const { outcome, results } = reply;
    const progress = this.progressOf(bundle);
    if ((progress.responses[from]?.view ?? 0) > view) return;
    const response = { view, order, history, signature, isChecked: false, outcome, results };
    progress.responses[from] = response;
    this.tallyResponses(now, bundle, progress, response);
  }

  private progressOf({ number }: Outstanding<ZyzzyvaMessage>): Progress {
    let progress = this.progress.get(number);
    if (progress === undefined) {
      const responses = new Array<Response | null>(this.context.n).fill(null);
      const nothing = { commitAtMs: null, certificate: null, answer: null };
      progress = { responses, ...nothing, commits: new Set() };
      this.progress.set(number, progress);
    }
    return progress;
  }

  private tallyResponses(
    now: number,
    bundle: Outstanding<ZyzzyvaMessage>,
    progress: Progress,
    response: Response,
  ): void {
    const agreeing = agreeingWith(response, progress);
    if (agreeing.length === this.context.n) {
      this.effects.push({ kind: "observe", event: "fast path" });
      this.hurries = 0;
      return this.accept(now, bundle, response, agreeing);
    }
    if (agreeing.length < this.quorum2f) return;
    if ((progress.certificate?.view ?? -1) >= response.view) return;
    const { answer, commitAtMs } = progress;
    if (commitAtMs !== null && answer !== null && isSame(answer, response)) return; // said again
    progress.answer = response;
    if (this.hurries === 0) return this.awaitOthers(now, bundle, progress);
    this.hurries -= 1;
    this.commit(bundle.number, progress);
  }

  /** Gives the last replicas some time, by how long the others took since they could answer. */
  private awaitOthers(
    now: number,
    { sentMs }: Outstanding<ZyzzyvaMessage>,
    progress: Progress,
  ): void {
    const tookMs = now - Math.max(sentMs, this.viewSinceMs);
    progress.commitAtMs = now + leeway * tookMs + leewayMs;
    this.setCommitTimer(now, progress.commitAtMs);
  }

  private setCommitTimer(now: number, atMs: number): void {
    if (this.commitTimerAtMs !== null && this.commitTimerAtMs <= atMs) return;
    this.commitTimerAtMs = atMs;
    const afterMs = Math.max(1, atMs - now);
    this.effects.push({ kind: "set-timer", timer: timerName, afterMs });
  }

  protected override onTimeout(now: number, timer: string): void {
    if (timer !== timerName) return super.onTimeout(now, timer);
    const dueMs = Math.max(now, this.commitTimerAtMs ?? now);
    this.commitTimerAtMs = null;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [number, progress] of this.progress) {
      const { commitAtMs } = progress;
      if (commitAtMs === null) continue;
      if (commitAtMs > dueMs) {
        nextMs = Math.min(nextMs, commitAtMs);
        continue;
      }
      const { submittedMs } = this.outstanding.get(number)!;
      // Who answered something meanwhile is slow, and may be faster next time.
      if (this.heardMs.some((heardMs) => heardMs < submittedMs)) this.hurries = haste;
      this.commit(number, progress);
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.setCommitTimer(now, nextMs);
  }

  // COMMIT and LOCAL-COMMIT

  /** Shows everybody what 2f+1 replicas signed. */
  private commit(number: number, progress: Progress): void {
    const { answer } = progress;
    progress.commitAtMs = null;
    if (answer === null) return;
    const signatures = this.signaturesOf(answer, progress);
    if (signatures.length < this.quorum2f) return; // until another says the same
    const { view, order, history } = answer;
    progress.certificate = { view, order, history, signatures };
    progress.commits.clear();
    this.effects.push({ kind: "observe", event: "commit certificate" });
    this.sendCommit(number, progress.certificate);
  }

  /** 2f+1 genuine ones under a point, if there are; what came with others is forgotten. */
  private signaturesOf(point: Point, { responses }: Progress): Signature[] {
    const digest = proven.reached(point, this.context.hash);
    const signatures: Signature[] = [];
    for (const [replica, response] of responses.entries()) {
      if (signatures.length === this.quorum2f) break;
      if (response === null || !samePoint(response, point)) continue;
      const { signature: proof } = response;
      const claim = { kind: "replica", replica, digest, proof, isTransferable: true } as const;
      response.isChecked ||= this.context.isAuthentic(claim);
      if (response.isChecked) signatures.push({ replica, proof });
      else {
        responses[replica] = null;
        this.blame(replica, "forged signature");
      }
    }
    return signatures;
  }

  private sendCommit(number: number, certificate: Certificate): void {
    const { client, session } = this.context;
    const message = { kind: "commit", client, session, number, certificate } as const;
    this.effects.push({ kind: "broadcast", message });
  }

  private onLocalCommit(
    now: number,
    from: ReplicaId,
    message: Extract<ZyzzyvaMessage, { kind: "local-commit" }>,
  ): void {
    const { client, session } = this.context;
    if (message.client !== client || message.session !== session) return;
    const bundle = this.outstanding.get(message.number);
    const progress = this.progress.get(message.number);
    if (bundle === undefined || progress === undefined) return;
    const { certificate, commits } = progress;
    if (certificate === null || !samePoint(certificate, message)) return;
    commits.add(from);
    this.tallyCommits(now, bundle, progress);
  }

  /** A replica that knows the request to be decided says so, and no longer what it has stored. */
  private onOther(now: number, from: ReplicaId, message: ZyzzyvaMessage): void {
    super.onMessage(now, from, message);
    if (message.kind !== "reply") return;
    const bundle = this.outstanding.get(message.number);
    const progress = this.progress.get(message.number);
    if (bundle !== undefined && progress !== undefined) this.tallyCommits(now, bundle, progress);
  }

  /** Whether 2f+1 replicas have stored a certificate of the answer, or know that it is decided. */
  private tallyCommits(
    now: number,
    bundle: Outstanding<ZyzzyvaMessage>,
    { certificate, answer, commits }: Progress,
  ): void {
    if (certificate === null || answer === null) return;
    const vouching = bundle.replies.flatMap((reply, replica) => {
      const isDecided = reply !== null && agree(reply, answer);
      return isDecided || commits.has(replica) ? [replica] : [];
    });
    if (vouching.length >= this.quorum2f) this.accept(now, bundle, answer, vouching);
  }

  protected override accept(
    now: number,
    bundle: Outstanding<ZyzzyvaMessage>,
    reply: Pick<Reply, "outcome" | "results">,
    replicas: readonly ReplicaId[],
  ): void {
    super.accept(now, bundle, reply, replicas);
    this.progress.delete(bundle.number);
  }

  protected override remove(bundle: Outstanding<ZyzzyvaMessage>): void {
    super.remove(bundle);
    this.progress.delete(bundle.number);
  }

  /** Requests go to everybody again, and with them what was shown. */
  protected override retry(now: number): void {
    super.retry(now);
    for (const [number, { certificate }] of this.progress) {
      if (certificate !== null) this.sendCommit(number, certificate);
    }
  }

  // Proof of misbehaviour

  /** Two orders of one leader for one place convince everybody that it lies. */
  private compare(from: ReplicaId, { view, order, history, batch, proof }: SpecResponse): void {
    if (view !== this.view) return;
    if (view !== this.ordersView) this.orders.clear();
    this.ordersView = view;
    const shown = this.orders.get(order) ?? new Map<ReplicaId, SignedOrder>();
    this.orders.set(order, shown);
    if (this.orders.size > ordersKept) this.orders.delete(this.orders.keys().next().value!);
    if (shown.has(from)) return;
    const one = { view, order, history, batch, proof };
    // Replicas check the signatures: one of them may be a liar's invention.
    for (const other of shown.values()) {
      if (equalBytes(other.history, history) && equalBytes(other.batch, batch)) continue;
      this.effects.push({ kind: "observe", event: "proof of misbehaviour" });
      this.effects.push({ kind: "broadcast", message: { kind: "misbehaviour", one, other } });
    }
    shown.set(from, one);
  }
}

/** Whether two answers say the same of the same place. */
const isSame = (a: Response, b: Response): boolean => samePoint(a, b) && agree(a, b);

function agreeingWith(response: Response, { responses }: Progress): ReplicaId[] {
  return responses.flatMap((other, replica) =>
    other !== null && isSame(other, response) ? [replica] : [],
  );
}
