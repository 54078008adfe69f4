// A correct client in virtual time: one session at a time, several bundles outstanding, retries,
// f+1 equal replies.

import { encodeBundle } from "../codec/index.js";
import type { ClientId, Protocol, ReplicaId, Reply, SessionId } from "../core/index.js";
import type { ClientKeys } from "./client-keys.js";
import { symbolicHash } from "./mix.js";
import type { ClientsPlan } from "./plan.js";
import type { Random } from "./random.js";
import type { Call, Workload } from "./workload.js";

/** What a client asks of the world. */
export interface ClientSurroundings {
  now(): number;
  after(ms: number, action: () => void): void;
  send(client: ClientId, to: ReplicaId, bytes: Uint8Array): void;
  submitted(bundle: Pick<Reply, "client" | "session" | "number">): void;
  /** f+1 replicas agreed on the answer to a bundle. */
  accepted(reply: Reply): void;
  retried(): void;
}

export interface ClientOptions {
  readonly client: ClientId;
  readonly n: number;
  readonly f: number;
  readonly protocol: Protocol;
  readonly keys: ClientKeys;
  readonly plan: ClientsPlan;
  /** Whether requests go to every replica at once; see `ClientSide.asksEveryone`. */
  readonly asksEveryone: boolean;
  readonly sessionWindow: number;
  /** The last bundle is submitted then, so that every run uses the healed network. */
  readonly healMs: number;
  readonly workload: Workload;
  readonly random: Random;
  readonly surroundings: ClientSurroundings;
}

interface Outstanding {
  readonly calls: readonly Call[];
  readonly request: Uint8Array;
  readonly votes: Map<string, Set<ReplicaId>>;
}

const retryMsMax = 2_000;

export class SimulatedClient {
  /** Every operation submitted, in that order. */
  readonly history: Call[] = [];
  readonly #bundles: { session: SessionId; number: number; calls: readonly Call[] }[] = [];
  readonly #options: ClientOptions;
  readonly #outstanding = new Map<number, Outstanding>();
  #session = 1;
  #expired = false;
  #next = 1;
  #acknowledged = 0;
  #submitted = 0;
  #view = 0;
  /** It would have submitted, but for the window, its session, or the heal. */
  #isHeldBack = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    options.surroundings.after(options.random.between(0, options.plan.thinkMs), () =>
      this.#think(),
    );
  }

  /** Whether everything was submitted and answered. */
  get isDone(): boolean {
    return this.#submitted === this.#options.plan.bundles && this.#outstanding.size === 0;
  }

  /** Tells every call where its bundle took effect. */
  place(positionOf: (bundle: Pick<Reply, "client" | "session" | "number">) => number | undefined) {
    const { client } = this.#options;
    for (const { session, number, calls } of this.#bundles) {
      const position = positionOf({ client, session, number });
      for (const call of calls) call.position = position;
    }
  }

  /** Submits at once all that its session lets it, but for the last bundle. */
  burst(): void {
    const { plan, sessionWindow } = this.#options;
    while (
      !this.#expired &&
      this.#submitted < plan.bundles - 1 &&
      this.#next <= this.#acknowledged + sessionWindow
    ) {
      this.#submit();
    }
  }

  /** A message from a replica. */
  receive(from: ReplicaId, bytes: Uint8Array): void {
    const { protocol, client, f } = this.#options;
    const message = protocol.messages.decode(bytes);
    const reply = message && protocol.client.reply(message);
    if (reply == null || reply.client !== client || reply.session !== this.#session) return;
    const bundle = this.#outstanding.get(reply.number);
    if (bundle === undefined) return;
    const key = answerOf(reply);
    const voters = bundle.votes.get(key) ?? new Set();
    bundle.votes.set(key, voters.add(from));
    if (voters.size >= protocol.client.replyQuorum(f)) this.#accept(reply, bundle);
  }

  #accept(reply: Reply, bundle: Outstanding): void {
    const { surroundings } = this.#options;
    this.#outstanding.delete(reply.number);
    this.#view = reply.view;
    while (this.#acknowledged + 1 < this.#next && !this.#outstanding.has(this.#acknowledged + 1)) {
      this.#acknowledged++;
    }
    surroundings.accepted(reply);
    if (reply.outcome === "executed") {
      bundle.calls.forEach((call, index) => {
        call.returnedMs = surroundings.now();
        call.result = reply.results[index] ?? null;
      });
    } else {
      this.#expired = true;
    }
    if (this.#expired && this.#outstanding.size === 0) this.#renew();
    if (this.#options.plan.paced !== true || this.#isHeldBack) this.#think();
  }

  #renew(): void {
    this.#expired = false;
    this.#session = Math.max(this.#session + 1, Math.floor(this.#options.surroundings.now()));
    this.#next = 1;
    this.#acknowledged = 0;
  }

  /** Submits the next bundle if it may, and comes back later. */
  #think(): void {
    const { plan, surroundings, healMs, random, sessionWindow } = this.#options;
    if (this.#submitted === plan.bundles) return;
    this.#isHeldBack = false;
    const isLast = this.#submitted === plan.bundles - 1;
    if (isLast && surroundings.now() < healMs) {
      if (this.#outstanding.size === 0) {
        surroundings.after(healMs - surroundings.now(), () => this.#think());
      } else this.#isHeldBack = true;
      return;
    }
    const window = Math.min(plan.outstanding, sessionWindow);
    this.#isHeldBack = this.#expired || this.#next > this.#acknowledged + window;
    if (this.#isHeldBack) return;
    this.#submit();
    surroundings.after(random.fraction() * 2 * plan.thinkMs, () => this.#think());
  }

  #submit(): void {
    const { client, n, protocol, keys, workload, random, plan, surroundings } = this.#options;
    const isLast = this.#submitted === plan.bundles - 1;
    const operations =
      (isLast ? workload.last?.() : undefined) ??
      Array.from({ length: 1 + random.below(plan.operationsMax) }, () =>
        workload.next(random, client),
      );
    const number = this.#next++;
    this.#submitted++;
    const body = encodeBundle({
      client,
      session: this.#session,
      number,
      acknowledged: this.#acknowledged,
      operations,
    });
    const request = protocol.client.request(body, keys.seal(client, symbolicHash(body)));
    const invokedMs = surroundings.now();
    const calls = operations.map(
      (operation): Call => ({ client, operation, invokedMs, returnedMs: null, result: null }),
    );
    this.history.push(...calls);
    this.#bundles.push({ session: this.#session, number, calls });
    const bundle = { calls, request: protocol.messages.encode(request), votes: new Map() };
    this.#outstanding.set(number, bundle);
    surroundings.submitted({ client, session: this.#session, number });
    if (this.#options.asksEveryone) this.#askEveryone(bundle);
    else surroundings.send(client, protocol.client.leader(this.#view, n), bundle.request);
    this.#retryLater(number, bundle, plan.retryMs);
  }

  #askEveryone({ request }: Outstanding): void {
    const { surroundings, client, n } = this.#options;
    for (let to = 0; to < n; to++) surroundings.send(client, to, request);
  }

  #retryLater(number: number, bundle: Outstanding, afterMs: number): void {
    const { surroundings, random } = this.#options;
    // Clients that all try again at the same moment would take the one free place in turns.
    surroundings.after(afterMs * random.between(0.75, 1.25), () => {
      if (this.#outstanding.get(number) !== bundle) return;
      surroundings.retried();
      this.#askEveryone(bundle);
      this.#retryLater(number, bundle, Math.min(2 * afterMs, retryMsMax));
    });
  }
}

/** What must match in replies: all but the view. */
export function answerOf(reply: Reply): string {
  return `${reply.outcome}:${reply.results.map((result) => result.join()).join(";")}`;
}
