// What a part may say: the outbox of its machine, seen as narrowly as the part needs.

import type { Effect, Observation, ReplicaId } from "../core/index.js";

/**
 * An {@link Outbox} of a machine that knows at least these messages and records. A part that speaks
 * a few kinds of message takes one of these, so that machines with more kinds can lend it theirs.
 */
export interface Speech<Message, Durable> {
  send(to: ReplicaId, message: Message): void;
  broadcast(message: Message): void;
  reply(client: number, session: number, message: Message): void;
  persist(record: Durable): void;
  observe(event: Observation): void;
  drop(reason: string): void;
  add(effect: Effect<Message, Durable>): void;
}
