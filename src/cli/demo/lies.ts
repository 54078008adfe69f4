// How a replica lies: its machine is honest, and everything that leaves it may be forged on the way out.

import type {
  Effect,
  Input,
  Protocol,
  ReplicaContext,
  ReplicaId,
  ReplicaMachine,
  ReplicaStatus,
  Tagged,
} from "../../core/index.js";

/** How many old messages a liar keeps for replaying. */
const memoryMessages = 64;

/** The same protocol, except that its replicas lie. They hold their trusted counter; they cannot read its key. */
export function lying(protocol: Protocol): Protocol {
  return { ...protocol, replica: (context) => new Liar(protocol.replica(context), context) };
}

/** Forges every result, and often withholds, equivocates or replays what it tells other replicas. */
class Liar implements ReplicaMachine<Tagged, Tagged> {
  readonly #honest: ReplicaMachine<Tagged, Tagged>;
  readonly #others: readonly ReplicaId[];
  readonly #memory: Tagged[] = [];
  #randomState: number;

  constructor(honest: ReplicaMachine<Tagged, Tagged>, { replica, n }: ReplicaContext) {
    this.#honest = honest;
    this.#others = Array.from({ length: n }, (_, id) => id).filter((id) => id !== replica);
    this.#randomState = replica + 1;
  }

  step(now: number, input: Input<Tagged, Tagged>): readonly Effect<Tagged, Tagged>[] {
    return this.#honest.step(now, input).flatMap((effect) => this.#twist(effect));
  }

  status(): ReplicaStatus {
    return this.#honest.status();
  }

  #twist(effect: Effect<Tagged, Tagged>): readonly Effect<Tagged, Tagged>[] {
    switch (effect.kind) {
      case "reply":
        return [{ ...effect, message: forged(effect.message) }];
      case "send":
        return this.#tell(effect.to, effect.message);
      case "broadcast":
        return this.#others.flatMap((to) => this.#tell(to, effect.message));
      default:
        return [effect];
    }
  }

  /** What one replica is told: each is told something else. */
  #tell(to: ReplicaId, message: Tagged): readonly Effect<Tagged, Tagged>[] {
    const send = (told: Tagged) => ({ kind: "send", to, message: told }) as const;
    const old = this.#recall(message);
    switch (this.#draw(8)) {
      case 0:
        return []; // withheld
      case 1:
        return [send(forged(message))]; // to this one only: the others hear something else
      case 2:
        return [send(message), send(old)]; // replayed
      default:
        return [send(message)];
    }
  }

  /** Keeps a message, and gives one from before. */
  #recall(message: Tagged): Tagged {
    this.#memory.push(message);
    if (this.#memory.length > memoryMessages) this.#memory.shift();
    return this.#memory[this.#draw(this.#memory.length)] ?? message;
  }

  /** A whole number from 0 up to a bound; a linear congruential generator is random enough for lies. */
  #draw(bound: number): number {
    this.#randomState = (Math.imul(this.#randomState, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#randomState / 2 ** 32) * bound);
  }
}

/** A copy of a message that says something else: the last bit of every byte string in it is the other. */
export function forged<T>(value: T): T {
  if (value instanceof Uint8Array) return forgedBytes(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => forged(item)) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, field]) => [name, forged(field as unknown)]);
  return Object.fromEntries(entries) as T;
}

function forgedBytes(honest: Uint8Array): Uint8Array {
  const bytes = honest.slice();
  const last = bytes.length - 1;
  if (last >= 0) bytes[last] = (bytes[last] ?? 0) ^ 1;
  return bytes;
}
