// Twins: several honest machines of one identity behind one trusted counter. Each hears a part of
// what is said and keeps its own journal; all of them speak. The counter certifies what the first
// of them asks for.

import type {
  Effect,
  Input,
  ReplicaId,
  ReplicaMachine,
  ReplicaStatus,
  Tagged,
} from "../../core/index.js";
import { type Means, others } from "./lie.js";

type Effects = Effect<Tagged, Tagged>[];
type TwinInput = Input<Tagged, Tagged>;

interface Twin {
  machine: ReplicaMachine<Tagged, Tagged>;
  readonly remake: () => ReplicaMachine<Tagged, Tagged>;
  /** What it stored, from its first start on; null: its state did not come about that way. */
  journal: Tagged[] | null;
  /** How late it hears of everything. */
  readonly lateMs: number;
  readonly waiting: Map<number, TwinInput>;
  life: number;
}

/** How many records a twin may go back when it restarts. */
const forgottenMax = 12;
/** Inputs that wait for a late twin; more are lost. */
const waitingMax = 256;

export class Twins implements ReplicaMachine<Tagged, Tagged> {
  readonly #means: Means;
  readonly #twins: readonly Twin[];
  /** Whether each twin speaks only to those that it hears. */
  readonly #isDiscreet: boolean;
  /** How long a division of the peers among the twins lasts. */
  readonly #epochMs: number;
  /** How often a twin loses the end of its journal and starts anew; null: never. */
  readonly #restartMs: number | null;
  #epoch = -1;
  #ears = new Map<ReplicaId, number | null>();
  #restartedAt = 0;
  #count = 0;

  constructor(means: Means) {
    const { random, notary, context, machine } = means;
    this.#means = means;
    const { patienceMs } = context.timing;
    const count = random.pick([2, 2, 2, 3]);
    // Of one mind about the counter, or each as if it had the counter to itself.
    const isShared = random.chance(0.4);
    this.#twins = Array.from({ length: count }, (_, index) => {
      const counter = index === 0 || isShared ? notary : notary.sibling();
      const remake = () => machine(counter);
      const lateMs = index > 0 && random.chance(0.25) ? random.between(1, patienceMs) : 0;
      const waiting = new Map<number, TwinInput>();
      return { machine: remake(), remake, journal: [], lateMs, waiting, life: 0 };
    });
    this.#isDiscreet = random.chance(0.5);
    this.#epochMs = patienceMs * random.pick([0.5, 3, 20]);
    this.#restartMs = random.chance(0.3) ? random.between(200, 2_000) : null;
  }

  step(now: number, input: TwinInput): Effects {
    const effects: Effects = [];
    switch (input.kind) {
      case "start":
        this.#twins.forEach((_, index) => this.#run(index, now, input, effects));
        break;
      case "timeout":
        this.#expire(now, input.timer, effects);
        break;
      case "message":
        this.#twins.forEach((_, index) => {
          if (this.#hears(index, input.from, now)) this.#tell(index, now, input, effects);
        });
        break;
      case "leased":
        break; // said to a machine by its own wrapper, inside
    }
    this.#perhapsRestart(now, effects);
    return effects;
  }

  status(): ReplicaStatus {
    return this.#twins[0]!.machine.status();
  }

  #hears(twin: number, from: ReplicaId | null, now: number): boolean {
    const ear = from === null ? this.#anyEar() : this.#earFor(from, now);
    return ear === null || ear === twin;
  }

  #anyEar(): number | null {
    const { random } = this.#means;
    return random.chance(0.5) ? null : random.below(this.#twins.length);
  }

  /** Which twin a peer talks with: as the liars divided the camps, or by a division of its own. */
  #earFor(peer: ReplicaId, now: number): number | null {
    const camp = this.#means.coven.campOf(peer, now);
    if (camp !== null) return camp % this.#twins.length;
    const epoch = Math.floor(now / this.#epochMs);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#ears = new Map(others(this.#means).map((replica) => [replica, this.#drawEar()]));
    }
    return this.#ears.get(peer) ?? null;
  }

  #drawEar(): number | null {
    const { random } = this.#means;
    return random.chance(0.2) ? null : random.below(this.#twins.length);
  }

  #tell(index: number, now: number, input: TwinInput, effects: Effects): void {
    const { lateMs, waiting } = this.#twins[index]!;
    if (lateMs === 0) return this.#run(index, now, input, effects);
    if (waiting.size >= waitingMax) return;
    const number = ++this.#count;
    waiting.set(number, input);
    effects.push({ kind: "set-timer", timer: nameOf(index, "late", number), afterMs: lateMs });
  }

  #expire(now: number, timer: string, effects: Effects): void {
    const [index, kind, name] = parts(timer);
    const twin = this.#twins[index]!;
    if (kind === "late") {
      const input = twin.waiting.get(Number(name));
      twin.waiting.delete(Number(name));
      if (input !== undefined) this.#run(index, now, input, effects);
    } else if (kind === `life${twin.life}`) {
      this.#run(index, now, { kind: "timeout", timer: name }, effects);
    }
  }

  #run(index: number, now: number, input: TwinInput, effects: Effects): void {
    const twin = this.#twins[index]!;
    const timerOf = (timer: string) => nameOf(index, `life${twin.life}`, timer);
    for (const effect of twin.machine.step(now, input)) {
      switch (effect.kind) {
        case "set-timer":
        case "cancel-timer":
          effects.push({ ...effect, timer: timerOf(effect.timer) });
          break;
        case "persist":
          twin.journal?.push(effect.record);
          break;
        case "checkpoint":
          if (effect.required) twin.journal = null;
          break;
        case "send":
          if (this.#speaksTo(index, effect.to, now)) effects.push(effect);
          break;
        case "broadcast":
          for (const to of others(this.#means)) {
            if (this.#speaksTo(index, to, now)) {
              effects.push({ kind: "send", to, message: effect.message });
            }
          }
          break;
        default:
          effects.push(effect);
      }
    }
  }

  #speaksTo(twin: number, to: ReplicaId, now: number): boolean {
    if (!this.#isDiscreet) return true;
    const ear = this.#earFor(to, now);
    return ear === null || ear === twin;
  }

  /** A twin starts anew from an earlier state of its storage; the trusted counter goes on. */
  #perhapsRestart(now: number, effects: Effects): void {
    if (this.#restartMs === null || now - this.#restartedAt < this.#restartMs) return;
    this.#restartedAt = now;
    const { random } = this.#means;
    const index = random.below(this.#twins.length);
    const twin = this.#twins[index]!;
    if (twin.journal === null) return;
    twin.journal.splice(Math.max(0, twin.journal.length - random.below(forgottenMax)));
    twin.life++;
    twin.waiting.clear();
    twin.machine = twin.remake();
    const journal = [...twin.journal];
    this.#run(index, now, { kind: "start", snapshot: null, journal }, effects);
  }
}

/** A twin's timer, among those of the host: they are counted by what stands before the colon. */
const nameOf = (index: number, kind: string, name: string | number): string =>
  `twin:${index} ${kind} ${name}`;

/** The twin's number, what the timer is for, and its name. */
function parts(timer: string): [number, string, string] {
  const [index = "", kind = ""] = timer.slice("twin:".length).split(" ", 2);
  return [Number(index), kind, timer.slice("twin:".length + index.length + kind.length + 2)];
}
