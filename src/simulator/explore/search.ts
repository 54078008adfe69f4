// The search: breadth first over all states of all participants together, until there are no more,
// a bound is reached, or a property does not hold.

import type { ReplicaId } from "../../core/index.js";
import type { Cast } from "./cast.js";
import type { Broken } from "./facts.js";
import type { Bounds, Reductions } from "./options.js";
import { doubled, StateTable } from "./state-table.js";

/** States looked at between two looks at the clock, or at whether a person wants it to stop. */
const statesPerTurn = 32;

/** How far a search has come. */
export interface Progress {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  /** States found and not yet looked at. */
  readonly waiting: number;
  /** Whether the search is over, and `eventually` is being tried. */
  readonly isContinuing: boolean;
}

/** A wrong state. */
export interface Wrong extends Broken {
  readonly state: number;
}

const none = new Int32Array(0);

const flags = { restricted: 1, reopened: 2 } as const;

export class Search {
  readonly states: StateTable;
  wrong: Wrong | null = null;
  /** Why the search ended before all states were seen; null if they were. */
  cutBy: "depth" | "states" | "stopped" | null = null;
  /** States without a successor. */
  readonly terminal: number[] = [];
  transitions = 0;
  depth = 0;
  readonly #cast: Cast;
  readonly #bounds: Bounds;
  readonly #reductions: Reductions;
  readonly #correct: readonly ReplicaId[];
  #parents = new Int32Array(1024);
  #movers = new Int32Array(1024);
  #flags = new Int32Array(1024);
  /** States to look at again, with nothing left out. */
  #reopened: number[] = [];
  #next = 0;
  readonly #tuple: Int32Array;
  readonly #unaccepted: Set<string>;

  constructor(cast: Cast, bounds: Bounds, reductions: Reductions, start: Int32Array) {
    this.#cast = cast;
    this.#bounds = bounds;
    this.#reductions = reductions;
    this.states = new StateTable(cast.n);
    this.#tuple = new Int32Array(cast.n);
    this.#unaccepted = new Set(cast.bundles);
    this.#correct = cast.actors
      .filter(({ options }) => options.role === "correct")
      .map(({ options }) => options.replica);
    this.#tuple.set(start);
    this.#discover(-1, -1);
  }

  get progress(): Progress {
    const { states, transitions, depth } = this;
    const waiting = states.size - this.#next;
    return { states: states.size, transitions, depth, waiting, isContinuing: false };
  }

  /** Searches on; gives the progress from time to time. */
  *run(): Generator<Progress, void, void> {
    let levelEnd = this.states.size;
    for (let turns = 1; this.wrong === null && this.cutBy === null; turns++) {
      if (this.#next === levelEnd) {
        while (this.#reopened.length > 0 && this.wrong === null) {
          this.#expand(this.#reopened.pop()!, false);
        }
        if (this.#next === this.states.size || this.wrong !== null) return;
        if (this.depth === this.#bounds.depth) return this.#cut("depth");
        this.depth++;
        levelEnd = this.states.size;
      }
      if (this.states.size >= this.#bounds.states) return this.#cut("states");
      const state = this.#next++;
      this.#expand(state, this.#flags[state] === flags.restricted);
      if (turns % statesPerTurn === 0) yield this.progress;
    }
  }

  #cut(by: "depth" | "states"): void {
    this.cutBy = by;
  }

  /** Looks at no further states. */
  stop(): void {
    this.cutBy ??= "stopped";
  }

  /** The state that a state was first come to from; −1 for the first. */
  parentOf(state: number): number {
    return this.#parents[state]!;
  }

  /** Who made the step from the parent. */
  moverOf(state: number): ReplicaId {
    return this.#movers[state]!;
  }

  /**
   * Visits what follows a state. Restricted: steps that were possible before the step that led
   * here, of replicas with lower numbers, are left to the sibling that took them first. Both orders
   * lead to the same state: steps of different replicas take nothing from each other.
   */
  #expand(state: number, restricted: boolean): void {
    const { actors, n } = this.#cast;
    const transitions = this.transitions;
    const mover = restricted ? this.moverOf(state) : -1;
    const crashesLeft = this.#crashesLeft(state);
    for (let id = 0; id < n && this.wrong === null; id++) {
      const actor = actors[id]!;
      const number = this.states.at(state, id);
      const letters = this.lettersFor(state, id);
      const choices = actor.choices(number, letters).targets;
      const crashes = crashesLeft ? actor.crashes(number, letters).targets : none;
      if (id >= mover) {
        this.#visit(state, id, choices, none);
        this.#visit(state, id, crashes, none);
        continue;
      }
      const earlier = this.lettersFor(this.parentOf(state), id);
      if (earlier === letters) continue;
      this.#visit(state, id, choices, actor.choices(number, earlier).targets);
      this.#visit(state, id, crashes, actor.crashes(number, earlier).targets);
    }
    if (this.transitions > transitions) return;
    if (restricted) this.#expand(state, false);
    else this.terminal.push(state);
  }

  /** All that may arrive at a replica. */
  lettersFor(state: number, receiver: ReplicaId): number {
    const { actors, n, sets, requests } = this.#cast;
    let letters = requests[receiver]!;
    for (let from = 0; from < n; from++) {
      if (from === receiver) continue;
      const sent = actors[from]!.lettersTo(this.states.at(state, from), receiver);
      letters = sets.union(letters, sent);
    }
    return letters;
  }

  #crashesLeft(state: number): boolean {
    const { crashesMax, crashing, actors } = this.#cast;
    if (crashesMax === 0) return false;
    let crashes = 0;
    for (const id of crashing) crashes += actors[id]!.state(this.states.at(state, id)).crashes;
    return crashes < crashesMax;
  }

  #visit(state: number, mover: ReplicaId, targets: Int32Array, asleep: Int32Array): void {
    for (let i = 0; i < targets.length && this.wrong === null; i++) {
      if (asleep.length > 0 && asleep.includes(targets[i]!)) continue;
      this.states.read(state, this.#tuple);
      this.#tuple[mover] = targets[i]!;
      this.transitions++;
      this.#discover(state, mover);
    }
  }

  /** Notes the state in `#tuple`, if it is new. */
  #discover(parent: number, mover: ReplicaId): void {
    const size = this.states.size;
    const state = this.states.add(this.#tuple);
    if (state < size) return this.#meet(state, parent, mover);
    if (state === this.#parents.length) {
      this.#parents = doubled(this.#parents);
      this.#movers = doubled(this.#movers);
      this.#flags = doubled(this.#flags);
    }
    this.#parents[state] = parent;
    this.#movers[state] = mover;
    this.#flags[state] = this.#reductions.sleep && mover > 0 ? flags.restricted : 0;
    this.#judge(state, parent, mover);
  }

  /** A state found in two ways is looked at with nothing left out: once more, if need be. */
  #meet(state: number, parent: number, mover: ReplicaId): void {
    if (this.#flags[state] !== flags.restricted) return;
    if (this.#parents[state] === parent && this.#movers[state] === mover) return;
    this.#flags[state] = flags.reopened;
    if (state < this.#next) this.#reopened.push(state);
  }

  /** Only the one who moved can have brought about something wrong. */
  #judge(state: number, parent: number, mover: ReplicaId): void {
    const { actors, facts } = this.#cast;
    if (mover < 0 || actors[mover]!.options.role !== "correct") return;
    const { facts: own, broken } = actors[mover]!.state(this.states.at(state, mover));
    if (broken !== null) this.wrong = { ...broken, state };
    if (actors[mover]!.state(this.states.at(parent, mover)).facts === own) return;
    for (const id of this.#correct) {
      if (id === mover) continue;
      const other = actors[id]!.state(this.states.at(state, id)).facts;
      const conflict = facts.conflict(own, other);
      if (conflict !== null) this.wrong ??= { ...conflict, state };
    }
    if (this.#unaccepted.size > 0) this.#noteAccepted(state);
  }

  /** A client that gets these answers has a result. */
  #noteAccepted(state: number): void {
    const { actors, facts, f, reached } = this.#cast;
    const counts = new Map<string, number>();
    for (const id of this.#correct) {
      for (const [bundle] of facts.answers(actors[id]!.state(this.states.at(state, id)).facts)) {
        counts.set(bundle, (counts.get(bundle) ?? 0) + 1);
      }
    }
    for (const [bundle, count] of counts) {
      if (count <= f || !this.#unaccepted.delete(bundle)) continue;
      reached.set(`enough equal answers to ${bundle}`, 1);
    }
  }
}
