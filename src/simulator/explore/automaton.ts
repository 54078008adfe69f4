// A replica as an automaton that is discovered as it is asked: a state stands for all histories
// that lead the real machine to equal data, and each transition is computed once, by the real
// machine.

import { InvariantError, type ReplicaId } from "../../core/index.js";
import { Interner } from "./interner.js";
import { type Emission, LiveReplica, type Surroundings } from "./live-replica.js";
import { type CounterState, freshCounter } from "./movable-counter.js";

/** Where a turn leads, and what it does. */
export interface Transition {
  /** The state after it; −1 if the machine threw. */
  readonly node: number;
  /** Where the trusted counter then stands. */
  readonly counter: number;
  readonly emissions: readonly Emission[];
  readonly error: string | null;
}

/** How a state was first come to: from the start with a disk, or from another state. */
type Origin =
  | { readonly kind: "start"; readonly disk: number; readonly now: number }
  | {
      readonly kind: "turn";
      readonly node: number;
      readonly counter: number;
      readonly stimulus: number;
    };

interface Node {
  readonly origin: Origin;
  readonly fingerprint: string;
  readonly now: number;
  readonly timers: ReadonlyMap<string, number>;
  readonly transitions: Map<number, Transition>;
}

/** Machines kept at hand in the states they are in, so that they need not be led there again. */
const liveMax = 1000;

/** A stimulus and where the counter stands, as one number; there are fewer stimuli than this. */
const stimuliMax = 2 ** 26;

export class Automaton {
  readonly #surroundings: Surroundings;
  readonly #replica: ReplicaId;
  readonly #merges: boolean;
  readonly #nodes = new Interner<Node>();
  readonly #counters = new Interner<CounterState>();
  readonly #starts = new Map<string, Transition>();
  readonly #live = new Map<number, LiveReplica>();
  /** Turns of the real machine that were new. */
  turns = 0;
  /** Turns repeated to bring a machine back to a state. */
  repeated = 0;

  /** Without `merges`, every history is a state of its own. */
  constructor(surroundings: Surroundings, replica: ReplicaId, merges: boolean) {
    this.#surroundings = surroundings;
    this.#replica = replica;
    this.#merges = merges;
  }

  /** States of the machine met so far. */
  get size(): number {
    return this.#nodes.size;
  }

  now(node: number): number {
    return this.#nodes.get(node).now;
  }

  /** The deadlines of the timers that are set. */
  timers(node: number): ReadonlyMap<string, number> {
    return this.#nodes.get(node).timers;
  }

  /** A new machine starts on a disk, when its clock shows `now`. */
  start(disk: number, now: number): Transition {
    const key = `${disk} ${now}`;
    let transition = this.#starts.get(key);
    if (transition === undefined) {
      const machine = new LiveReplica(this.#surroundings, this.#replica, now);
      const first = () => machine.start(this.#surroundings.vocabulary.disks.get(disk));
      transition = this.#run(machine, first, { kind: "start", disk, now });
      this.#starts.set(key, transition);
    }
    return transition;
  }

  /** A turn in a state, with the counter where it then stood. */
  step(node: number, counter: number, stimulus: number): Transition {
    const { transitions } = this.#nodes.get(node);
    const key = counter * stimuliMax + stimulus;
    let transition = transitions.get(key);
    if (transition === undefined) {
      const machine = this.#machineAt(node);
      this.#live.delete(node);
      machine.counter.state = this.#counters.get(counter);
      const what = this.#surroundings.vocabulary.stimulusOf(stimulus);
      const origin = { kind: "turn", node, counter, stimulus } as const;
      transition = this.#run(machine, () => machine.take(what), origin);
      transitions.set(key, transition);
    }
    return transition;
  }

  #run(machine: LiveReplica, turn: () => Emission[], origin: Origin): Transition {
    this.turns++;
    let emissions: Emission[];
    try {
      emissions = turn();
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { node: -1, counter: 0, emissions: [], error: text };
    }
    const node = this.#nodeOf(machine, origin);
    if (!this.#live.has(node)) this.#keep(node, machine);
    return { node, counter: this.#counterOf(machine.counter.state), emissions, error: null };
  }

  #nodeOf(machine: LiveReplica, origin: Origin): number {
    const fingerprint = machine.fingerprint();
    const key = this.#merges ? fingerprint : this.#history(fingerprint, origin);
    const { now, timers } = machine;
    const transitions = new Map<number, Transition>();
    return this.#nodes.add(key, { origin, fingerprint, now, timers: new Map(timers), transitions });
  }

  /** What names a state by its history; a turn that changes nothing is no history. */
  #history(fingerprint: string, origin: Origin): string {
    if (origin.kind === "start") return `${origin.disk} ${origin.now}`;
    const { node, counter, stimulus } = origin;
    const before = this.#nodes.get(node);
    if (before.fingerprint === fingerprint) return this.#keyOf(before);
    return `${node},${counter},${stimulus}`;
  }

  #keyOf({ origin }: Node): string {
    if (origin.kind === "start") return `${origin.disk} ${origin.now}`;
    return `${origin.node},${origin.counter},${origin.stimulus}`;
  }

  #counterOf(state: CounterState): number {
    const positions = state.positions.map(([counter, at]) => `${counter}:${at.view}|${at.order}`);
    return this.#counters.add(`${positions.join()} ${state.issued}`, state);
  }

  get freshCounter(): number {
    return this.#counterOf(freshCounter);
  }

  #keep(node: number, machine: LiveReplica): void {
    this.#live.set(node, machine);
    if (this.#live.size <= liveMax) return;
    for (const oldest of this.#live.keys()) {
      this.#live.delete(oldest);
      return;
    }
  }

  /** A machine in a state: one at hand, or one that repeats how the state was first come to. */
  #machineAt(node: number): LiveReplica {
    const history: Extract<Origin, { kind: "turn" }>[] = [];
    let { origin } = this.#nodes.get(node);
    let machine = this.#live.get(node);
    while (machine === undefined && origin.kind === "turn") {
      history.push(origin);
      machine = this.#live.get(origin.node);
      if (machine !== undefined) this.#live.delete(origin.node);
      origin = this.#nodes.get(origin.node).origin;
    }
    if (machine === undefined && origin.kind === "start") {
      machine = new LiveReplica(this.#surroundings, this.#replica, origin.now);
      machine.start(this.#surroundings.vocabulary.disks.get(origin.disk));
      this.repeated++;
    }
    for (const { counter, stimulus } of history.toReversed()) {
      machine!.counter.state = this.#counters.get(counter);
      machine!.take(this.#surroundings.vocabulary.stimulusOf(stimulus));
      this.repeated++;
    }
    if (history.length > 0 && machine!.fingerprint() !== this.#nodes.get(node).fingerprint) {
      throw new InvariantError(
        `replica ${this.#replica} did the same again and came to another state: its machine ` +
          "depends on something besides its inputs",
      );
    }
    return machine!;
  }
}
