// Where a machine's handlers put their effects; `step` hands over what gathered.

import type { Effect, Observation, ReplicaId } from "../core/index.js";

/** Effects in the order in which they were caused. */
export class Outbox<Message, Durable> {
  private effects: Effect<Message, Durable>[] = [];

  send(to: ReplicaId, message: Message): void {
    this.effects.push({ kind: "send", to, message });
  }

  broadcast(message: Message): void {
    this.effects.push({ kind: "broadcast", message });
  }

  reply(client: number, session: number, message: Message): void {
    this.effects.push({ kind: "reply", client, session, message });
  }

  persist(record: Durable): void {
    this.effects.push({ kind: "persist", record });
  }

  setTimer(timer: string, afterMs: number): void {
    this.effects.push({ kind: "set-timer", timer, afterMs });
  }

  cancelTimer(timer: string): void {
    this.effects.push({ kind: "cancel-timer", timer });
  }

  observe(event: Observation): void {
    this.effects.push({ kind: "observe", event });
  }

  drop(reason: string): void {
    this.observe({ event: "dropped", reason });
  }

  add(effect: Effect<Message, Durable>): void {
    this.effects.push(effect);
  }

  /** Everything since the last call. */
  take(): Effect<Message, Durable>[] {
    const effects = this.effects;
    this.effects = [];
    return effects;
  }
}
