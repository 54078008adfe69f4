// One participant of an exploration: a replica with its disk and its budgets, or a pair of twins, and
// everything it has said so far. A state of the whole search is one number of each actor.

import type { Observation, ReplicaId } from "../../core/index.js";
import type { Automaton, Transition } from "./automaton.js";
import type { Broken, FactBook } from "./facts.js";
import { Interner, type SetInterner } from "./interner.js";
import type { Emission } from "./live-replica.js";
import type { Disk, Vocabulary } from "./vocabulary.js";

/** What happened in a step. */
export interface Move {
  /** The actor's state after it. */
  readonly to: number;
  /** Which of twins; 0 for others. */
  readonly part: number;
  /** What it was told; −1 if it crashed without being told anything. */
  readonly stimulus: number;
  /** What it did, up to a crash. */
  readonly emissions: readonly Emission[];
  /** Null, or what it did after it had restarted. */
  readonly restart: readonly Emission[] | null;
}

export interface ActorState {
  /** States of the automaton: one, or two of twins. */
  readonly parts: readonly number[];
  /** The one trusted counter. */
  readonly counter: number;
  /** What is durable; the empty disk where no crash can show it any more. */
  readonly disk: number;
  readonly crashes: number;
  /** Timers that ran out: "part timer" ↦ how often. */
  readonly fired: ReadonlyMap<string, number>;
  /** Set of all letters it ever sent. */
  readonly sent: number;
  /** Set of what it took, by `2 × letter + part`, where each letter may be taken once. */
  readonly taken: number;
  readonly facts: number;
  readonly broken: Broken | null;
}

export interface ActorOptions {
  readonly replica: ReplicaId;
  readonly n: number;
  readonly automaton: Automaton;
  readonly vocabulary: Vocabulary;
  readonly sets: SetInterner;
  readonly facts: FactBook;
  /** Correct replicas are judged. */
  readonly role: "correct" | "twins" | "silent";
  /** Crashes it may have. */
  readonly crashes: number;
  /** How often a timer may run out. */
  readonly budget: (timer: string) => number;
  /** Whether each letter is taken once only. */
  readonly once: boolean;
  /** Something was observed in a step that can happen. */
  readonly reached: (mark: string) => void;
}

/** The moves that one set of letters makes possible in a state. */
interface Choices {
  readonly moves: readonly Move[];
  readonly targets: Int32Array;
}

const idle: Choices = { moves: [], targets: new Int32Array(0) };

export class Actor {
  readonly options: ActorOptions;
  readonly #states = new Interner<ActorState>();
  /** For each state and receiver, the set of letters sent to it. */
  readonly #letters: number[] = [];
  readonly #told: Map<number, Choices>[] = [];
  readonly #crashing: Map<number, Choices>[] = [];
  readonly #ofItself: (Choices | undefined)[] = [];

  constructor(options: ActorOptions) {
    this.options = options;
  }

  get size(): number {
    return this.#states.size;
  }

  state(number: number): ActorState {
    return this.#states.get(number);
  }

  /** The state after the start, as the numbers 0. */
  start(): number {
    const { automaton, role, vocabulary, facts } = this.options;
    const silent = role === "silent";
    const disk = vocabulary.emptyDisk;
    const blank: ActorState = {
      parts: [],
      counter: automaton.freshCounter,
      disk,
      crashes: 0,
      fired: new Map(),
      sent: 0,
      taken: 0,
      facts: facts.none,
      broken: null,
    };
    if (silent) return this.#add(blank);
    const started = automaton.start(disk, 0);
    const both = role === "twins" ? [started.node, started.node] : [started.node];
    return this.#after({ ...blank, parts: both }, 0, started).to;
  }

  /** The state with nothing said so far: what was said has arrived. */
  hushed(number: number): number {
    return this.#add({ ...this.state(number), sent: 0, taken: 0 });
  }

  /** The set of letters sent to a receiver by a state. */
  lettersTo(number: number, receiver: ReplicaId): number {
    return this.#letters[number * this.options.n + receiver]!;
  }

  /** What letters of a set bring about: the states after, each once, never the same state. */
  told(number: number, set: number): Choices {
    if (set === 0) return idle;
    const known = this.#told[number]!.get(set);
    if (known !== undefined) return known;
    const choices = this.#choicesOf(number, set, (letter) => this.#takeAll(number, letter));
    this.#told[number]!.set(set, choices);
    return choices;
  }

  /** What letters of a set bring about if a crash cuts the turn short; set 0: a crash at rest. */
  crashing(number: number, set: number): Choices {
    const known = this.#crashing[number]!.get(set);
    if (known !== undefined) return known;
    let choices: Choices = idle;
    const { crashes, parts } = this.state(number);
    if (crashes < this.options.crashes && parts[0]! >= 0) {
      choices =
        set === 0
          ? distinct(number, [this.#crash(number, -1, [])])
          : this.#choicesOf(number, set, (letter) => this.#cutShort(number, letter));
    }
    this.#crashing[number]!.set(set, choices);
    return choices;
  }

  /** What it may do of itself: timers that run out. */
  ofItself(number: number): Choices {
    let choices = this.#ofItself[number];
    if (choices === undefined) {
      choices = distinct(number, this.#timeouts(number));
      this.#ofItself[number] = choices;
    }
    return choices;
  }

  #choicesOf(number: number, set: number, movesOf: (letter: number) => readonly Move[]): Choices {
    return distinct(number, this.options.sets.get(set).flatMap(movesOf));
  }

  #takeAll(number: number, letter: number): Move[] {
    const state = this.state(number);
    const { once, automaton, sets } = this.options;
    const moves: Move[] = [];
    for (let part = 0; part < state.parts.length; part++) {
      const token = 2 * letter + part;
      if (once && sets.get(state.taken).includes(token)) continue;
      const node = state.parts[part]!;
      if (node < 0) continue;
      const transition = automaton.step(node, state.counter, 2 * letter);
      const taken = once ? sets.with(state.taken, [token]) : 0;
      const move = this.#after({ ...state, taken }, part, transition, 2 * letter);
      if (!this.#isIdle(state, part, transition, move)) moves.push(move);
    }
    return moves;
  }

  /**
   * A crash in the middle of a turn matters just before something is stored: what else a turn does
   * is as if it was lost on the way.
   */
  #cutShort(number: number, letter: number): Move[] {
    const state = this.state(number);
    const { automaton } = this.options;
    const { emissions } = automaton.step(state.parts[0]!, state.counter, 2 * letter);
    const moves: Move[] = [];
    for (let cut = 1; cut < emissions.length; cut++) {
      const { kind } = emissions[cut]!;
      if (kind !== "persist" && kind !== "save") continue;
      moves.push(this.#crash(number, 2 * letter, emissions.slice(0, cut)));
    }
    return moves;
  }

  #crash(number: number, stimulus: number, done: readonly Emission[]): Move {
    const { automaton, facts, vocabulary } = this.options;
    const before = this.#with(this.state(number), done);
    const started = automaton.start(before.disk, automaton.now(before.parts[0]!));
    const { image } = vocabulary.disks.get(before.disk);
    const order = image < 0 ? 0 : vocabulary.images.get(image).order;
    const reborn: ActorState = {
      ...before,
      crashes: before.crashes + 1,
      facts: facts.restarted(before.facts, order),
    };
    this.options.reached("a replica crashed and restarted");
    if (done.length > 0) this.options.reached("a crash in the middle of a turn");
    const { to } = this.#after(reborn, 0, started);
    return { to, part: 0, stimulus, emissions: done, restart: started.emissions };
  }

  #timeouts(number: number): Move[] {
    const state = this.state(number);
    const { automaton, vocabulary, budget } = this.options;
    const moves: Move[] = [];
    state.parts.forEach((node, part) => {
      if (node < 0) return;
      for (const timer of automaton.timers(node).keys()) {
        const times = state.fired.get(`${part} ${timer}`) ?? 0;
        if (times >= budget(timer)) continue;
        const stimulus = vocabulary.stimulus({ kind: "timer", timer });
        const transition = automaton.step(node, state.counter, stimulus);
        const fired = new Map(state.fired).set(`${part} ${timer}`, times + 1);
        const move = this.#after({ ...state, fired }, part, transition, stimulus);
        if (!this.#isIdle(state, part, transition, move)) moves.push(move);
      }
    });
    return moves;
  }

  /** A turn that changes nothing and says nothing new: what it spends leaves less, not more. */
  #isIdle(before: ActorState, part: number, { node, counter }: Transition, move: Move): boolean {
    const after = this.state(move.to);
    const same = node === before.parts[part] && counter === before.counter;
    return same && after.sent === before.sent && after.facts === before.facts;
  }

  /** The state after a turn of one part. */
  #after(state: ActorState, part: number, transition: Transition, stimulus = -1): Move {
    const { node, counter, emissions, error } = transition;
    const parts = [...state.parts];
    parts[part] = node;
    let after = this.#with({ ...state, parts, counter }, emissions);
    if (error !== null) {
      const broken: Broken = { property: "never-throws", message: `a machine threw: ${error}` };
      after = { ...after, counter: state.counter, broken: this.#isJudged ? broken : null };
    }
    for (const emission of emissions) this.#mark(emission);
    return { to: this.#add(after), part, stimulus, emissions, restart: null };
  }

  get #isJudged(): boolean {
    return this.options.role === "correct";
  }

  /** What effects leave behind. */
  #with(state: ActorState, emissions: readonly Emission[]): ActorState {
    const { sets, facts, vocabulary, crashes } = this.options;
    const letters: number[] = [];
    let disk: Disk | null = state.crashes < crashes ? vocabulary.disks.get(state.disk) : null;
    for (const emission of emissions) {
      if (emission.kind === "send") letters.push(emission.letter);
      if (disk === null) continue;
      if (emission.kind === "persist") {
        disk = { ...disk, records: [...disk.records, emission.record] };
      } else if (emission.kind === "save") {
        disk = { image: emission.image, records: emission.retain };
      }
    }
    const after = {
      ...state,
      sent: sets.with(state.sent, letters),
      disk: disk === null ? vocabulary.emptyDisk : vocabulary.disk(disk),
    };
    if (!this.#isJudged || emissions.length === 0) return after;
    const judged = facts.after(state.facts, emissions);
    return { ...after, facts: judged.facts, broken: state.broken ?? judged.broken };
  }

  #mark(emission: Emission): void {
    const { reached, role } = this.options;
    const who = role === "correct" ? "" : "a liar: ";
    if (emission.kind === "answer") reached(`${who}answered ${emission.bundle}`);
    else if (emission.kind === "observe") reached(who + markOf(emission.event));
  }

  #add(state: ActorState): number {
    const { parts, counter, disk, crashes, fired, sent, taken, facts, broken } = state;
    const spent = [...fired].sort(([a], [b]) => (a < b ? -1 : 1)).join(";");
    const numbers = [parts.join("/"), counter, disk, crashes, sent, taken, facts];
    const key = `${numbers.join()},${spent},${broken?.message ?? ""}`;
    const size = this.#states.size;
    const number = this.#states.add(key, state);
    if (number === size) {
      this.#told.push(new Map());
      this.#crashing.push(new Map());
      this.#sort(sent);
    }
    return number;
  }

  /** Divides the letters of a new state by their receivers. */
  #sort(sent: number): void {
    const { n, sets, vocabulary } = this.options;
    const receivers: number[][] = Array.from({ length: n }, () => []);
    for (const letter of sets.get(sent)) receivers[vocabulary.letters.get(letter).to]!.push(letter);
    for (const letters of receivers) this.#letters.push(sets.of(letters));
  }
}

/** Each state after once, and only those that are other states. */
function distinct(from: number, moves: readonly Move[]): Choices {
  const byTarget = new Map<number, Move>();
  for (const move of moves) {
    if (move.to !== from && !byTarget.has(move.to)) byTarget.set(move.to, move);
  }
  if (byTarget.size === 0) return idle;
  return { moves: [...byTarget.values()], targets: Int32Array.from(byTarget.keys()) };
}

/** How an observation is named among what was reached. */
export function markOf(event: Observation): string {
  switch (event.event) {
    case "executed":
      return `executed order ${event.order}`;
    case "applied":
      return "a bundle took effect";
    case "checkpoint":
      return `took checkpoint ${event.order}`;
    case "stable":
      return `checkpoint ${event.order} is stable`;
    case "view":
      return `view ${event.view} ${event.status}`;
    case "suspect":
      return `suspected the leader of view ${event.view}`;
    case "transfer":
      return `transfer ${event.status}`;
    case "mute":
      return "mute";
    case "dropped":
      return `dropped: ${event.reason}`;
  }
}
