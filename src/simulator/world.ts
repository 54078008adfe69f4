// One seeded run: replicas, clients, liars and a faulty network in virtual time, judged as it goes.

import {
  type Observation,
  type Protocol,
  type ReplicaId,
  type Service,
  type SessionId,
  type Tagged,
  type TrustedCounter,
} from "../core/index.js";
import { Coven } from "./adversary/coven.js";
import { isIntercepted } from "./adversary/intrigue.js";
import type { Lies } from "./adversary/lie.js";
import { lieNamed } from "./adversary/lies.js";
import { LyingReplica } from "./adversary/lying-replica.js";
import { RollbackReplica, untripped } from "./adversary/rollback.js";
import { type Excuses, Growth, slowness, unrest } from "./calm.js";
import { Clients } from "./clients.js";
import { type Cluster, cluster, type Decorate } from "./cluster.js";
import { Deliveries, type Script } from "./deliveries.js";
import { EventQueue } from "./event-queue.js";
import { Judge, type Property, type Violation } from "./judge.js";
import { Mishaps } from "./mishaps.js";
import { Fingerprint } from "./mix.js";
import type { LeaseRules } from "./model-leases.js";
import { blocked, type Fate, Network } from "./network.js";
import type { LinkPlan, Plan } from "./plan.js";
import { finaleRounds, othersRestart } from "./plan/finale.js";
import type { Random } from "./random.js";
import type { ReplicaHost, Surroundings } from "./replica-host.js";
import {
  bytesText,
  detailsOf,
  type Facts,
  factsOf,
  nameOf,
  type PartyNumber,
  plainMessage,
  type Trace,
  type TraceEvent,
} from "./trace.js";
import type { RunSoFar, Watch } from "./watch.js";
import type { Call, Workload } from "./workload.js";

export interface WorldOptions {
  readonly protocol: Protocol;
  readonly service: () => Service;
  readonly workload: Workload;
  readonly plan: Plan;
  /** How trusted instances keep leases. Default: as decision 0008 says. */
  readonly rules?: LeaseRules;
  /** Habits of liars for this protocol. */
  readonly lies: Lies;
  readonly random: Random;
  readonly trace: Trace | null;
  /** See `SeedOptions`. */
  readonly script: Script | null;
  readonly watch: Watch | null;
}

/** A run that takes more steps than this goes in circles. */
const stepsMax = 2_000_000;
/** Effects that wait for a disk; more is a queue without bound. */
const heldMax = 20_000;
/** How often the world looks whether everything is done. */
const lookMs = 25;

/** Under which name a timer is counted: without what numbers it. */
const timeoutName = (timer: string): string => {
  const end = timer.indexOf(":");
  return end < 0 ? `timeout ${timer}` : `timeout ${timer.slice(0, end)}`;
};

export class World implements RunSoFar {
  readonly judge: Judge;
  readonly reached: Record<string, number> = {};
  readonly fingerprint = new Fingerprint();
  now = 0;
  steps = 0;
  readonly #options: WorldOptions;
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #queue = new EventQueue<() => void>();
  readonly #network: Network;
  readonly #cluster: Cluster;
  readonly #clients: Clients;
  readonly #liars: ReadonlySet<ReplicaId>;
  readonly #coven: Coven;
  readonly #inboxes: { id: number; from: ReplicaId | null; bytes: Uint8Array }[][];
  readonly #deliveries: Deliveries;
  readonly #mishaps: Mishaps;
  readonly #growth = new Growth();
  #messages = 0;
  #violationsTold = 0;
  #isOver = false;
  /** When everything must be answered and equal. */
  #deadlineMs: number;
  /** Who is down in the rounds that are to come, and in the one at hand. */
  readonly #rounds: (readonly ReplicaId[])[];
  #down: readonly ReplicaId[] = [];

  constructor(options: WorldOptions) {
    const { protocol, service, plan, random } = options;
    const { n, f, limits, timing, clientAuthentication, replicaAuthentication, clients } = plan;
    this.#options = options;
    this.#plan = plan;
    this.#deadlineMs = plan.healMs + plan.livenessMs;
    this.#rounds = [...finaleRounds(plan)];
    this.#random = random.fork("world");
    this.judge = new Judge(clients.correct, protocol.order === "partial" ? service() : null);
    this.#deliveries = new Deliveries(options.script, options.trace !== null);
    this.#network = new Network({
      plan: plan.network,
      partitions: plan.partitions,
      clogs: plan.clogs,
      parties: n + clients.correct + clients.lying,
      healMs: plan.healMs,
      random: random.fork("network"),
      count: (mark) => this.#count(mark),
    });
    this.#liars = new Set(plan.liars.map(({ replica }) => replica));
    this.#coven = new Coven(plan.intrigue.camps);
    this.#inboxes = Array.from({ length: n }, () => []);
    this.#cluster = cluster({
      protocol,
      n,
      f,
      service,
      limits,
      timing,
      clientAuthentication,
      replicaAuthentication,
      freshness: plan.freshness,
      ...(options.rules === undefined ? {} : { rules: options.rules }),
      random,
      surroundings: this.#surroundings(),
      decorate: (replica) => this.#decorate(replica),
      counter: (replica, group) =>
        this.#rollsBack(replica) ? untripped(group, replica) : undefined,
    });
    for (const host of this.#cluster.hosts) this.#after(0, () => void host.start());
    this.#clients = this.#makeClients();
    this.#mishaps = this.#makeMishaps();
    this.#announce();
    this.#at(plan.healMs, () => this.#heal());
  }

  /** Runs to the end: until all is answered and equal, or the deadline of liveness. */
  run(): void {
    while (!this.#isOver) {
      const next = this.#queue.pop();
      if (next === null) break;
      if (next.atMs > this.#deadlineMs) return this.#late();
      if (++this.steps > stepsMax) {
        this.judge.violate("bounded", `still busy after ${stepsMax} steps`);
        return this.#tellViolations(null);
      }
      this.now = next.atMs;
      this.fingerprint.addTime(this.now);
      next.event();
      this.#tellViolations(null);
      if (this.#options.watch?.(this) === "stop") return;
    }
    this.judge.finished(this.#correctHosts());
    this.#judgeHistory();
  }

  get violations(): readonly Violation[] {
    return this.judge.violations;
  }

  #tellViolations(at: PartyNumber | null): void {
    const { violations } = this.judge;
    while (this.#violationsTold < violations.length) {
      const { property, message } = violations[this.#violationsTold++]!;
      this.#tell(() => ({ atMs: this.now, kind: "violated", property, message, at }));
    }
  }

  /** All calls of correct clients. */
  get history(): readonly Call[] {
    return this.#clients.history;
  }

  #expect(property: Property, fault: string | null): void {
    if (fault !== null) this.judge.violate(property, fault);
  }

  #judgeHistory(): void {
    const { calmMs } = this.#plan;
    this.#expect("calm", calmMs === null ? null : slowness(this.history, calmMs, this.now));
    this.#clients.place((bundle) => this.judge.positionOf(bundle));
    const judged = this.#options.workload.judge(this.history);
    if (judged.verdict === "wrong") this.judge.violate("linearizability", judged.explanation);
    if (judged.verdict === "undecided") this.#count("linearizability undecided");
    this.#tellViolations(null);
  }

  #at(atMs: number, event: () => void): void {
    this.#queue.push(atMs, event);
  }

  #after(ms: number, event: () => void): void {
    this.#queue.push(this.now + ms, event);
  }

  #count(what: string): void {
    this.reached[what] = (this.reached[what] ?? 0) + 1;
  }

  #happened(
    what: string,
    at: PartyNumber | null,
    details: () => string = () => "",
    facts: Facts | (() => Facts) = {},
  ): void {
    this.#count(what);
    this.#tell(() => ({
      atMs: this.now,
      kind: "happened",
      what,
      at,
      details: details(),
      facts: typeof facts === "function" ? facts() : facts,
    }));
  }

  #tell(event: () => TraceEvent): void {
    this.#options.trace?.(event());
  }

  #correctHosts(): ReplicaHost[] {
    const { gone } = this.#mishaps;
    return this.#cluster.hosts.filter(({ id }) => !this.#liars.has(id) && !gone.has(id));
  }

  // Replicas and what surrounds them.

  #decorate(replica: ReplicaId): Decorate | undefined {
    const plan = this.#plan.liars.find((liar) => liar.replica === replica);
    if (plan === undefined) return undefined;
    for (const name of plan.lies) {
      lieNamed(name, this.#options.lies); // a plan with a wrong name is refused at once
      this.#happened(`lie: ${name}`, replica);
    }
    const random = this.#random.fork(`liar ${replica}`);
    const { protocol, lies: own } = this.#options;
    const coven = this.#coven;
    const machine: Decorate = (context, service) =>
      plan.lies.length === 0
        ? protocol.replica(context)
        : new LyingReplica({ ...plan, protocol, context, random, own, coven, service });
    if (!this.#rollsBack(replica)) return machine;
    this.#happened("lie: rolls back", replica);
    const restart = (): TrustedCounter => {
      this.#happened("rolled back", replica);
      return untripped(this.#cluster.group, replica);
    };
    return (context, service) =>
      new RollbackReplica({
        protocol,
        context,
        service,
        restart,
        machine: (life) => machine(life, service),
        random,
      });
  }

  #rollsBack(replica: ReplicaId): boolean {
    return this.#plan.liars.some((liar) => liar.replica === replica && liar.rollsBack === true);
  }

  #surroundings(): Surroundings {
    return {
      now: (host) => this.#mishaps.clock(host.id),
      send: (from, to, bytes) => this.#send(from, to, bytes),
      reply: (from, client, session, bytes) => this.#reply(from, client, session, bytes),
      sync: (host) => this.#mishaps.sync(host, () => host.finishSync()),
      timer: (host, timer, token, atMs) => {
        this.#mishaps.whenDue(host.id, atMs, () => {
          if (host.timers.get(timer)?.token !== token) return;
          const name = this.#deliveries.timeout(host.id, timer);
          if (this.#deliveries.isScripted && this.#deliveries.timeOf(name) === null) return;
          this.#happened(timeoutName(timer), host.id, undefined, { name });
          host.expire(timer, token);
        });
      },
      compacts: () => this.#random.chance(this.#plan.compactionChance),
      observe: (host, event) => this.#observe(host, event),
      crashed: (host) => this.#mishaps.fall(host),
      broke: (host, error) => this.#broke(host, error),
    };
  }

  #send(from: ReplicaId, to: ReplicaId, encoded: Uint8Array): void {
    const host = this.#cluster.hosts[from]!;
    const bytes = this.#liars.has(from) ? this.#garbled(from, encoded) : encoded;
    if (!this.#liars.has(from)) {
      if (bytes.length > this.#plan.limits.frameBytesMax) {
        this.judge.violate("bounded", `replica ${from} sent a frame of ${bytes.length} bytes`);
      }
      if (host.held > heldMax) {
        this.judge.violate("bounded", `replica ${from} holds ${host.held} effects`);
      }
    }
    this.#carry(from, to, bytes, (id) => this.#arrive(id, to, from, bytes));
  }

  #garbled(liar: ReplicaId, bytes: Uint8Array): Uint8Array {
    const { garbleChance } = this.#plan.liars.find(({ replica }) => replica === liar)!;
    if (!this.#random.chance(garbleChance)) return bytes;
    const copy = bytes.slice();
    copy[this.#random.below(copy.length)]! ^= 1 << this.#random.below(8);
    this.#happened("garbled", liar);
    return copy;
  }

  /** Sends bytes between two parties through the network. */
  #carry(
    from: PartyNumber,
    to: PartyNumber,
    bytes: Uint8Array,
    arrive: (id: number) => void,
  ): void {
    this.fingerprint.add(from * 256 + to);
    this.fingerprint.addBytes(bytes);
    const id = ++this.#messages;
    const { name, decoded } = this.#identify(from, to, bytes);
    const fate = this.#fate(name, from, to, bytes);
    this.#options.trace?.({
      atMs: this.now,
      kind: "sent",
      id,
      from,
      to,
      fate: fate.kind,
      arrivesMs: fate.kind === "carried" ? fate.atMs : null,
      name,
      text: decoded === null ? `${bytes.length} bytes` : this.#describe(decoded),
      message: decoded && plainMessage(decoded, (operation) => this.#describeOperation(operation)),
      bytes: bytes.length,
    });
    if (fate.kind !== "carried") return this.#count(fate.kind);
    this.#at(fate.atMs, () => arrive(id));
    if (fate.againMs !== null) this.#at(fate.againMs, () => arrive(id));
  }

  #describe(message: Tagged): string {
    return this.#options.protocol.messages.describe(message);
  }

  #describeOperation(operation: Uint8Array): string {
    return this.#options.workload.describe?.(operation) ?? bytesText(operation);
  }

  /** A message's name and contents; neither if nobody asks. */
  #identify(from: PartyNumber, to: PartyNumber, bytes: Uint8Array) {
    if (!this.#deliveries.isNaming) return { name: "", decoded: null };
    const decoded = this.#options.protocol.messages.decode(bytes.slice());
    return { name: this.#deliveries.message(from, to, decoded?.kind ?? "garbage"), decoded };
  }

  /** What the network does, or the script: no chance in that. */
  #fate(
    name: string,
    from: PartyNumber,
    to: PartyNumber,
    bytes: Uint8Array,
  ): Fate | { readonly kind: "left out" } {
    if (!this.#deliveries.isScripted) {
      if (!isIntercepted(this.#plan.intrigue, this.now, from, to, bytes)) {
        return this.#network.fate(this.now, from, to);
      }
      this.#count("intercepted");
      return blocked;
    }
    const atMs = this.#deliveries.timeOf(name);
    if (atMs === null) return { kind: "left out" };
    const soonestMs = this.now + this.#plan.network.delayMs;
    return { kind: "carried", atMs: Math.max(soonestMs, atMs), againMs: null };
  }

  #received(id: number, at: PartyNumber): void {
    this.#options.trace?.({ atMs: this.now, kind: "received", id, at });
  }

  /** A message waits in the inbox for the replica's next turn. */
  #arrive(id: number, to: ReplicaId, from: ReplicaId | null, bytes: Uint8Array): void {
    const host = this.#cluster.hosts[to]!;
    if (!host.isUp) return;
    const inbox = this.#inboxes[to]!;
    inbox.push({ id, from, bytes });
    if (inbox.length > 1) return;
    this.#after(this.#plan.turnMs, () => this.#turn(host, host.life));
  }

  #turn(host: ReplicaHost, life: number): void {
    this.#mishaps.whenMoving(host.id, () => {
      if (host.life !== life) return;
      const taken = this.#inboxes[host.id]!.splice(0);
      for (const message of taken) this.#received(message.id, host.id);
      host.receive(taken);
      this.#mishaps.took(host.id, taken.length);
    });
  }

  #reply(from: ReplicaId, client: number, session: SessionId, bytes: Uint8Array): void {
    const { protocol } = this.#options;
    if (!this.#liars.has(from)) {
      const message = protocol.messages.decode(bytes);
      const reply = message && protocol.client.reply(message);
      if (reply != null) this.judge.answered(from, reply);
    }
    if (client >= this.#plan.clients.correct && !this.#clients.listens(client)) return;
    this.fingerprint.add(session);
    const party = this.#plan.n + client;
    this.#carry(from, party, bytes, (id) => {
      this.#mishaps.whenMoving(party, () => {
        this.#received(id, party);
        this.#clients.receive(client, from, bytes);
      });
    });
  }

  #observe(host: ReplicaHost, event: Observation): void {
    if (this.#liars.has(host.id)) return;
    this.judge.observed(host, event);
    // Lying clients know when a replica is busy with something else.
    if (event.event === "view") this.#clients.stir();
    if (this.#plan.calmMs !== null) {
      this.#expect("calm", unrest(host.id, event, this.#excuses()));
      if (event.event === "stable") this.#expect("bounded", this.#growth.judge(host, event.order));
    }
    const details = (): string => detailsOf(event);
    this.#happened(nameOf(event), host.id, details, () => factsOf(event));
    this.#tellViolations(host.id);
  }

  #excuses(): Excuses {
    const stops = this.#plan.crashes.length > 0;
    const hasLeader = this.#options.protocol.order === "total";
    const [firstLeader, oneOfMany] = [stops && hasLeader, stops && !hasLeader];
    return { liars: this.#liars.size > 0, firstLeader, oneOfMany };
  }

  #broke(host: ReplicaHost, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#happened(this.#liars.has(host.id) ? "liar broke" : "broke", host.id, () => text);
    if (!this.#liars.has(host.id)) {
      this.judge.violate("never-throws", `replica ${host.id} threw: ${text}`);
    }
  }

  // What goes wrong, and the heal.

  #makeMishaps(): Mishaps {
    return new Mishaps({
      plan: this.#plan,
      faultModel: this.#options.protocol.faultModel,
      random: this.#random.fork("mishaps"),
      hosts: this.#cluster.hosts,
      now: () => this.now,
      at: (atMs, action) => this.#at(atMs, action),
      happened: (what, at, details = "", facts = {}) => {
        this.#happened(what, at, () => details, facts);
      },
      count: (what) => this.#count(what),
      fell: (host) => {
        this.#inboxes[host.id]!.length = 0;
      },
      cameBack: (host, stood) => {
        if (!this.#liars.has(host.id)) this.judge.cameBack(host, stood);
      },
      rose: (host) => this.#clients.connected(host.id),
    });
  }

  #announce(): void {
    const { partitions, clogs, bursts, limits, liars } = this.#plan;
    const spell = (what: string, fromMs: number, untilMs: number, links: readonly LinkPlan[]) => {
      const text = links.map(({ from, to }) => `${from}>${to}`).join(" ");
      const facts = { untilMs, links: text };
      this.#at(fromMs, () => this.#happened(what, null, () => `${links.length} links`, facts));
    };
    for (const one of partitions) {
      spell(`partition: ${one.kind}`, one.fromMs, one.untilMs, one.blocked);
    }
    for (const one of clogs) spell("clog", one.fromMs, one.untilMs, one.held);
    for (const { atMs } of bursts) {
      this.#at(atMs, () => {
        this.#happened("burst", null);
        this.#clients.burst();
      });
    }
    if (limits.pendingRequestsMax < 8) this.#count("small queues");
    for (const { replica } of liars) this.#happened("liar", replica);
  }

  #heal(): void {
    this.#happened("heal", null);
    for (const host of this.#correctHosts()) host.crashAfter(Infinity);
    this.#look();
  }

  /**
   * Ends the run when every request is answered and all correct replicas stand at the same order.
   */
  #look(): void {
    const hosts = this.#correctHosts();
    if (hosts.every(({ isUp }) => isUp) && this.#clients.waiting === 0) {
      const states = hosts.map(({ machine }) => machine.status());
      const isSettled = states.every(({ tentative }) => (tentative ?? 0) === 0);
      const isEqual = states.every(
        ({ executed, frontier }) =>
          executed === states[0]?.executed && frontier === states[0].frontier,
      );
      if (isSettled && isEqual) {
        const next = this.#rounds.shift();
        if (next === undefined) {
          this.#isOver = true;
          return;
        }
        this.#beginRound(next);
      }
    }
    this.#after(lookMs, () => this.#look());
  }

  /** Some stop, those of the round before come back, and the clients go on. */
  #beginRound(next: readonly ReplicaId[]): void {
    const before = this.#down;
    const { bundles, withinMs } = this.#plan.finale!;
    this.#down = next;
    this.#deadlineMs = this.now + withinMs;
    this.judge.finished(this.#correctHosts());
    this.#happened("finale", null, () => `without replica ${next.join(" and ")}`);
    for (const replica of next) this.#mishaps.stop(this.#cluster.hosts[replica]!);
    if (othersRestart(this.#plan)) {
      for (const host of this.#correctHosts()) this.#mishaps.restart(host);
    }
    for (const replica of before) {
      if (!next.includes(replica)) this.#mishaps.resume(this.#cluster.hosts[replica]!);
    }
    this.#clients.goOn(bundles);
  }

  #late(): void {
    const states = this.#correctHosts().map((host) => {
      if (!host.isUp) return `replica ${host.id} is down`;
      const { role, view, executed } = host.machine.status();
      return `replica ${host.id}: ${role} in view ${view} at order ${executed}`;
    });
    const { livenessMs, finale } = this.#plan;
    const since =
      this.#down.length === 0
        ? `${livenessMs} ms after the heal`
        : `${finale?.withinMs} ms after replica ${this.#down.join(" and ")} stopped`;
    const text = `${this.#clients.waiting} clients wait ${since}`;
    this.judge.violate("liveness", `${text}; ${states.join("; ")}`);
    this.judge.finished(this.#correctHosts());
    this.#judgeHistory();
  }

  // Clients.

  #makeClients(): Clients {
    const { protocol, workload } = this.#options;
    return new Clients({
      plan: this.#plan,
      protocol,
      workload,
      keys: this.#cluster.keys,
      identities: this.#cluster.identities,
      random: this.#random,
      judge: this.judge,
      isLiar: (replica) => this.#liars.has(replica),
      now: () => this.now,
      after: (ms, action) => this.#after(ms, action),
      whenMoving: (party, action) => this.#mishaps.whenMoving(party, action),
      send: (client, to, bytes) => this.#request(client, to, bytes),
      happened: (what, party, details, facts) => this.#happened(what, party, details, facts),
    });
  }

  #request(client: number, to: ReplicaId, bytes: Uint8Array): void {
    this.#carry(this.#plan.n + client, to, bytes, (id) => this.#arrive(id, to, null, bytes));
  }
}
