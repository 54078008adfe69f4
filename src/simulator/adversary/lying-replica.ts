// A replica that lies: an honest machine inside, and between it and the world the habits of
// lies.ts.

import type {
  Effect,
  Input,
  Protocol,
  ReplicaContext,
  ReplicaMachine,
  ReplicaStatus,
  Tagged,
} from "../../core/index.js";
import type { Random } from "../random.js";
import {
  type Destination,
  type Lie,
  lie,
  type LieName,
  type Means,
  type Outgoing,
} from "./lies.js";
import { Notary } from "./notary.js";

type Effects = Effect<Tagged, Tagged>[];

/** Timers of the decorator's own, beside those of the machine inside. */
const delayed = "lie:";

export class LyingReplica implements ReplicaMachine<Tagged, Tagged> {
  readonly #inner: ReplicaMachine<Tagged, Tagged>;
  readonly #lies: readonly Lie[];
  readonly #means: Means;
  readonly #waiting = new Map<string, Outgoing>();
  #count = 0;

  constructor(
    protocol: Protocol,
    context: ReplicaContext,
    names: readonly LieName[],
    random: Random,
  ) {
    const notary = new Notary(context.counter, random.fork("notary"));
    this.#means = { protocol, context, claimContext: context, notary, random };
    this.#inner = protocol.replica({ ...context, counter: notary });
    this.#lies = names.map((name) => lie(name, this.#means));
  }

  step(now: number, input: Input<Tagged, Tagged>): Effects {
    if (input.kind === "timeout" && input.timer.startsWith(delayed)) {
      return this.#late(input.timer);
    }
    if (input.kind === "message" && !this.#lies.every(({ hears }) => hears?.(input.from) ?? true)) {
      return [];
    }
    const effects: Effects = [];
    const outgoing: Outgoing[] = [];
    for (const effect of this.#inner.step(now, input)) {
      if (effect.kind === "set-timer" || effect.kind === "cancel-timer") effects.push(effect);
      else outgoing.push(...this.#addressed(effect));
    }
    let sent: readonly Outgoing[] = outgoing;
    for (const { tamper } of this.#lies) if (tamper !== undefined) sent = tamper(sent, now);
    const honoured = new Map<Tagged, Tagged>();
    for (const one of sent) effects.push(this.#leave(one, honoured));
    return effects;
  }

  status(): ReplicaStatus {
    return this.#inner.status();
  }

  #addressed(effect: Effect<Tagged, Tagged>): Outgoing[] {
    const at = (to: Destination, message: Tagged): Outgoing => ({ to, message, delayMs: 0 });
    switch (effect.kind) {
      case "send":
        return [at({ kind: "replica", replica: effect.to }, effect.message)];
      case "broadcast": {
        const { n, replica: self } = this.#means.context;
        const all = Array.from({ length: n }, (_, replica) => replica);
        return all
          .filter((replica) => replica !== self)
          .map((replica) => at({ kind: "replica", replica }, effect.message));
      }
      case "reply":
        return [at({ ...effect, kind: "client" }, effect.message)];
      default:
        return [];
    }
  }

  #leave(outgoing: Outgoing, honoured: Map<Tagged, Tagged>): Effect<Tagged, Tagged> {
    const { notary, protocol, claimContext } = this.#means;
    let message = honoured.get(outgoing.message);
    if (message === undefined) {
      message = notary.honour(protocol, outgoing.message, claimContext);
      honoured.set(outgoing.message, message);
    }
    if (outgoing.delayMs <= 0) return effectOf(outgoing.to, message);
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
