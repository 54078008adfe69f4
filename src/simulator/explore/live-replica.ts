// One real machine with what a host keeps for it: timers, a trusted counter, and the rules of
// replica-host.ts for what it may see. Its effects come as numbers of the vocabulary; its disk is
// the caller's business.

import {
  absentCounter,
  type Effect,
  type Input,
  InvariantError,
  type Observation,
  otherReplicas,
  type Protocol,
  type ReplicaContext,
  type ReplicaId,
  type ReplicaMachine,
  type Reply,
  type Service,
  type Tagged,
  type TrustedCounter,
} from "../../core/index.js";
import type { ClientKeys } from "../client-keys.js";
import { Gatekeeper, instantTimersMax } from "../gatekeeper.js";
import type { Identities } from "../identities.js";
import { Fingerprinter } from "../introspect.js";
import { reread } from "../journal.js";
import { answerOf } from "../judge.js";
import { MovableCounter } from "./movable-counter.js";
import { bundleName, type Disk, type Stimulus, type Vocabulary } from "./vocabulary.js";
import { WatchedService } from "./watched-service.js";

/** What all replicas of an exploration share. */
export interface Surroundings {
  readonly protocol: Protocol;
  readonly service: () => Service;
  readonly counter: (replica: ReplicaId) => TrustedCounter;
  readonly keys: ClientKeys;
  readonly identities: Identities;
  readonly context: (replica: ReplicaId) => Omit<ReplicaContext, "service" | "counter">;
  readonly vocabulary: Vocabulary;
  readonly fingerprinter: Fingerprinter;
}

/** An effect, in the vocabulary's numbers. */
export type Emission =
  | { readonly kind: "send"; readonly letter: number }
  | { readonly kind: "persist"; readonly record: number }
  | { readonly kind: "save"; readonly image: number; readonly retain: readonly number[] }
  | { readonly kind: "answer"; readonly bundle: string; readonly answer: string }
  | { readonly kind: "observe"; readonly event: Observation };

export class LiveReplica {
  /** The replica's own clock: it stands still but for timers. */
  now: number;
  /** Deadlines. */
  readonly timers = new Map<string, number>();
  readonly counter: MovableCounter;
  readonly #surroundings: Surroundings;
  readonly #replica: ReplicaId;
  readonly #service: WatchedService;
  readonly #machine: ReplicaMachine<Tagged, Tagged>;
  readonly #opaque: ReadonlySet<object>;
  readonly #others: readonly ReplicaId[];
  readonly #gatekeeper: Gatekeeper;
  #emissions: Emission[] = [];
  #instant: string[] = [];

  constructor(surroundings: Surroundings, replica: ReplicaId, now: number) {
    const shared = surroundings.context(replica);
    const { n, limits, timing } = shared;
    this.#surroundings = surroundings;
    this.#replica = replica;
    this.#others = otherReplicas(n, replica);
    this.now = now;
    this.#service = new WatchedService(surroundings.service());
    this.counter = new MovableCounter(() => surroundings.counter(replica));
    this.#gatekeeper = new Gatekeeper({ ...surroundings, context: shared });
    const { usesTrustedCounter } = surroundings.protocol;
    const counter = usesTrustedCounter ? this.counter : absentCounter(replica);
    const context = { ...shared, service: this.#service, counter };
    this.#opaque = new Set<object>([
      context,
      this.#service,
      counter,
      shared.identity,
      limits,
      timing,
    ]);
    this.#machine = surroundings.protocol.replica(context);
  }

  /** The first turn, with what an earlier life left. */
  start({ image, records }: Disk): Emission[] {
    const { vocabulary } = this.#surroundings;
    const journal = this.#gatekeeper.records(
      records.map((number) => vocabulary.records.get(number).slice()),
    );
    const saved = image < 0 ? null : vocabulary.images.get(image);
    const snapshot = saved && {
      order: saved.order,
      pages: saved.pages.map((page) => page.slice()),
    };
    return this.#turn({ kind: "start", snapshot, journal });
  }

  /** A turn: the input, then the timers of 0 ms. What the machine throws comes through. */
  take(stimulus: Stimulus): Emission[] {
    if (stimulus.kind === "timer") {
      const { timer } = stimulus;
      this.now = Math.max(this.now, this.timers.get(timer) ?? this.now);
      this.timers.delete(timer);
      return this.#turn({ kind: "timeout", timer });
    }
    const { from, bytes } = this.#surroundings.vocabulary.letters.get(stimulus.letter);
    const message = this.#admit(from, bytes.slice());
    return this.#turn(message && { kind: "message", from, message });
  }

  /** All that this replica's future depends on, but for its counter and its disk. */
  fingerprint(): string {
    const { vocabulary, fingerprinter } = this.#surroundings;
    const timers = [...this.timers]
      .map(([timer, atMs]) => [vocabulary.timers.add(timer, timer), atMs] as const)
      .sort(([a], [b]) => a - b);
    const extra = [...this.#service.fingerprint, this.now, timers.length, ...timers.flat()];
    return fingerprinter.of(this.#machine, this.#opaque, extra);
  }

  #turn(input: Input<Tagged, Tagged> | null): Emission[] {
    if (input !== null) this.#step(input);
    for (let turns = 0; this.#instant.length > 0; turns++) {
      if (turns > instantTimersMax) throw new InvariantError("0 ms timers without end");
      this.#step({ kind: "timeout", timer: this.#instant.shift()! });
    }
    const emissions = this.#emissions;
    this.#emissions = [];
    return emissions;
  }

  #step(input: Input<Tagged, Tagged>): void {
    for (const effect of this.#machine.step(this.now, input)) this.#carryOut(effect);
  }

  /** As a host does: the message, if it can be read and all its claims hold. */
  #admit(from: ReplicaId | null, bytes: Uint8Array): Tagged | null {
    const admitted = this.#gatekeeper.admit(from, bytes, this.counter);
    if (typeof admitted !== "string") return admitted;
    this.#emissions.push({ kind: "observe", event: { event: "dropped", reason: admitted } });
    return null;
  }

  #carryOut(effect: Effect<Tagged, Tagged>): void {
    const { protocol, vocabulary } = this.#surroundings;
    switch (effect.kind) {
      case "send":
        return this.#send([effect.to], effect.message);
      case "broadcast":
        return this.#send(this.#others, effect.message);
      case "reply":
        return this.#answer(protocol.client.reply(effect.message));
      case "persist": {
        const record = vocabulary.records.add(protocol.records.encode(effect.record));
        this.#emissions.push({ kind: "persist", record });
        return;
      }
      case "checkpoint": {
        const image = vocabulary.image(reread(effect.image));
        const retain = effect.retain.map((record) =>
          vocabulary.records.add(protocol.records.encode(record)),
        );
        this.#emissions.push({ kind: "save", image, retain });
        return;
      }
      case "set-timer":
        return this.#setTimer(effect.timer, effect.afterMs);
      case "cancel-timer":
        this.timers.delete(effect.timer);
        this.#instant = this.#instant.filter((timer) => timer !== effect.timer);
        return;
      case "observe":
        this.#emissions.push({ kind: "observe", event: effect.event });
    }
  }

  #send(to: readonly ReplicaId[], message: Tagged): void {
    const bytes = this.#surroundings.protocol.messages.encode(message);
    for (const receiver of to) {
      const letter = { from: this.#replica, to: receiver, bytes };
      this.#emissions.push({ kind: "send", letter: this.#surroundings.vocabulary.letter(letter) });
    }
  }

  #answer(reply: Reply | null): void {
    if (reply === null) return;
    this.#emissions.push({ kind: "answer", bundle: bundleName(reply), answer: answerOf(reply) });
  }

  #setTimer(timer: string, afterMs: number): void {
    this.#instant = this.#instant.filter((name) => name !== timer);
    this.timers.delete(timer);
    if (afterMs <= 0) this.#instant.push(timer);
    else this.timers.set(timer, this.now + afterMs);
  }
}
