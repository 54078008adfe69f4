// What carries out a scenario: see scenario.ts for what each method means.

import { encodeBundle } from "../codec/index.js";
import {
  type ClientId,
  defaultLimits,
  defaultTiming,
  InvariantError,
  type Observation,
  type ReplicaId,
  type ReplicaMachine,
  type ReplicaStatus,
  type Reply,
  type Service,
  type Tagged,
  UsageError,
} from "../core/index.js";
import { type Cluster, cluster, faultsTolerated } from "./cluster.js";
import { symbolicHash } from "./mix.js";
import { Random } from "./random.js";
import type { ReplicaHost, Surroundings } from "./replica-host.js";
import type {
  Envelope,
  HandPlayed,
  Match,
  Party,
  Scenario,
  ScenarioOptions,
  Submission,
  SubmitOptions,
} from "./scenario.js";
import { answerOf } from "./judge.js";

/** Deliveries in one `settle` or `play` beyond which messages are taken to go in circles. */
const deliveriesMax = 100_000;

/** A machine that does nothing: what stands where the test itself plays the replica. */
const silent: ReplicaMachine<Tagged, Tagged> = {
  step: () => [],
  status: () => ({ view: 0, role: "mute", executed: 0, stable: 0, operations: 0 }),
};

const clientParty = (client: ClientId): Party => `client ${client}`;

export class ScriptedWorld<M extends Tagged, D extends Tagged> implements Scenario<M> {
  readonly n: number;
  readonly f: number;
  now = 0;
  readonly #options: ScenarioOptions<M, D>;
  readonly #cluster: Cluster;
  #inFlight: Envelope<M>[] = [];
  #sent = 0;
  readonly #holds = new Set<Match<M>>();
  readonly #blocks = new Set<Match<M>>();
  readonly #observations: Observation[][];
  readonly #played = new Map<ReplicaId, { means: HandPlayed<M>; received: Envelope<M>[] }>();
  readonly #replies = new Map<ClientId, { from: ReplicaId; reply: Reply }[]>();
  readonly #numbers = new Map<string, number>();
  /** Journals with a sync that is to finish before anything else happens. */
  #syncing: ReplicaHost[] = [];

  constructor(options: ScenarioOptions<M, D>) {
    const { protocol, n, service } = options;
    this.#options = options;
    this.n = n;
    this.f = options.f ?? faultsTolerated(protocol, n);
    this.#observations = Array.from({ length: n }, () => []);
    const liars = new Set(options.liars);
    this.#cluster = cluster({
      protocol,
      n,
      f: this.f,
      service,
      limits: { ...defaultLimits, ...options.limits },
      timing: { ...defaultTiming, ...options.timing },
      clientAuthentication: options.clientAuthentication ?? protocol.clientAuthentications[0]!,
      replicaAuthentication:
        options.replicaAuthentication ?? protocol.replicaAuthentications[0] ?? null,
      freshness: options.freshness ?? "storage",
      random: new Random(1),
      surroundings: this.#surroundings(),
      decorate: (replica) => (liars.has(replica) ? () => silent : undefined),
    });
    for (const replica of liars) this.#play(replica);
    for (const host of this.#cluster.hosts) this.#act(() => host.start());
  }

  #surroundings(): Surroundings {
    return {
      now: () => this.now,
      send: (from, to, bytes) => this.#post(from, to, bytes),
      reply: (from, client, _session, bytes) => this.#post(from, clientParty(client), bytes),
      sync: (host) => this.#syncing.push(host),
      timer: () => {},
      compacts: () => this.#options.compacts ?? true,
      observe: (host, event) => this.#observations[host.id]!.push(event),
      crashed: (host) => host.crash(host.journal.atRisk),
      broke: (host, error) => {
        const cause = error instanceof Error ? error : new Error(String(error));
        throw new InvariantError(`replica ${host.id} threw: ${cause.stack ?? cause.message}`);
      },
    };
  }

  /** Does something to a host, then lets its disk finish: syncs are instant in a scenario. */
  #act(action: () => void): void {
    action();
    for (let host = this.#syncing.shift(); host !== undefined; host = this.#syncing.shift()) {
      host.finishSync();
    }
  }

  #post(from: Party, to: Party, bytes: Uint8Array): void {
    const message = this.#options.protocol.messages.decode(bytes.slice());
    if (message === null) throw new InvariantError(`${from} sent what its codec cannot read`);
    const envelope = { id: ++this.#sent, from, to, message, bytes };
    if (!matchesAny(this.#blocks, envelope)) this.#inFlight.push(envelope);
  }

  #host(replica: ReplicaId): ReplicaHost {
    const host = this.#cluster.hosts[replica];
    if (host === undefined) throw new UsageError("NO_SUCH_REPLICA", `no replica ${replica}`);
    return host;
  }

  submit(
    client: ClientId,
    operations: readonly Uint8Array[],
    options: SubmitOptions = {},
  ): Submission {
    const { session = 1, acknowledged = 0, to = this.#cluster.hosts.map(({ id }) => id) } = options;
    const key = `${client}/${session}`;
    const number = options.number ?? (this.#numbers.get(key) ?? 0) + 1;
    this.#numbers.set(key, Math.max(number, this.#numbers.get(key) ?? 0));
    const body = encodeBundle({
      client,
      session,
      number,
      acknowledged,
      operations: operations.map((operation) => operation.slice()),
    });
    const authenticator =
      options.authenticator ?? this.#cluster.keys.seal(client, symbolicHash(body));
    const request = this.#options.protocol.client.request(body, authenticator);
    const bytes = this.#options.protocol.messages.encode(request);
    for (const replica of to) this.#post(clientParty(client), replica, bytes);
    return { client, session, number };
  }

  say(client: ClientId, to: readonly ReplicaId[], message: M): void {
    const bytes = this.#options.protocol.messages.encode(message);
    for (const replica of to) this.#post(clientParty(client), replica, bytes);
  }

  inFlight(match: Match<M> = () => true): readonly Envelope<M>[] {
    return this.#inFlight.filter(match);
  }

  deliver(match: Match<M> = () => true): number {
    const due = this.#inFlight.filter(
      (envelope) => match(envelope) && !matchesAny(this.#holds, envelope),
    );
    for (const envelope of due) {
      if (!this.#inFlight.includes(envelope)) continue;
      this.#inFlight.splice(this.#inFlight.indexOf(envelope), 1);
      this.#arrive(envelope);
    }
    return due.length;
  }

  settle(match?: Match<M>): number {
    let total = 0;
    for (let some = this.deliver(match); some > 0; some = this.deliver(match)) {
      total += some;
      if (total > deliveriesMax) throw new InvariantError("the messages do not come to an end");
    }
    return total;
  }

  drop(match: Match<M>): number {
    const before = this.#inFlight.length;
    this.#inFlight = this.#inFlight.filter((envelope) => !match(envelope));
    return before - this.#inFlight.length;
  }

  hold(match: Match<M>): () => void {
    this.#holds.add(match);
    return () => this.#holds.delete(match);
  }

  block(match: Match<M>): () => void {
    this.#blocks.add(match);
    this.drop(match);
    return () => this.#blocks.delete(match);
  }

  replay(envelope: Envelope<M>): void {
    this.#post(envelope.from, envelope.to, envelope.bytes);
  }

  #arrive(envelope: Envelope<M>): void {
    const { from, to, bytes } = envelope;
    if (typeof to === "string") return this.#answer(envelope);
    const played = this.#played.get(to);
    if (played !== undefined) {
      played.received.push(envelope);
      return;
    }
    const host = this.#host(to);
    const sender = typeof from === "string" ? null : from;
    this.#act(() => host.receive([{ from: sender, bytes }]));
  }

  #answer({ from, to, message }: Envelope<M>): void {
    const reply = this.#options.protocol.client.reply(message);
    if (reply === null || typeof from === "string") return;
    const client = Number(String(to).slice("client ".length));
    const replies = this.#replies.get(client) ?? [];
    replies.push({ from, reply });
    this.#replies.set(client, replies);
  }

  timers(replica: ReplicaId): ReadonlyMap<string, number> {
    const running = this.#host(replica).timers;
    return new Map(Array.from(running, ([name, { atMs }]) => [name, atMs - this.now]));
  }

  fire(replica: ReplicaId, timer: string): void {
    const host = this.#host(replica);
    const running = host.timers.get(timer);
    if (running === undefined) {
      const names = [...host.timers.keys()].join(", ");
      throw new UsageError("NO_SUCH_TIMER", `${timer} is not set at replica ${replica}: ${names}`);
    }
    this.#act(() => host.expire(timer, running.token));
  }

  elapse(ms: number): void {
    const end = this.now + ms;
    while (this.#fireNext(end));
    this.now = end;
  }

  play(ms: number): void {
    const end = this.now + ms;
    for (let total = 0; this.now < end; total += this.deliver()) {
      if (total > deliveriesMax) throw new InvariantError("the messages do not come to an end");
      if (this.#ready()) this.elapse(Math.min(1, end - this.now));
      else if (!this.#fireNext(end)) this.now = end;
    }
  }

  /** Whether anything in flight may be delivered. */
  #ready(): boolean {
    return this.#inFlight.some((envelope) => !matchesAny(this.#holds, envelope));
  }

  /** Moves time to the next timer due by `end`, and fires it; false if there is none. */
  #fireNext(end: number): boolean {
    let next: { host: ReplicaHost; timer: string; token: number; atMs: number } | null = null;
    for (const host of this.#cluster.hosts) {
      for (const [timer, { token, atMs }] of host.timers) {
        if (atMs <= end && (next === null || atMs < next.atMs)) next = { host, timer, token, atMs };
      }
    }
    if (next === null) return false;
    const { host, timer, token, atMs } = next;
    this.now = Math.max(this.now, atMs);
    this.#act(() => host.expire(timer, token));
    return true;
  }

  crash(replica: ReplicaId): void {
    const host = this.#host(replica);
    host.crash(host.journal.atRisk);
  }

  restart(replica: ReplicaId): void {
    const host = this.#host(replica);
    if (host.isUp) throw new UsageError("REPLICA_IS_UP", `replica ${replica} has not crashed`);
    this.#act(() => host.start());
  }

  crashAfter(replica: ReplicaId, effects: number): void {
    this.#host(replica).crashAfter(effects);
  }

  liar(replica: ReplicaId): HandPlayed<M> {
    const played = this.#played.get(replica);
    if (played !== undefined) return played.means;
    throw new UsageError("NOT_A_LIAR", `replica ${replica} is not listed in liars`);
  }

  #play(replica: ReplicaId): void {
    const received: Envelope<M>[] = [];
    const host = this.#host(replica);
    const { messages } = this.#options.protocol;
    const base = this.#cluster.context(replica);
    const means: HandPlayed<M> = {
      get context() {
        return { ...base, service: host.service, counter: host.counter };
      },
      send: (to, message) => {
        const bytes = messages.encode(message);
        for (const peer of typeof to === "number" ? [to] : to) this.#post(replica, peer, bytes);
      },
      reply: (client, message) =>
        this.#post(replica, clientParty(client), messages.encode(message)),
      received,
    };
    this.#played.set(replica, { means, received });
  }

  observations(replica: ReplicaId): readonly Observation[] {
    return this.#observations[this.#host(replica).id]!;
  }

  dropped(replica: ReplicaId): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const event of this.observations(replica)) {
      if (event.event === "dropped") counts[event.reason] = (counts[event.reason] ?? 0) + 1;
    }
    return counts;
  }

  status(replica: ReplicaId): ReplicaStatus {
    return this.#host(replica).machine.status();
  }

  service(replica: ReplicaId): Service {
    return this.#host(replica).service;
  }

  replies(client: ClientId): readonly { readonly from: ReplicaId; readonly reply: Reply }[] {
    return this.#replies.get(client) ?? [];
  }

  result(client: ClientId, number: number, session = 1): readonly Uint8Array[] | null {
    const quorum = this.#options.protocol.client.replyQuorum(this.f);
    const voters = new Map<string, Set<ReplicaId>>();
    for (const { from, reply } of this.replies(client)) {
      if (reply.number !== number || reply.session !== session) continue;
      const key = answerOf(reply);
      const equal = voters.get(key) ?? new Set();
      voters.set(key, equal.add(from));
      if (equal.size >= quorum) return reply.results;
    }
    return null;
  }
}

function matchesAny<M>(matches: ReadonlySet<Match<M>>, envelope: Envelope<M>): boolean {
  for (const match of matches) if (match(envelope)) return true;
  return false;
}
