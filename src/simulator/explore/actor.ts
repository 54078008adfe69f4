// One participant of an exploration: a replica with its disk and its budgets, or a pair of twins,
// and everything it has said so far. A state of the whole search is one number of each actor.

import type { Observation, ReplicaId } from "../../core/index.js";
import type { Automaton, Transition } from "./automaton.js";
import type { Broken, FactBook } from "./facts.js";
import { Interner, type SetInterner } from "./interner.js";
import type { Emission } from "./live-replica.js";
import { noticedMoves, quietStates } from "./quiet.js";
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
  /** What it sent, stored and answered, as one text. */
  readonly effects: string;
  /** Null, or what it did after it had restarted. */
  readonly restart: readonly Emission[] | null;
  /** Turns that nobody noticed, just before. */
  readonly before: readonly Move[];
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
  /** Whether turns that nobody notices wait until they matter. */
  readonly quiet: boolean;
  /** Something was observed in a step that can happen. */
  readonly reached: (mark: string) => void;
}

/** What can happen to an actor: the moves, and the states they lead to, each once. */
export interface Choices {
  readonly moves: readonly Move[];
  readonly targets: Int32Array;
}

const nothing: Choices = { moves: [], targets: new Int32Array(0) };

/** A stimulus that a state can meet, with what it costs. */
interface Turn {
  readonly part: number;
  readonly stimulus: number;
  /** The state, with the budget spent. */
  readonly spent: ActorState;
}

export class Actor {
  readonly options: ActorOptions;
  readonly #states = new Interner<ActorState>();
  /** For each state and receiver, the set of letters sent to it. */
  readonly #letters: number[] = [];
  readonly #byLetter: Map<number, readonly Move[]>[] = [];
  readonly #byTimer: (readonly Move[] | undefined)[] = [];
  readonly #choices: Map<number, Choices>[] = [];
  readonly #crashes: Map<number, Choices>[] = [];

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

  /** The state after all parts got a letter. */
  delivered(number: number, letter: number): number {
    const parts = this.state(number).parts.keys();
    const toPart = (at: number, part: number) =>
      this.#told(at, letter).find((move) => move.part === part)?.to ?? at;
    return [...parts].reduce(toPart, number);
  }

  /** The set of letters sent to a receiver by a state. */
  lettersTo(number: number, receiver: ReplicaId): number {
    return this.#letters[number * this.options.n + receiver]!;
  }

  /** What may happen next but for crashes, when letters of a set may arrive. */
  choices(number: number, letters: number): Choices {
    let choices = this.#choices[number]!.get(letters);
    if (choices === undefined) {
      const found = this.options.quiet
        ? noticedMoves(this, number, letters)
        : this.moves(number, letters);
      choices = distinct(number, found);
      this.#choices[number]!.set(letters, choices);
    }
    return choices;
  }

  /** Crashes that may happen next: at rest, or in the middle of a turn. */
  crashes(number: number, letters: number): Choices {
    let choices = this.#crashes[number]!.get(letters);
    if (choices === undefined) {
      const { crashes, parts } = this.state(number);
      const may = crashes < this.options.crashes && parts[0]! >= 0;
      choices = may ? distinct(number, this.#allCrashes(number, letters)) : nothing;
      this.#crashes[number]!.set(letters, choices);
    }
    return choices;
  }

  /** All single turns that change something. */
  moves(number: number, letters: number): readonly Move[] {
    const moves = [...this.#timeouts(number)];
    for (const letter of this.options.sets.get(letters)) moves.push(...this.#told(number, letter));
    return moves;
  }

  /** The same turn in another state; null if it changes nothing there. */
  same({ part, stimulus }: Move, number: number): Move | null {
    const moves = stimulus % 2 === 0 ? this.#told(number, stimulus / 2) : this.#timeouts(number);
    return moves.find((move) => move.part === part && move.stimulus === stimulus) ?? null;
  }

  /** Whether nobody else can notice a move: it says nothing new, and gives no new facts. */
  isQuiet(number: number, { to }: Move): boolean {
    const [before, after] = [this.state(number), this.state(to)];
    return (
      before.sent === after.sent && before.facts === after.facts && before.broken === after.broken
    );
  }

  /** Whether two moves send, store and answer the same, in the same order. */
  hasEqualEffects(a: Move, b: Move): boolean {
    return a.effects === b.effects;
  }

  #told(number: number, letter: number): readonly Move[] {
    let moves = this.#byLetter[number]!.get(letter);
    if (moves === undefined) {
      moves = this.#lettersTurns(number, letter).flatMap((turn) => this.#take(number, turn));
      this.#byLetter[number]!.set(letter, moves);
    }
    return moves;
  }

  #timeouts(number: number): readonly Move[] {
    let moves = this.#byTimer[number];
    if (moves === undefined) {
      moves = this.#timersTurns(number).flatMap((turn) => this.#take(number, turn));
      this.#byTimer[number] = moves;
    }
    return moves;
  }

  #lettersTurns(number: number, letter: number): Turn[] {
    const state = this.state(number);
    const { once, sets } = this.options;
    const turns: Turn[] = [];
    for (let part = 0; part < state.parts.length; part++) {
      const token = 2 * letter + part;
      if (state.parts[part]! < 0 || (once && sets.get(state.taken).includes(token))) continue;
      const spent = once ? { ...state, taken: sets.with(state.taken, [token]) } : state;
      turns.push({ part, stimulus: 2 * letter, spent });
    }
    return turns;
  }

  #timersTurns(number: number): Turn[] {
    const state = this.state(number);
    const { automaton, vocabulary, budget } = this.options;
    const turns: Turn[] = [];
    state.parts.forEach((node, part) => {
      if (node < 0) return;
      for (const timer of automaton.timers(node).keys()) {
        const times = state.fired.get(`${part} ${timer}`) ?? 0;
        if (times >= budget(timer)) continue;
        const stimulus = vocabulary.stimulus({ kind: "timer", timer });
        const fired = new Map(state.fired).set(`${part} ${timer}`, times + 1);
        turns.push({ part, stimulus, spent: { ...state, fired } });
      }
    });
    return turns;
  }

  /** One move, or none if it changes nothing: what it spends leaves less, not more. */
  #take(number: number, { part, stimulus, spent }: Turn): Move[] {
    const before = this.state(number);
    const transition = this.#step(before, part, stimulus);
    const isSame = transition.node === before.parts[part] && transition.counter === before.counter;
    if (isSame && transition.emissions.every((emission) => this.#isOld(before, emission)))
      return [];
    return [this.#after(spent, part, transition, stimulus)];
  }

  /** Whether an effect leaves nothing behind that was not there. */
  #isOld({ sent, facts }: ActorState, emission: Emission): boolean {
    if (emission.kind === "send") return this.options.sets.get(sent).includes(emission.letter);
    if (emission.kind === "observe" && emission.event.event === "dropped") return true;
    if (emission.kind !== "answer") return false;
    const answers = this.options.facts.answers(facts);
    return !this.#isJudged || answers.get(emission.bundle) === emission.answer;
  }

  #step({ parts, counter }: ActorState, part: number, stimulus: number): Transition {
    return this.options.automaton.step(parts[part]!, counter, stimulus);
  }

  /** At rest, in this state or one that it can come to unnoticed; and in the middle of turns. */
  #allCrashes(number: number, letters: number): Move[] {
    const reachable = this.options.quiet ? quietStates(this, number, letters) : null;
    const states = reachable?.map(({ state, before }) => ({ state, before })) ?? [
      { state: number, before: [] },
    ];
    return states.flatMap(({ state, before }) =>
      [this.#crash(state, -1, []), ...this.#cutShort(state, letters)].map((move) => ({
        ...move,
        before,
      })),
    );
  }

  /**
   * A crash in the middle of a turn matters just before something is stored: what else a turn does
   * is as if it was lost on the way.
   */
  #cutShort(number: number, letters: number): Move[] {
    const told = this.options.sets.get(letters);
    const turns = told.flatMap((letter) => this.#lettersTurns(number, letter));
    const moves: Move[] = [];
    for (const { stimulus, part, spent } of [...turns, ...this.#timersTurns(number)]) {
      const { emissions } = this.#step(this.state(number), part, stimulus);
      for (let cut = 1; cut < emissions.length; cut++) {
        const { kind } = emissions[cut]!;
        if (kind !== "persist" && kind !== "save") continue;
        moves.push(this.#crash(this.#add(spent), stimulus, emissions.slice(0, cut)));
      }
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
    const effects = effectsOf(done);
    const restart = started.emissions;
    return { to, part: 0, stimulus, emissions: done, effects, restart, before: [] };
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
    const effects = effectsOf(emissions);
    return { to: this.#add(after), part, stimulus, emissions, effects, restart: null, before: [] };
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
      this.#byLetter.push(new Map());
      this.#choices.push(new Map());
      this.#crashes.push(new Map());
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
  if (byTarget.size === 0) return nothing;
  return { moves: [...byTarget.values()], targets: Int32Array.from(byTarget.keys()) };
}

function effectsOf(emissions: readonly Emission[]): string {
  let text = "";
  for (const emission of emissions) {
    if (emission.kind === "send") text += `>${emission.letter}`;
    else if (emission.kind === "persist") text += `|${emission.record}`;
    else if (emission.kind === "save") text += `#${emission.image},${emission.retain.join()}`;
    else if (emission.kind === "answer") text += `<${emission.bundle}=${emission.answer}`;
  }
  return text;
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
    case "undone":
      return `undid ${event.orders} orders after ${event.order}`;
    case "mute":
      return "mute";
    case "dropped":
      return `dropped: ${event.reason}`;
  }
}
