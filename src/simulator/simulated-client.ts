// The host of a correct client's machines in virtual time, and what makes it call: a workload, one
// session at a time, several bundles outstanding.

import {
  type AcceptedAnswer,
  type ClaimContext,
  type ClientEffect,
  type ClientId,
  type ClientInput,
  type ClientMachine,
  InvariantError,
  type Protocol,
  type ReplicaId,
  replicaIds,
  type Reply,
  type SessionId,
  type Tagged,
} from "../core/index.js";
import type { ClientKeys } from "./client-keys.js";
import type { Identities } from "./identities.js";
import { symbolicHash } from "./mix.js";
import type { ClientsPlan } from "./plan.js";
import type { Random } from "./random.js";
import type { Call, Workload } from "./workload.js";

/** What a client asks of the world. */
export interface ClientSurroundings {
  now(): number;
  after(ms: number, action: () => void): void;
  send(client: ClientId, to: ReplicaId, bytes: Uint8Array): void;
  submitted(
    bundle: Pick<Reply, "client" | "session" | "number">,
    operations: readonly Uint8Array[],
  ): void;
  /** The client took an answer for true. */
  accepted(reply: Reply): void;
  /** Its machine says that a replica did what no correct one does. */
  blamed(replica: ReplicaId, reason: string): void;
  /** Its machine says that something worth counting happened. */
  observed(event: string): void;
}

export interface ClientOptions {
  readonly client: ClientId;
  readonly protocol: Protocol;
  /** What its machines may look at. */
  readonly context: ClaimContext;
  readonly keys: ClientKeys;
  readonly identities: Identities;
  readonly plan: ClientsPlan;
  /** The last bundle is submitted then, so that every run uses the healed network. */
  readonly healMs: number;
  readonly workload: Workload;
  readonly random: Random;
  readonly surroundings: ClientSurroundings;
}

/** Retries double their distance up to this. */
const retryMsMax = 2_000;
/** How late timers run out at most, as a share. */
const latenessMax = 0.25;
/** More than any run submits at a time. */
const windowBytes = 2 ** 30;

export class SimulatedClient {
  /** Every operation submitted, in that order. */
  readonly history: Call[] = [];
  readonly #bundles: { session: SessionId; number: number; calls: readonly Call[] }[] = [];
  readonly #options: ClientOptions;
  #machine: ClientMachine<Tagged>;
  #session = 1;
  /** The bundles of the session that are not answered, by number. */
  #outstanding = new Map<number, readonly Call[]>();
  /** Those that run, and a token each: setting one again leaves an old token behind. */
  readonly #timers = new Map<string, number>();
  #tokens = 0;
  #submitted = 0;
  /** How many it submits in all. */
  #quota: number;
  /** See `ClientsPlan`. */
  #thinkMs: number;
  /** The step at hand told what became of a bundle. */
  #hasNews = false;
  /** It would have submitted, but for the window, its session, or the heal. */
  #isHeldBack = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#quota = options.plan.bundles;
    this.#thinkMs = options.plan.thinkMs;
    this.#machine = this.#newMachine();
    options.surroundings.after(options.random.between(0, options.plan.thinkMs), () =>
      this.#think(),
    );
  }

  /** Whether everything was submitted and answered. */
  get isDone(): boolean {
    return this.#submitted === this.#quota && this.#outstanding.size === 0;
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
    while (this.#submitted < this.#quota - 1 && !this.#machine.isFull) this.#submit();
  }

  /** It has so many more to submit, and thinks no longer. */
  goOn(bundles: number): void {
    this.#quota += bundles;
    this.#thinkMs = 1;
    this.#think();
  }

  /** A message from a replica. */
  receive(from: ReplicaId, bytes: Uint8Array): void {
    const message = this.#options.protocol.messages.decode(bytes);
    if (message === null || !this.#isAuthentic(message, from)) {
      return this.#options.surroundings.blamed(from, "malformed or forged");
    }
    this.#step({ kind: "message", from, message });
  }

  /** A replica is up again, and its connection with it. */
  connected(replica: ReplicaId): void {
    this.#step({ kind: "connected", replica });
  }

  #isAuthentic(message: Tagged, from: ReplicaId): boolean {
    const { protocol, context, identities } = this.#options;
    const claims = protocol.client.claims(message, from, context);
    return claims !== null && claims.every((claim) => identities.isGenuineToClients(claim));
  }

  #newMachine(): ClientMachine<Tagged> {
    const { client, protocol, context, keys, identities, plan } = this.#options;
    return protocol.client.machine({
      ...context,
      client,
      session: this.#session,
      authenticate: (body) => keys.seal(client, symbolicHash(body)),
      isAuthentic: (claim) => identities.isGenuineToClients(claim),
      windowBundles: context.limits.sessionWindow,
      windowBytes,
      retryMs: plan.retryMs,
      retryMsMax,
    });
  }

  #step(input: ClientInput<Tagged>): void {
    this.#hasNews = false;
    const machine = this.#machine;
    for (const effect of machine.step(this.#options.surroundings.now(), input)) {
      this.#carryOut(effect);
      if (this.#machine !== machine) break; // its session is over
    }
    const mayThink = this.#options.plan.paced !== true || this.#isHeldBack;
    if (this.#hasNews && mayThink) this.#think();
  }

  #carryOut(effect: ClientEffect<Tagged>): void {
    const { surroundings } = this.#options;
    switch (effect.kind) {
      case "send":
        return this.#send(
          this.#options.plan.askEveryone ? this.#everyone() : [effect.to],
          effect.message,
        );
      case "broadcast":
        return this.#send(this.#everyone(), effect.message);
      case "set-timer":
        return this.#setTimer(effect.timer, effect.afterMs);
      case "cancel-timer":
        this.#timers.delete(effect.timer);
        return;
      case "deliver":
        return this.#deliver(effect);
      case "lost":
        return this.#lose(effect.number);
      case "expired":
        return this.#expire(effect.number);
      case "blame":
        return surroundings.blamed(effect.replica, effect.reason);
      case "observe":
        return surroundings.observed(effect.event);
    }
  }

  #everyone(): ReplicaId[] {
    return replicaIds(this.#options.context.n);
  }

  #send(to: readonly ReplicaId[], message: Tagged): void {
    const { protocol, surroundings, client } = this.#options;
    const bytes = protocol.messages.encode(message);
    for (const replica of to) surroundings.send(client, replica, bytes);
  }

  #setTimer(timer: string, afterMs: number): void {
    const { surroundings, random } = this.#options;
    const token = ++this.#tokens;
    this.#timers.set(timer, token);
    // Clients that all try again at the same moment would take the one free place in turns.
    surroundings.after(afterMs * random.between(1, 1 + latenessMax), () => {
      if (this.#timers.get(timer) !== token) return;
      this.#timers.delete(timer);
      this.#step({ kind: "timeout", timer });
    });
  }

  #deliver({ number, results }: AcceptedAnswer): void {
    const calls = this.#settle(number);
    this.#accept(number, "executed", results);
    const returnedMs = this.#options.surroundings.now();
    calls.forEach((call, index) => {
      call.returnedMs = returnedMs;
      call.result = results[index] ?? null;
    });
  }

  #lose(number: number): void {
    this.#settle(number);
    this.#options.surroundings.observed("result lost");
  }

  #settle(number: number): readonly Call[] {
    const calls = this.#outstanding.get(number);
    if (calls === undefined) throw new InvariantError(`bundle ${number} is settled already`);
    this.#outstanding.delete(number);
    this.#hasNews = true;
    return calls;
  }

  /** The next session takes what was not submitted; what was stays open. */
  #expire(number: number): void {
    this.#accept(number, "session-expired", []);
    this.#outstanding.clear();
    this.#timers.clear();
    this.#session = Math.max(this.#session + 1, Math.floor(this.#options.surroundings.now()));
    this.#machine = this.#newMachine();
    this.#hasNews = true;
  }

  #accept(number: number, outcome: Reply["outcome"], results: readonly Uint8Array[]): void {
    const { client, surroundings } = this.#options;
    const view = this.#machine.view ?? 0;
    surroundings.accepted({ client, session: this.#session, number, view, outcome, results });
  }

  /** Submits the next bundle if it may, and comes back later. */
  #think(): void {
    const { plan, surroundings, healMs, random } = this.#options;
    if (this.#submitted === this.#quota) return;
    this.#isHeldBack = false;
    const isLast = this.#submitted === this.#quota - 1;
    if (isLast && surroundings.now() < healMs) {
      if (this.#outstanding.size === 0) {
        surroundings.after(healMs - surroundings.now(), () => this.#think());
      } else this.#isHeldBack = true;
      return;
    }
    this.#isHeldBack = this.#outstanding.size >= plan.outstanding || this.#machine.isFull;
    if (this.#isHeldBack) return;
    this.#submit();
    surroundings.after(random.fraction() * 2 * this.#thinkMs, () => this.#think());
  }

  #submit(): void {
    const { client, workload, random, plan, surroundings } = this.#options;
    const isLast = this.#submitted === this.#quota - 1;
    const operations =
      (isLast ? workload.last?.() : undefined) ??
      Array.from({ length: 1 + random.below(plan.operationsMax) }, () =>
        workload.next(random, client),
      );
    const number = this.#machine.nextNumber;
    const session = this.#session;
    this.#submitted++;
    const invokedMs = surroundings.now();
    const calls = operations.map(
      (operation): Call => ({ client, operation, invokedMs, returnedMs: null, result: null }),
    );
    this.history.push(...calls);
    this.#bundles.push({ session, number, calls });
    this.#outstanding.set(number, calls);
    surroundings.submitted({ client, session, number }, operations);
    this.#step({ kind: "submit", operations });
  }
}
