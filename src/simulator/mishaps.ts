// What befalls the hosts of a run, and when: crashes, power cuts, disks and clocks, and how each
// host comes back.

import type { FaultModel, ReplicaId, ReplicaStatus } from "../core/index.js";
import { HostClock } from "./host-clock.js";
import type { CrashPlan, DamagePlan, Plan } from "./plan.js";
import type { Random } from "./random.js";
import type { ReplicaHost } from "./replica-host.js";
import type { Facts } from "./trace.js";

/** What it asks of the world. */
export interface MishapsOptions {
  readonly plan: Plan;
  readonly faultModel: FaultModel;
  readonly random: Random;
  readonly hosts: readonly ReplicaHost[];
  readonly now: () => number;
  readonly at: (atMs: number, action: () => void) => void;
  /** Something happened, everywhere (null) or at one party. */
  readonly happened: (what: string, at: number | null, details?: string, facts?: Facts) => void;
  readonly count: (what: string) => void;
  /** A host is down: what waits for it is lost. */
  readonly fell: (host: ReplicaHost) => void;
  /** A replica that lost nothing of what it wrote came back from where it `stood`. */
  readonly cameBack: (host: ReplicaHost, stood: ReplicaStatus) => void;
  /** A host is up again. */
  readonly rose: (host: ReplicaHost) => void;
}

/** A replica that comes up crashes again so often. */
interface Loop {
  again: number;
  readonly effects: number;
}

export class Mishaps {
  /** Replicas that do not come back by themselves: no part of those that must agree in the end. */
  readonly gone = new Set<ReplicaId>();
  readonly #options: MishapsOptions;
  readonly #clocks: readonly HostClock[];
  /** Until when a party stands still. */
  readonly #stillUntil: Float64Array;
  /** How long a replica that crashes next stays down. */
  readonly #downMs: Float64Array;
  /** How long an operator takes to empty the folder of a damaged journal. */
  readonly #repairMs: Float64Array;
  /** Where a replica stood that crashed between two steps and kept all that it wrote. */
  readonly #stood = new Map<ReplicaId, ReplicaStatus | null>();
  readonly #loops = new Map<ReplicaId, Loop>();
  readonly #refusing = new Map<ReplicaId, number>();
  #starting: ReplicaId | null = null;

  constructor(options: MishapsOptions) {
    const { plan, hosts } = options;
    this.#options = options;
    this.#stillUntil = new Float64Array(plan.n + plan.clients.correct + plan.clients.lying);
    this.#downMs = new Float64Array(plan.n);
    this.#repairMs = new Float64Array(plan.n);
    this.#clocks = hosts.map(({ id }) => {
      const { offsetMs = 0, rate = 1 } = plan.clocks.find(({ replica }) => replica === id) ?? {};
      return new HostClock(offsetMs, rate);
    });
    this.#schedule();
  }

  #schedule(): void {
    const { plan, at, happened, count } = this.#options;
    for (const crash of plan.crashes) at(crash.atMs, () => this.#crash(crash));
    for (const cut of plan.powerCuts) at(cut.atMs, () => this.#cutPower(cut.downMs));
    for (const { party, atMs, forMs } of plan.pauses) {
      at(atMs, () => {
        happened("pause", party, `for ${forMs.toFixed(1)} ms`, { forMs });
        this.#pause(party, Math.min(plan.healMs, atMs + forMs));
      });
    }
    for (const { replica, atMs, downMs } of plan.disk.refusals) {
      at(atMs, () => this.#refusing.set(replica, downMs));
    }
    for (const damage of plan.disk.damages) at(damage.atMs, () => this.#damage(damage));
    for (const { replica, rate, offsetMs, jumps } of plan.clocks) {
      if (rate !== 1 || offsetMs !== 0) count("drifting clock");
      for (const { atMs, byMs } of jumps) at(atMs, () => this.#jump(replica, byMs));
    }
  }

  // Time.

  /** What the host's clock shows. */
  clock(replica: ReplicaId): number {
    return this.#clocks[replica]!.read(this.#options.now());
  }

  /** Calls back when the host's clock shows `dueMs` and the host does not stand still. */
  whenDue(replica: ReplicaId, dueMs: number, action: () => void): void {
    const { now, at } = this.#options;
    const dueAt = this.#clocks[replica]!.when(dueMs, now());
    at(dueAt, () => {
      // It may have jumped back; not for the sake of a rounding error.
      if (this.#clocks[replica]!.when(dueMs, now()) > now() + 1e-6) {
        this.whenDue(replica, dueMs, action);
      } else this.whenMoving(replica, action);
    });
  }

  /** Now, or when the party no longer stands still. */
  whenMoving(party: number, action: () => void): void {
    const until = this.#stillUntil[party]!;
    if (until <= this.#options.now()) action();
    else this.#options.at(until, () => this.whenMoving(party, action));
  }

  #pause(party: number, untilMs: number): void {
    this.#stillUntil[party] = Math.max(this.#stillUntil[party]!, untilMs);
  }

  /** The host took so many messages in one turn: a slow one is busy with them from now on. */
  took(replica: ReplicaId, messages: number): void {
    const now = this.#options.now();
    for (const slow of this.#options.plan.slow) {
      if (slow.replica !== replica || now < slow.fromMs || now >= slow.untilMs) continue;
      this.#options.count("slow turn");
      this.#pause(replica, Math.min(slow.untilMs, now + messages * slow.messageMs));
    }
  }

  #jump(replica: ReplicaId, byMs: number): void {
    const { now, happened, hosts } = this.#options;
    happened("clock jump", replica, `by ${byMs.toFixed(1)} ms`);
    this.#clocks[replica]!.jump(now(), byMs);
    if (byMs <= 0) return;
    // What is due at once, or earlier than it was scheduled; of two calls the second finds nothing.
    const host = hosts[replica]!;
    for (const [timer, { token, atMs }] of host.timers) {
      this.whenDue(replica, atMs, () => host.expire(timer, token));
    }
  }

  // Disks.

  /** A sync began: calls back when the disk is done, unless the host crashes before. */
  sync(host: ReplicaHost, done: () => void): void {
    const { plan, random, now, at, count } = this.#options;
    let tookMs = random.fraction() * plan.syncMs;
    for (const { replica, fromMs, untilMs, syncMs } of plan.disk.spells) {
      if (replica !== host.id || now() < fromMs || now() >= untilMs) continue;
      count("slow sync");
      tookMs = Math.max(tookMs, Math.min(syncMs * random.between(0.5, 1), untilMs - now()));
    }
    const { life } = host;
    at(now() + tookMs, () => {
      if (host.life !== life || !host.isUp) return;
      if (this.#refusing.has(host.id)) this.#refuse(host);
      else this.whenMoving(host.id, () => host.life === life && host.isUp && done());
    });
  }

  #refuse(host: ReplicaHost): void {
    const { plan, now, happened } = this.#options;
    this.#downMs[host.id] = this.#refusing.get(host.id)!;
    this.#refusing.delete(host.id);
    if (now() >= plan.healMs) return host.finishSync();
    happened("write refused", host.id);
    this.fall(host);
  }

  #damage({ replica, kind, downMs }: DamagePlan): void {
    const { hosts, random, faultModel, happened } = this.#options;
    const host = hosts[replica]!;
    happened(kind === "lost" ? "disk lost" : "record damaged", replica);
    if (kind === "lost") {
      this.#downMs[replica] = downMs;
      if (host.isUp) this.fall(host);
      host.loseDisk();
      // Only a trusted module keeps a replica without memory from contradicting itself.
      if (faultModel !== "hybrid") this.gone.add(replica);
    } else {
      this.#repairMs[replica] = downMs;
      host.journal.damage(random.fraction());
    }
  }

  // Crashes, and how a host comes back.

  #crash(crash: CrashPlan): void {
    const host = this.#options.hosts[crash.replica]!;
    if (!host.isUp) return;
    this.#downMs[host.id] = crash.downMs;
    if (crash.again > 0) {
      this.#loops.set(host.id, { again: crash.again, effects: crash.againEffects });
    }
    if (crash.afterEffects === null) this.fall(host);
    else host.crashAfter(crash.afterEffects, crash.atRisk, crash.upon);
  }

  #cutPower(downMs: number): void {
    const { plan, hosts, random, happened } = this.#options;
    happened("power cut", null);
    for (const host of hosts) {
      // A liar has no journal: up again it would have a fresh counter, which no host can get.
      if (plan.liars.some(({ replica }) => replica === host.id)) continue;
      this.#downMs[host.id] = downMs * random.between(0.8, 1.2);
      if (host.isUp) this.fall(host);
    }
  }

  /** The host stops, until it is resumed. */
  stop(host: ReplicaHost): void {
    this.gone.add(host.id);
    if (host.isUp) this.fall(host);
  }

  /** The host crashes, and is up again at once. */
  restart(host: ReplicaHost): void {
    this.#downMs[host.id] = 0;
    if (host.isUp) this.fall(host);
  }

  resume(host: ReplicaHost): void {
    this.gone.delete(host.id);
    this.#rise(host);
  }

  fall(host: ReplicaHost): void {
    const { plan, happened, count, fell } = this.#options;
    const { atRisk, underWay } = host.journal;
    const survivors = this.#survivors(atRisk, underWay);
    const stood =
      host.isUp && survivors === atRisk && !host.isInStep ? host.machine.status() : null;
    this.#stood.set(host.id, stood);
    host.crash(survivors);
    fell(host);
    this.#stillUntil[host.id] = 0;
    happened("crash", host.id, `${atRisk - survivors} writes lost`);
    if (survivors < atRisk) count("crash that lost writes");
    if (survivors > 0 && survivors !== underWay && survivors < atRisk) {
      count("crash that tore a group");
    }
    if (this.#starting === host.id) count("crash at the start");
    const loop = this.#loops.get(host.id);
    this.#riseAfter(host, loop === undefined ? this.#downMs[host.id]! : 5);
    if (this.#options.now() >= plan.healMs) this.#loops.delete(host.id);
  }

  #survivors(atRisk: number, underWay: number): number {
    const { plan, random } = this.#options;
    switch (plan.disk.unsynced) {
      case "kept":
        return atRisk;
      case "lost":
        return random.chance(0.5) ? underWay : 0;
      case "torn":
        return random.below(atRisk + 1);
    }
  }

  #riseAfter(host: ReplicaHost, downMs: number): void {
    const { plan, now, at } = this.#options;
    if (this.gone.has(host.id)) return;
    const ms = Math.max(0, Math.min(downMs, plan.healMs - now()));
    at(now() + ms, () => {
      if (!host.isUp && !this.gone.has(host.id)) this.#rise(host);
    });
  }

  #rise(host: ReplicaHost): void {
    const { happened, count } = this.#options;
    happened("restart", host.id);
    if (host.isMute) count("restart without a journal");
    this.#armLoop(host);
    this.#starting = host.id;
    const isSound = host.start();
    this.#starting = null;
    if (!isSound) return this.#replaceDisk(host);
    if (host.startedFrom > 0) count("restart from a snapshot");
    const stood = this.#stood.get(host.id) ?? null;
    if (stood !== null && !host.isMute && host.isUp) this.#options.cameBack(host, stood);
    this.#options.rose(host);
  }

  #armLoop(host: ReplicaHost): void {
    const { plan, random, now } = this.#options;
    const loop = this.#loops.get(host.id);
    if (loop === undefined) return;
    if (--loop.again <= 0) this.#loops.delete(host.id);
    if (now() < plan.healMs) host.crashAfter(random.below(loop.effects));
  }

  /** It stopped with an error that says so; the operator gives it an empty folder, in time. */
  #replaceDisk(host: ReplicaHost): void {
    const { happened, faultModel } = this.#options;
    happened("damage found", host.id);
    host.loseDisk();
    if (faultModel === "hybrid") this.#riseAfter(host, this.#repairMs[host.id]!);
    else this.gone.add(host.id);
  }
}
