// The host of one simulated replica: decodes and verifies what arrives, runs the machine, and
// carries out its effects with the barrier of core/machine.ts. Where messages, time and syncs go is
// up to its surroundings.

import {
  absentCounter,
  type ClientId,
  type Effect,
  type Input,
  InvariantError,
  type Observation,
  otherReplicas,
  type Page,
  type Protocol,
  type ReplicaContext,
  type ReplicaId,
  type ReplicaMachine,
  type Service,
  type SessionId,
  type Tagged,
  type TrustedCounter,
} from "../core/index.js";
import type { ClientKeys } from "./client-keys.js";
import { Gatekeeper, instantTimersMax } from "./gatekeeper.js";
import type { Identities } from "./identities.js";
import { Journal, type Recovered } from "./journal.js";
import type { CrashEvent } from "./plan/host-plan.js";
import { copied, encoded } from "./slab.js";

/** What a host asks of the world around it. */
export interface Surroundings {
  /** The host's clock: it never goes back. */
  now(host: ReplicaHost): number;
  send(from: ReplicaId, to: ReplicaId, bytes: Uint8Array): void;
  reply(from: ReplicaId, client: ClientId, session: SessionId, bytes: Uint8Array): void;
  /**
   * A sync of the host's journal began: call `finishSync` of the same life when the disk is done.
   */
  sync(host: ReplicaHost): void;
  /** A timer was set: call `expire` with the token when the host's clock shows `atMs`. */
  timer(host: ReplicaHost, timer: string, token: number, atMs: number): void;
  /** Whether to save the state that the machine offers. */
  compacts(host: ReplicaHost): boolean;
  observe(host: ReplicaHost, event: Observation): void;
  /** The host crashed by itself, at the effect that `crashAfter` named. */
  crashed(host: ReplicaHost): void;
  /** The machine threw: a defect. The host is down. */
  broke(host: ReplicaHost, error: unknown): void;
}

export interface HostOptions {
  readonly protocol: Protocol;
  /** All but what is new in every life. */
  readonly context: Omit<ReplicaContext, "service" | "counter">;
  readonly service: () => Service;
  /** A new instance of the trusted module, given the first-boot token or not. */
  readonly counter: (hasToken: boolean) => TrustedCounter;
  readonly keys: ClientKeys;
  readonly identities: Identities;
  readonly surroundings: Surroundings;
  /** Makes a liar of the machine. */
  readonly decorate?: (
    context: ReplicaContext,
    service: () => Service,
  ) => ReplicaMachine<Tagged, Tagged>;
}

/** The effects that others can see. */
type Departure = Extract<
  Effect<Tagged, Tagged>,
  { readonly kind: "send" | "broadcast" | "reply" | "observe" }
>;

/** What waits for the disk: it may leave once write number `needs` is durable. */
interface Held {
  readonly needs: number;
  readonly effect: Departure;
  /** The message as it was when the machine sent it. */
  readonly bytes: Uint8Array;
}

const noBytes = new Uint8Array();

/** The state of one life, from a start to a crash. */
interface Life {
  readonly machine: ReplicaMachine<Tagged, Tagged>;
  readonly service: Service;
  readonly counter: TrustedCounter;
}

/** A timer that runs. */
export interface RunningTimer {
  readonly token: number;
  readonly atMs: number;
}

export class ReplicaHost {
  readonly id: ReplicaId;
  /** Lives so far, this one included. */
  life = 0;
  /** Effects carried out in this life. */
  effects = 0;
  /** Whether effects of a step are still to be carried out. */
  isInStep = false;
  readonly journal = new Journal();
  readonly timers = new Map<string, RunningTimer>();
  readonly #options: HostOptions;
  readonly #gatekeeper: Gatekeeper;
  #alive: Life | null = null;
  #held: Held[] = [];
  #lastPersist = 0;
  #tokens = 0;
  readonly #instant = new Set<string>();
  #crashAfter = Infinity;
  #crashAtRisk = 0;
  /** It crashes at no effect before it observes this. */
  #crashUpon: CrashEvent | null = null;
  #hasToken = true;
  readonly #others: readonly ReplicaId[];

  constructor(options: HostOptions) {
    this.#options = options;
    this.id = options.context.replica;
    this.#others = otherReplicas(options.context.n, this.id);
    this.#gatekeeper = new Gatekeeper(options);
  }

  get isUp(): boolean {
    return this.#alive !== null;
  }

  /** Effects that wait for the disk. */
  get held(): number {
    return this.#held.length;
  }

  get machine(): ReplicaMachine<Tagged, Tagged> {
    return this.#living().machine;
  }

  get service(): Service {
    return this.#living().service;
  }

  get counter(): TrustedCounter {
    return this.#living().counter;
  }

  /** The order of the snapshot that this life started from; 0 if none. */
  startedFrom = 0;

  /** Without its journal it has no token either: its trusted instance is retired. */
  get isMute(): boolean {
    return !this.#hasToken;
  }

  /**
   * Begins a life: a new machine, service and counter, and what the journal holds. False, and no
   * life, if the journal is damaged.
   */
  start(): boolean {
    const recovered = this.journal.recover();
    if (recovered === null) return false;
    this.#begin(recovered);
    return true;
  }

  /** The folder is empty now. It must be down. */
  loseDisk(): void {
    this.journal.wipe();
    this.#lastPersist = 0;
    this.#hasToken = false;
  }

  #begin({ snapshot, records }: Recovered): void {
    const { protocol, context, decorate } = this.#options;
    const service = this.#options.service();
    const counter = this.#options.counter(this.#hasToken);
    const asked = protocol.usesTrustedCounter ? counter : absentCounter(this.id);
    const full: ReplicaContext = { ...context, service, counter: asked };
    this.life++;
    this.effects = 0;
    this.startedFrom = snapshot?.order ?? 0;
    const journal = this.#gatekeeper.records(records);
    this.#attempt(() => {
      const machine = decorate?.(full, this.#options.service) ?? protocol.replica(full);
      this.#alive = { machine, service, counter };
    });
    this.#step({ kind: "start", snapshot, journal });
    this.#endTurn();
  }

  /** Ends the life. Of the writes not yet durable the first `survivors` are kept. */
  crash(survivors: number): void {
    this.#alive = null;
    this.#held = [];
    this.#instant.clear();
    this.#crashAfter = Infinity;
    this.timers.clear();
    this.journal.crash(survivors);
    this.#lastPersist = this.journal.written;
  }

  /**
   * Crashes of itself before the effect so many effects from now, or the first one after it that
   * finds so many writes at risk; `upon`: counted from when it next observes that.
   */
  crashAfter(effects: number, atRisk = 0, upon: CrashEvent | null = null): void {
    this.#crashAfter = effects;
    this.#crashAtRisk = atRisk;
    this.#crashUpon = upon;
  }

  /** One turn: messages, each with its sender (null: a client), then the timers of 0 ms. */
  receive(
    messages: readonly { readonly from: ReplicaId | null; readonly bytes: Uint8Array }[],
  ): void {
    for (const { from, bytes } of messages) {
      if (!this.isUp) return;
      const message = this.#attempt(() => this.#admit(from, copied(bytes)));
      if (message != null) this.#step({ kind: "message", from, message });
    }
    this.#endTurn();
  }

  /** A timer is due; nothing happens if it was cancelled or set anew since. */
  expire(timer: string, token: number): void {
    if (this.timers.get(timer)?.token !== token) return;
    this.timers.delete(timer);
    this.#step({ kind: "timeout", timer });
    this.#endTurn();
  }

  /** The disk is done with the sync announced to `surroundings.sync`. */
  finishSync(): void {
    this.journal.finishSync();
    let released = 0;
    while (this.isUp && released < this.#held.length) {
      const held = this.#held[released]!;
      if (held.needs > this.journal.durable) break;
      released++;
      this.#leave(held.effect, held.bytes);
    }
    this.#held.splice(0, released);
    this.#sync();
  }

  #living(): Life {
    if (this.#alive === null) throw new InvariantError(`replica ${this.id} is down`);
    return this.#alive;
  }

  /**
   * The message in the bytes, if all its claims hold; null otherwise, and the reason is observed.
   */
  #admit(from: ReplicaId | null, bytes: Uint8Array): Tagged | null {
    const admitted = this.#gatekeeper.admit(from, bytes, this.counter);
    if (typeof admitted !== "string") return admitted;
    this.#options.surroundings.observe(this, { event: "dropped", reason: admitted });
    return null;
  }

  #step(input: Input<Tagged, Tagged>): void {
    if (this.#alive === null) return;
    this.isInStep = true;
    this.#takeStep(this.#alive.machine, input);
    this.isInStep = false;
  }

  #takeStep(machine: ReplicaMachine<Tagged, Tagged>, input: Input<Tagged, Tagged>): void {
    const { surroundings } = this.#options;
    try {
      const now = surroundings.now(this);
      for (const effect of machine.step(now, input)) {
        if (effect.kind === "observe" && effect.event.event === this.#crashUpon) {
          this.#crashUpon = null;
        }
        if (this.#crashUpon === null) {
          if (this.#crashAfter <= 0 && this.journal.atRisk >= this.#crashAtRisk) {
            return surroundings.crashed(this);
          }
          this.#crashAfter--;
        }
        this.effects++;
        this.#carryOut(effect);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #endTurn(): void {
    let turns = 0;
    // Walking a set reaches what is added on the way, and not what is cancelled.
    for (const timer of this.#instant) {
      if (++turns > instantTimersMax) {
        return this.#fail(new InvariantError("0 ms timers without end"));
      }
      this.#instant.delete(timer);
      this.#step({ kind: "timeout", timer });
    }
    this.#sync();
  }

  #sync(): void {
    if (this.isUp && this.journal.startSync()) this.#options.surroundings.sync(this);
  }

  #carryOut(effect: Effect<Tagged, Tagged>): void {
    const { protocol, surroundings, context } = this.#options;
    switch (effect.kind) {
      case "send":
      case "broadcast":
      case "reply":
        return this.#depart(effect, encoded(protocol.messages, effect.message));
      case "observe":
        return this.#depart(effect, noBytes);
      case "persist":
        this.#lastPersist = this.journal.write(encoded(protocol.records, effect.record));
        return;
      case "checkpoint":
        if (effect.required || surroundings.compacts(this)) {
          const retain = effect.retain.map((record) => encoded(protocol.records, record));
          this.#lastPersist = this.journal.replace(frozen(effect.image), retain);
        }
        return;
      case "set-timer":
        return this.#setTimer(effect.timer, effect.afterMs);
      case "cancel-timer":
        this.timers.delete(effect.timer);
        this.#instant.delete(effect.timer);
        return;
    }
    throw new InvariantError(`replica ${context.replica}: an effect of unknown kind`);
  }

  /** The barrier: now, or when every earlier persist is durable. */
  #depart(effect: Departure, bytes: Uint8Array): void {
    const needs = this.#lastPersist;
    if (this.#held.length === 0 && needs <= this.journal.durable) this.#leave(effect, bytes);
    else this.#held.push({ needs, effect, bytes });
  }

  #leave(effect: Departure, bytes: Uint8Array): void {
    const { surroundings } = this.#options;
    switch (effect.kind) {
      case "send":
        return surroundings.send(this.id, effect.to, bytes);
      case "broadcast":
        for (const replica of this.#others) surroundings.send(this.id, replica, bytes);
        return;
      case "reply":
        return surroundings.reply(this.id, effect.client, effect.session, bytes);
      case "observe":
        return surroundings.observe(this, effect.event);
    }
  }

  #setTimer(timer: string, afterMs: number): void {
    this.#instant.delete(timer);
    this.timers.delete(timer);
    if (afterMs <= 0) {
      this.#instant.add(timer);
      return;
    }
    const atMs = this.#options.surroundings.now(this) + afterMs;
    const token = ++this.#tokens;
    this.timers.set(timer, { token, atMs });
    this.#options.surroundings.timer(this, timer, token, atMs);
  }

  /** Null, and the host is down, if the machine or what it called threw. */
  #attempt<T>(action: () => T): T | null {
    try {
      return action();
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  #fail(error: unknown): void {
    this.#alive = null;
    this.#held = [];
    this.#instant.clear();
    this.timers.clear();
    this.#options.surroundings.broke(this, error);
  }
}

/** The image as it is now, whatever its machine does to its array of pages later. */
function frozen(image: { readonly order: number; readonly pages: readonly Page[] }) {
  return { order: image.order, pages: [...image.pages] };
}
