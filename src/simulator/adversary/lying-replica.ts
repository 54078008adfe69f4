// A replica that lies: an honest machine inside, or several, and between it and the world the
// habits of lies.ts.

import type {
  Effect,
  Input,
  Protocol,
  ReplicaContext,
  ReplicaMachine,
  ReplicaStatus,
  Service,
  Tagged,
} from "../../core/index.js";
import type { Random } from "../random.js";
import { Coven } from "./coven.js";
import { certified, type Destination, type Lie, type Lies, type Means, others } from "./lie.js";
import { type Outgoing, toReplica } from "./lie.js";
import { lieNamed } from "./lies.js";
import { Notary } from "./notary.js";
import { Prover } from "./prover.js";
import { always, isInSeason, type Season } from "./season.js";

type Effects = Effect<Tagged, Tagged>[];
type TaggedMessage = Extract<Input<Tagged, Tagged>, { kind: "message" }>;

/** Timers of the decorator's own, beside those of the machine inside. */
const delayed = "lie:";
/** Messages that wait to be sent; with more, a liar that delays is in less of a hurry. */
const waitingMax = 1_000;

export interface LyingReplicaOptions {
  readonly protocol: Protocol;
  readonly context: ReplicaContext;
  readonly random: Random;
  /** Its habits, by name. */
  readonly lies: readonly string[];
  /** Habits for this protocol, beside those for all. */
  readonly own?: Lies;
  /** When it lies. Default: always. */
  readonly season?: Season;
  /** How many times as patient as others its machine is. Default: once. */
  readonly patience?: number;
  /** What it shares with other liars. Default: there are none. */
  readonly coven?: Coven;
  /** A service for each machine inside that a habit asks for. Default: they share the context's. */
  readonly service?: () => Service;
}

export class LyingReplica implements ReplicaMachine<Tagged, Tagged> {
  readonly #inner: ReplicaMachine<Tagged, Tagged>;
  readonly #lies: readonly Lie[];
  readonly #means: Means;
  readonly #season: Season;
  readonly #waiting = new Map<string, Outgoing>();
  #count = 0;
  /** When the machine inside last was in a view change. */
  #changedAt = -Infinity;

  constructor(options: LyingReplicaOptions) {
    const { protocol, context, random, lies, own = {}, season = always } = options;
    const { patience = 1 } = options;
    const { coven = new Coven(), service = () => context.service } = options;
    const notary = new Notary(context.counter, random.fork("notary"));
    const { patienceMs, patienceMsMax } = context.timing;
    const timing = {
      ...context.timing,
      patienceMs: patience * patienceMs,
      patienceMsMax: patience * patienceMsMax,
    };
    const machine: Means["machine"] = (counter) =>
      protocol.replica({ ...context, timing, counter, service: service() });
    const prover = new Prover(protocol, context);
    const claimContext = context;
    this.#means = { protocol, context, claimContext, notary, prover, random, coven, machine };
    this.#season = season;
    this.#lies = lies.map((name) => lieNamed(name, own)(this.#means));
    this.#inner =
      this.#lies.find((one) => one.machine !== undefined)?.machine?.() ??
      protocol.replica({ ...context, timing, counter: notary });
  }

  step(now: number, input: Input<Tagged, Tagged>): Effects {
    if (input.kind === "timeout" && input.timer.startsWith(delayed)) {
      return this.#late(input.timer);
    }
    const heard = input.kind === "message" ? this.#heard(now, input) : input;
    if (heard === null) return [];
    const effects: Effects = [];
    const outgoing: Outgoing[] = [];
    for (const effect of this.#inner.step(now, heard)) {
      if (effect.kind === "set-timer" || effect.kind === "cancel-timer") effects.push(effect);
      else outgoing.push(...this.#addressed(effect));
    }
    if (this.#inner.status().role === "changing view") this.#changedAt = now;
    const honoured = new Map<Tagged, Tagged>();
    for (const one of this.#tampered(outgoing, now)) {
      const effect = this.#leave(one, honoured);
      if (effect !== null) effects.push(effect);
    }
    return effects;
  }

  status(): ReplicaStatus {
    return this.#inner.status();
  }

  #heard(now: number, input: TaggedMessage): TaggedMessage | null {
    const { coven, context, prover } = this.#means;
    const { from } = input;
    if (from !== null) {
      coven.seen.put({ message: input.message, by: context.replica });
      prover.note(input.message, from);
    }
    if (!this.#isLying(now)) return input;
    let message: Tagged | null = input.message;
    for (const { hears } of this.#lies) {
      if (hears !== undefined) message = hears(from, message, now);
      if (message === null) return null;
    }
    return { kind: "message", from, message };
  }

  #isLying(now: number): boolean {
    return isInSeason(this.#season, now, now - this.#changedAt);
  }

  #tampered(outgoing: readonly Outgoing[], now: number): readonly Outgoing[] {
    if (!this.#isLying(now)) return outgoing;
    const { prover } = this.#means;
    for (const message of new Set(outgoing.map((one) => one.message))) {
      prover.note(message, prover.self);
    }
    return this.#lies.reduce((sent, { tamper }) => tamper?.(sent, now) ?? sent, outgoing);
  }

  #addressed(effect: Effect<Tagged, Tagged>): Outgoing[] {
    const at = (to: Destination, message: Tagged): Outgoing => ({ to, message, delayMs: 0 });
    switch (effect.kind) {
      case "send":
        return [at(toReplica(effect.to), effect.message)];
      case "broadcast":
        return others(this.#means).map((replica) => at(toReplica(replica), effect.message));
      case "reply":
        return [at({ ...effect, kind: "client" }, effect.message)];
      default:
        return [];
    }
  }

  /** Null: it has too much to send already. */
  #leave(outgoing: Outgoing, honoured: Map<Tagged, Tagged>): Effect<Tagged, Tagged> | null {
    const { coven, context } = this.#means;
    let message = honoured.get(outgoing.message);
    if (message === undefined) {
      message = certified(this.#means, outgoing.message);
      honoured.set(outgoing.message, message);
      if (outgoing.to.kind === "replica") coven.seen.put({ message, by: context.replica });
    }
    if (outgoing.delayMs <= 0) return effectOf(outgoing.to, message);
    if (this.#waiting.size >= waitingMax) return null;
    const timer = `${delayed}${this.#count++}`;
    this.#waiting.set(timer, { ...outgoing, message });
    return { kind: "set-timer", timer, afterMs: outgoing.delayMs };
  }

  #late(timer: string): Effects {
    const outgoing = this.#waiting.get(timer);
    this.#waiting.delete(timer);
    return outgoing === undefined ? [] : [effectOf(outgoing.to, outgoing.message)];
  }
}

function effectOf(to: Destination, message: Tagged): Effect<Tagged, Tagged> {
  return to.kind === "replica"
    ? { kind: "send", to: to.replica, message }
    : { kind: "reply", client: to.client, session: to.session, message };
}
