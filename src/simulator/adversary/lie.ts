// What a lie is: how a habit changes what a machine sends and hears, and what its host has for it.

import {
  type ClaimContext,
  otherReplicas,
  type Protocol,
  type ReplicaContext,
  type ReplicaId,
  type ReplicaMachine,
  type Tagged,
  type TrustedCounter,
} from "../../core/index.js";
import type { Random } from "../random.js";
import type { Coven } from "./coven.js";
import type { Notary } from "./notary.js";
import type { Prover } from "./prover.js";

/** Where a message goes. */
export type Destination =
  | { readonly kind: "replica"; readonly replica: ReplicaId }
  | { readonly kind: "client"; readonly client: number; readonly session: number };

export interface Outgoing<M extends Tagged = Tagged> {
  readonly to: Destination;
  readonly message: M;
  readonly delayMs: number;
}

/**
 * What a lying host has: its machine's context, its own counter included, what other liars tell it,
 * and nothing of the correct replicas.
 */
export interface Means {
  readonly protocol: Protocol;
  readonly context: ReplicaContext;
  readonly claimContext: ClaimContext;
  readonly notary: Notary;
  readonly prover: Prover;
  readonly random: Random;
  readonly coven: Coven;
  /** Another honest machine of this replica, with a service of its own. */
  readonly machine: (counter: TrustedCounter) => ReplicaMachine<Tagged, Tagged>;
}

/** One habit. All hooks default to honesty. */
export interface Lie {
  /** What is sent in place of what the machine sent in one step. */
  readonly tamper?: (outgoing: readonly Outgoing[], now: number) => readonly Outgoing[];
  /** What the machine hears in place of a message of a replica or a client (null); or nothing. */
  readonly hears?: (from: ReplicaId | null, message: Tagged, now: number) => Tagged | null;
  /** What runs inside, in place of one honest machine. */
  readonly machine?: () => ReplicaMachine<Tagged, Tagged>;
}

/** Makes a habit for one liar; what it draws, it keeps for the run. */
export type LieMaker = (means: Means) => Lie;

/** Habits by their names, which stand in plans. */
export type Lies = Readonly<Record<string, LieMaker>>;

export const others = ({ context }: Means): ReplicaId[] =>
  otherReplicas(context.n, context.replica);

export const toReplica = (replica: ReplicaId): Destination => ({ kind: "replica", replica });

/**
 * A whim about each kind of message, the same all the run: so a liar may spoil one kind and respect
 * the rest.
 */
export function whim(means: Means, chance: number): (message: Tagged) => boolean {
  const whims = new Map<string, boolean>();
  return ({ kind }) => {
    let answer = whims.get(kind);
    if (answer === undefined) whims.set(kind, (answer = means.random.chance(chance)));
    return answer;
  };
}

/**
 * A liar is no faster than anybody else: without this, two of its messages may cause three, for
 * ever.
 */
export function atMostEvery(ms: number): (now: number) => boolean {
  let last = -Infinity;
  return (now) => {
    if (now - last < ms) return false;
    last = now;
    return true;
  };
}

/** A tampering that does one thing to each message that is meant, whoever it goes to. */
export function eachMessage(
  isMeant: (message: Tagged) => boolean,
  change: (message: Tagged) => Tagged,
): NonNullable<Lie["tamper"]> {
  return (outgoing) => {
    const changed = new Map<Tagged, Tagged>();
    return outgoing.map((one) => {
      if (!isMeant(one.message)) return one;
      let message = changed.get(one.message);
      if (message === undefined) changed.set(one.message, (message = change(one.message)));
      return { ...one, message };
    });
  };
}

/** Has the counter certify, and its identity prove, what the message says now. */
export const certified = (
  { notary, prover, protocol, claimContext }: Means,
  message: Tagged,
): Tagged => prover.reproved(notary.honour(protocol, message, claimContext));

/** The last so many of what is put in, of which any may be picked. */
export class Hoard<T> {
  readonly #items: T[] = [];
  readonly #max: number;
  #next = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  put(item: T): void {
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#max;
  }

  pick(random: Random): T {
    return random.pick(this.#items);
  }
}
