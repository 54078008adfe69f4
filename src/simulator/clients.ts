// All clients of a run, correct and lying, and what the world has to do with them.

import type { Protocol, ReplicaId, Reply } from "../core/index.js";
import { LyingClient } from "./adversary/lying-client.js";
import { LyingSession } from "./adversary/lying-session.js";
import type { ClientKeys } from "./client-keys.js";
import type { Identities } from "./identities.js";
import type { Judge } from "./judge.js";
import { symbolicHash } from "./mix.js";
import type { Plan } from "./plan.js";
import type { Random } from "./random.js";
import { type ClientSurroundings, SimulatedClient } from "./simulated-client.js";
import type { Facts, PartyNumber } from "./trace.js";
import type { Call, Workload } from "./workload.js";

export interface ClientsOptions {
  readonly plan: Plan;
  readonly protocol: Protocol;
  readonly workload: Workload;
  readonly keys: ClientKeys;
  readonly identities: Identities;
  readonly random: Random;
  readonly judge: Judge;
  readonly isLiar: (replica: ReplicaId) => boolean;
  readonly now: () => number;
  readonly after: (ms: number, action: () => void) => void;
  /** Calls back when the party does not stand still. */
  readonly whenMoving: (party: PartyNumber, action: () => void) => void;
  readonly send: (client: number, to: ReplicaId, bytes: Uint8Array) => void;
  readonly happened: (
    what: string,
    party: PartyNumber,
    details?: () => string,
    facts?: Facts,
  ) => void;
}

/** How often a lying client acts, on average. */
const lyingClientMs = 60;
/** A client finds a replica again so long after it is up, at most. */
const reconnectMsMax = 100;

export class Clients {
  readonly #options: ClientsOptions;
  readonly #correct: readonly SimulatedClient[];
  readonly #stirs: readonly (() => void)[];
  /** Of lying clients, where clients take part in the protocol. */
  readonly #sessions = new Map<number, LyingSession>();

  constructor(options: ClientsOptions) {
    this.#options = options;
    const { correct, lying } = options.plan.clients;
    this.#correct = Array.from({ length: correct }, (_, client) => this.#makeClient(client));
    this.#stirs = Array.from({ length: lying }, (_, i) => this.#makeLyingClient(correct + i));
  }

  /** All calls of correct clients. */
  get history(): readonly Call[] {
    return this.#correct.flatMap((client) => client.history);
  }

  /** Correct clients that have not submitted everything, or wait for an answer. */
  get waiting(): number {
    return this.#correct.filter(({ isDone }) => !isDone).length;
  }

  /** See `SimulatedClient.place`. */
  place(positionOf: Parameters<SimulatedClient["place"]>[0]): void {
    for (const client of this.#correct) client.place(positionOf);
  }

  /** Correct clients submit all that they may. */
  burst(): void {
    for (const client of this.#correct) client.burst();
  }

  /** Correct clients have so many more to submit. */
  goOn(bundles: number): void {
    for (const client of this.#correct) client.goOn(bundles);
  }

  /** A message of a replica arrives at a client that listens. */
  receive(client: number, from: ReplicaId, bytes: Uint8Array): void {
    this.#correct[client]?.receive(from, bytes);
    this.#sessions.get(client)?.hear(from, bytes);
  }

  /** Whether a lying client cares for what it is answered. */
  listens(client: number): boolean {
    return this.#sessions.has(client);
  }

  /** A replica is up again: correct clients notice, each in its time. */
  connected(replica: ReplicaId): void {
    const { after, whenMoving, random, plan } = this.#options;
    this.#correct.forEach((client, number) => {
      const notice = () => whenMoving(plan.n + number, () => client.connected(replica));
      after(random.between(0, reconnectMsMax), notice);
    });
  }

  /** Lying clients know when a replica is busy with something else. */
  stir(): void {
    for (const stir of this.#stirs) stir();
  }

  #makeClient(client: number): SimulatedClient {
    const { plan, protocol, keys, identities, workload, random } = this.#options;
    const { n, f, limits, clientAuthentication, replicaAuthentication, clients, healMs } = plan;
    const hash = symbolicHash;
    return new SimulatedClient({
      client,
      protocol,
      context: { n, f, hash, limits, clientAuthentication, replicaAuthentication },
      keys,
      identities,
      plan: clients,
      healMs,
      workload,
      random: random.fork(`client ${client}`),
      surroundings: this.#surroundings(client),
    });
  }

  #surroundings(client: number): ClientSurroundings {
    const { plan, judge, isLiar, now, after, whenMoving, send, happened } = this.#options;
    const party = plan.n + client;
    return {
      now,
      after: (ms, action) => after(ms, () => whenMoving(party, action)),
      send,
      submitted: (bundle, operations) => judge.submitted(bundle, operations),
      accepted: (reply: Reply) => {
        judge.accepted(reply);
        const { number, session, view } = reply;
        const details = (): string => `to ${number}`;
        happened(`answer: ${reply.outcome}`, party, details, { client, session, number, view });
      },
      blamed: (replica, reason) => {
        happened(`blame: ${reason}`, party, () => `replica ${replica}`, { replica });
        if (isLiar(replica)) return;
        judge.violate("equal-answers", `client ${client} blames replica ${replica}: ${reason}`);
      },
      observed: (event) => happened(event, party),
    };
  }

  #lyingSession(client: number): LyingSession | null {
    const { plan, protocol, keys, workload, random, send, after, now } = this.#options;
    if (protocol.client.takesPart !== true) return null;
    const { n, f, limits, clientAuthentication, replicaAuthentication, healMs } = plan;
    const session = new LyingSession({
      client,
      protocol,
      context: { n, f, hash: symbolicHash, limits, clientAuthentication, replicaAuthentication },
      keys,
      workload,
      random: random.fork(`session of client ${client}`),
      send: (to, bytes) => send(client, to, bytes),
      after: (ms, action) => {
        if (now() < healMs) after(ms, action);
      },
    });
    this.#sessions.set(client, session);
    return session;
  }

  /** Gives what stirs it. */
  #makeLyingClient(client: number): () => void {
    const { plan, protocol, keys, workload, now, after, send, happened } = this.#options;
    const { n, clients, healMs, limits } = plan;
    const random = this.#options.random.fork(`client ${client}`);
    const liar = new LyingClient({
      client,
      victim: random.below(clients.correct),
      n,
      limits,
      protocol,
      keys,
      workload,
      random,
      send: (to, bytes) => send(client, to, bytes),
    });
    const session = this.#lyingSession(client);
    const act = (): void => {
      happened("lie of a client", n + client);
      liar.act();
      session?.submit();
    };
    // Some never leave the replicas in peace: what others wait for must not wait for that.
    const isTireless = random.chance(0.3);
    const actAgain = (): void => {
      if (now() < healMs) act();
      else liar.keepBusy();
      if (now() < healMs || isTireless) after(random.fraction() * 2 * lyingClientMs, actAgain);
    };
    after(random.fraction() * lyingClientMs, actAgain);
    return () => {
      if (now() < healMs && random.chance(0.3)) after(random.between(0, 5), act);
    };
  }
}
