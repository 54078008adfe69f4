// The explorer's front door: every schedule of a small configuration of the real machines, with the
// properties that must hold in all of them.

import { castFor, type Cast } from "./cast.js";
import { continueFairly, type Fate } from "./continuation.js";
import type { Broken } from "./facts.js";
import {
  allReductions,
  type Bounds,
  defaultBounds,
  type ExploreOptions,
  type Reductions,
} from "./options.js";
import { type Progress, Search } from "./search.js";
import { storyOf, type StoryStep } from "./story.js";

/** What came of an exploration. */
export interface Report extends Progress {
  /** Whether every reachable state was seen; if not, the bound that ended the search. */
  readonly complete: boolean;
  readonly cutBy: "depth" | "states" | "stopped" | null;
  /** States in which nothing more can happen. */
  readonly terminal: number;
  /** For each replica, the different states its machine was in. */
  readonly machineStates: readonly number[];
  /** Turns of the real machines, and those repeated to bring a machine back to a state. */
  readonly turns: number;
  readonly repeatedTurns: number;
  /** What happened in some step, and in how many different ones. */
  readonly reached: Readonly<Record<string, number>>;
  /** Of `sometimes`, what was not reached. */
  readonly missed: readonly string[];
  /** Continuations tried for `eventually`. */
  readonly continuations: number;
  readonly violation: (Broken & { readonly story: readonly StoryStep[] }) | null;
}

/** An exploration: run it to its end, or as far as one likes, then ask for the report. */
export class Exploration {
  readonly #options: ExploreOptions;
  readonly #bounds: Bounds;
  readonly #cast: Cast;
  readonly #search: Search;
  #isOver = false;
  #continuations = 0;
  #violation: (Broken & { readonly state: number }) | null = null;

  /** @throws UsageError `EXPLORATION_UNFIT` for options that contradict each other */
  constructor(options: ExploreOptions) {
    this.#options = options;
    this.#bounds = { ...defaultBounds, ...options.bounds };
    const reductions: Reductions = { ...allReductions, ...options.reductions };
    this.#cast = castFor(options);
    this.#search = new Search(this.#cast, this.#bounds, reductions, this.#start());
  }

  /** Gives the progress every few thousand states; what is not asked for is not done. */
  *run(): Generator<Progress, void, void> {
    yield* this.#search.run();
    this.#violation = this.#search.wrong;
    if (this.#violation === null && (this.#options.eventually ?? true)) yield* this.#continue();
    this.#isOver = true;
  }

  /** Ends the search where it is; what remains to be done is to try `eventually`. */
  endSearch(): void {
    this.#search.stop();
  }

  /** Runs to the end. */
  finish(): Report {
    for (const progress of this.run()) void progress;
    return this.report();
  }

  report(): Report {
    const { automata, reached } = this.#cast;
    const missed = (this.#options.sometimes ?? []).filter((mark) => !reached.has(mark));
    const cutBy = this.#isOver ? this.#search.cutBy : "stopped";
    const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
    return {
      ...this.#search.progress,
      complete: this.#isOver && cutBy === null && this.#search.wrong === null,
      cutBy,
      terminal: this.#search.terminal.length,
      machineStates: automata.map(({ size }) => size),
      turns: sum(automata.map(({ turns }) => turns)),
      repeatedTurns: sum(automata.map(({ repeated }) => repeated)),
      reached: Object.fromEntries([...reached].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      missed,
      continuations: this.#continuations,
      violation: this.#violation && {
        property: this.#violation.property,
        message: this.#violation.message,
        story: storyOf(this.#search, this.#cast, this.#options.protocol, this.#violation.state),
      },
    };
  }

  /** Every combination of what correct replicas did that some state shows: for comparisons. */
  outcomes(): Set<string> {
    const { actors, facts, n } = this.#cast;
    const combinations = new Set<string>();
    for (let state = 0; state < this.#search.states.size; state++) {
      const parts: string[] = [];
      for (let id = 0; id < n; id++) {
        const number = this.#search.states.at(state, id);
        parts.push(facts.describe(actors[id]!.state(number).facts).toSorted().join(", "));
      }
      combinations.add(parts.join(" | "));
    }
    return combinations;
  }

  /** All replicas have started; what they said then has arrived, if the start is settled. */
  #start(): Int32Array {
    const { actors, sets, n } = this.#cast;
    const tuple = Int32Array.from(actors, (actor) => actor.start());
    if (this.#options.start === "raw") return tuple;
    for (let from = 0; from < n; from++) {
      for (let to = 0; to < n; to++) {
        if (to === from) continue;
        for (const letter of sets.get(actors[from]!.lettersTo(tuple[from]!, to))) {
          tuple[to] = actors[to]!.delivered(tuple[to]!, letter);
        }
      }
    }
    return tuple.map((number, id) => actors[id]!.hushed(number));
  }

  /** Terminal states, and others at equal distances, as many as the bound says. */
  *#continue(): Generator<Progress, void, void> {
    const { states, terminal } = this.#search;
    const { continuations, rounds } = this.#bounds;
    const others = Math.max(0, continuations - terminal.length);
    const distance = Math.max(1, Math.ceil(states.size / Math.max(1, others)));
    const chosen = new Set(terminal.slice(0, continuations));
    const last = others > 0 ? states.size : 0;
    for (let state = 0; state < last; state += distance) chosen.add(state);
    const tuple = new Int32Array(this.#cast.n);
    for (const state of chosen) {
      states.read(state, tuple);
      for (const fate of this.#fates(tuple)) {
        const message = continueFairly(this.#cast, tuple, rounds, fate);
        this.#continuations++;
        if (message === null) continue;
        this.#violation = { property: "eventually answered", message, state };
        return;
      }
      yield { ...this.#search.progress, isContinuing: true };
    }
  }

  /**
   * All that is under way arrives, or is lost; nobody is down, or one of those who crashed, if the
   * others must do without it.
   */
  #fates(tuple: Int32Array): Fate[] {
    const { actors, crashing, f } = this.#cast;
    const faulty = actors.filter(({ options }) => options.role !== "correct").length;
    const crashed = crashing.filter((id) => actors[id]!.state(tuple[id]!).crashes > 0);
    const absent = [null, ...(faulty < f ? crashed : [])];
    return absent.flatMap((without) => [false, true].map((lost) => ({ without, lost })));
  }
}
