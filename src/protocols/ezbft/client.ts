// ezBFT's client (thesis §4.3.1 and §4.3.4): it asks one replica, which orders the request itself.
// All replicas answering alike is enough after three message delays. Failing that replicas agree
// by themselves, and f+1 answers that are final will do. Who is not answered asks everybody.

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
  type Outstanding,
  QuorumClient,
} from "../../parts/index.js";
import { areSame, type EzbftMessage, type Order, proven, type SpecReply } from "./messages.js";

/** A replica's answer before its instance is decided, and what it saw before it. */
interface Response extends Pick<Reply, "outcome" | "results"> {
  readonly order: Order;
  readonly dependencies: readonly number[];
  readonly sequence: number;
}

/** A replica is as near as the nearest if connecting takes at most so much longer. */
const nearFactor = 2;
const nearMs = 5;

export class EzbftClient extends QuorumClient<EzbftMessage> {
  /** To the bundle that is outstanding: of an owner's space, what each replica answered. */
  private readonly responses = new Map<number, (Response | null)[]>();
  /** How often this session turned to another replica, and with whom it began. */
  private turns: number;
  /** How long connecting to each replica took; null where that is not known. */
  private readonly distancesMs: (number | null)[];

  constructor(context: ClientMachineContext) {
    super({ ...clientSpeech, replyQuorum: (f) => f + 1, leader: (turn, n) => turn % n }, context);
    this.turns = this.first;
    this.distancesMs = new Array<number | null>(context.n).fill(null);
    this.turnTo();
  }

  /** Where clients are as near to one replica as to another, each has one by its number. */
  protected override onConnected(replica: ReplicaId, tookMs: number | undefined): void {
    super.onConnected(replica, tookMs);
    if (tookMs === undefined) return;
    this.distancesMs[replica] = tookMs;
    const nearestMs = Math.min(...this.distancesMs.map((ms) => ms ?? Infinity));
    const isNear = (this.distancesMs[this.first] ?? Infinity) <= nearFactor * nearestMs + nearMs;
    const best = isNear ? this.first : this.distancesMs.indexOf(nearestMs);
    const { n } = this.context;
    this.turns += (best + n - (this.turns % n)) % n;
    this.turnTo();
  }

  /** The replica that its number gives it. */
  private get first(): ReplicaId {
    const { client, session, n } = this.context;
    return (client + session) % n;
  }

  /** Where the order is partial, a session's bundles come one after the other (protocols.md §0). */
  override get isFull(): boolean {
    return super.isFull || this.outstanding.size > 0;
  }

  /** What the shared client takes for a view is how often this one turned to another replica. */
  private turnTo(): void {
    for (let replica = 0; replica <= this.context.f; replica += 1) {
      this.noteView(replica, this.turns);
    }
  }

  protected override onMessage(now: number, from: ReplicaId, message: EzbftMessage): void {
    if (message.kind === "reply") {
      const { turns } = this;
      return super.onMessage(now, from, { ...message, view: turns });
    }
    if (message.kind !== "spec-reply") return this.blame(from, "malformed reply");
    this.onSpecReply(now, from, message);
  }

  // SPECREPLY

  private onSpecReply(now: number, from: ReplicaId, message: SpecReply): void {
    const { client, session } = this.context;
    if (message.client !== client || message.session !== session) return;
    const bundle = this.outstanding.get(message.number);
    if (bundle === undefined) return; // answered already
    const reply = fromReplyMessage({ ...message, kind: "reply", view: 0 });
    if (message.order.space >= this.context.n) return this.blame(from, "malformed reply");
    if (reply?.outcome !== "executed" || reply.results.length !== bundle.operations) {
      return this.blame(from, "malformed reply");
    }
    const { order, dependencies, sequence } = message;
    const { outcome, results } = reply;
    const response = { order, dependencies, sequence, outcome, results };
    const responses = this.responsesIn(order.space);
    for (const other of responses) if (other !== null) this.compare(order, other.order);
    responses[from] = response;
    this.tallyResponses(now, bundle, responses, response);
  }

  private responsesIn(space: number): (Response | null)[] {
    let responses = this.responses.get(space);
    if (responses === undefined) {
      responses = new Array<Response | null>(this.context.n).fill(null);
      this.responses.set(space, responses);
    }
    return responses;
  }

  /** 3f+1 that saw the same before it and gave the same results: it can have no others. */
  private tallyResponses(
    now: number,
    bundle: Outstanding<EzbftMessage>,
    responses: readonly (Response | null)[],
    response: Response,
  ): void {
    const isSame = (other: Response | null): boolean =>
      other !== null && areAlike(other, response, this.context.hash) && agree(other, response);
    if (!responses.every(isSame)) return;
    this.effects.push({ kind: "observe", event: "fast path" });
    this.accept(now, bundle, response, [...responses.keys()]);
  }

  protected override remove(bundle: Outstanding<EzbftMessage>): void {
    super.remove(bundle);
    this.responses.clear();
  }

  /** Everybody is asked, and each may order the request; and the next asks another first. */
  protected override retry(now: number): void {
    super.retry(now);
    this.turns += 1;
    this.turnTo();
  }

  // Proof of misbehaviour

  /** Two orders of one owner for one place convince everybody that it lies. */
  private compare(one: Order, other: Order): void {
    const { hash } = this.context;
    const isOnePlace =
      one.space === other.space && one.slot === other.slot && one.view === other.view;
    if (!isOnePlace || equalBytes(proven.order(one, hash), proven.order(other, hash))) return;
    this.effects.push({ kind: "observe", event: "proof of misbehaviour" });
    this.effects.push({ kind: "broadcast", message: { kind: "misbehaviour", one, other } });
  }
}

const areAlike = (a: Response, b: Response, hash: ClientMachineContext["hash"]): boolean =>
  a.sequence === b.sequence &&
  areSame(a.dependencies, b.dependencies) &&
  equalBytes(proven.order(a.order, hash), proven.order(b.order, hash));
