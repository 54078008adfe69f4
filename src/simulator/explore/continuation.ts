// `eventually`: from a state of the search, the rest of the run without further faults. All letters
// arrive, timers run out, clients ask again; then every request must be answered.

import type { ReplicaId } from "../../core/index.js";
import type { Cast } from "./cast.js";
import type { Emission } from "./live-replica.js";

/** More letters than this in one round are taken to go in circles. */
const lettersMax = 10_000;

/** Every so many rounds, clients ask all replicas again. */
const roundsPerRetry = 5;

interface Runner {
  readonly replica: ReplicaId;
  node: number;
  counter: number;
  /** Letters on their way to it. */
  readonly inbox: number[];
}

/** How a continuation begins. */
export interface Fate {
  /** A replica that is down for good; null if none is. */
  readonly without: ReplicaId | null;
  /** Whether everything under way is lost, or arrives. */
  readonly lost: boolean;
}

/** Null if every request is answered within the rounds; otherwise what is wrong. */
export function continueFairly(
  cast: Cast,
  tuple: Int32Array,
  rounds: number,
  fate: Fate,
): string | null {
  const problem = new Continuation(cast, tuple, fate).run(rounds);
  if (problem === null) return null;
  const { without, lost } = fate;
  const absent = without === null ? "" : `with replica ${without} down for good, `;
  return `${absent}with all messages under way ${lost ? "lost" : "delivered"}: ${problem}`;
}

class Continuation {
  readonly #cast: Cast;
  readonly #runners: readonly Runner[];
  /** Answers, each with those who gave it. */
  readonly #answers = new Map<string, Set<ReplicaId>>();
  #problem: string | null = null;

  constructor(cast: Cast, tuple: Int32Array, { without, lost }: Fate) {
    this.#cast = cast;
    this.#runners = cast.actors
      .filter(({ options: { role, replica } }) => role === "correct" && replica !== without)
      .map(({ options: { replica } }) => {
        const { parts, counter, facts } = cast.actors[replica]!.state(tuple[replica]!);
        for (const [bundle, answer] of cast.facts.answers(facts)) {
          this.#note(replica, bundle, answer);
        }
        const inbox = lost ? [] : this.#lettersTo(tuple, replica);
        return { replica, node: parts[0]!, counter, inbox };
      });
  }

  #lettersTo(tuple: Int32Array, receiver: ReplicaId): number[] {
    const { actors, sets } = this.#cast;
    return actors.flatMap((actor, from) =>
      from === receiver ? [] : sets.get(actor.lettersTo(tuple[from]!, receiver)),
    );
  }

  run(rounds: number): string | null {
    for (let round = 0; round < rounds; round++) {
      if (round % roundsPerRetry === 0) this.#askAgain();
      this.#deliver();
      if (this.#problem !== null) return this.#problem;
      if (this.#missing.length === 0) return null;
      for (const runner of this.#runners) this.#nextTimer(runner);
    }
    return `${this.#missing.join(", ")}: not answered in ${rounds} rounds without faults`;
  }

  get #missing(): string[] {
    const { bundles, f } = this.#cast;
    const isAnswered = (bundle: string) =>
      [...this.#answers].some(([key, by]) => key.startsWith(`${bundle}=`) && by.size > f);
    return bundles.filter((bundle) => !isAnswered(bundle));
  }

  #askAgain(): void {
    const { requests, sets } = this.#cast;
    for (const { replica, inbox } of this.#runners) inbox.push(...sets.get(requests[replica]!));
  }

  #deliver(): void {
    let delivered = 0;
    for (let isBusy = true; isBusy && this.#problem === null; ) {
      isBusy = false;
      for (const runner of this.#runners) {
        const letter = runner.inbox.shift();
        if (letter === undefined) continue;
        isBusy = true;
        if (++delivered > lettersMax) this.#problem = "letters go in circles";
        this.#turn(runner, 2 * letter);
      }
    }
  }

  #nextTimer(runner: Runner): void {
    const { automata, vocabulary } = this.#cast;
    let next: { readonly timer: string; readonly atMs: number } | null = null;
    for (const [timer, atMs] of automata[runner.replica]!.timers(runner.node)) {
      if (next === null || atMs < next.atMs) next = { timer, atMs };
    }
    if (next !== null)
      this.#turn(runner, vocabulary.stimulus({ kind: "timer", timer: next.timer }));
  }

  #turn(runner: Runner, stimulus: number): void {
    const { automata } = this.#cast;
    if (this.#problem !== null) return;
    const turn = automata[runner.replica]!.step(runner.node, runner.counter, stimulus);
    if (turn.error !== null) {
      this.#problem = `replica ${runner.replica} threw: ${turn.error}`;
      return;
    }
    runner.node = turn.node;
    runner.counter = turn.counter;
    for (const emission of turn.emissions) this.#carry(runner.replica, emission);
  }

  #carry(replica: ReplicaId, emission: Emission): void {
    if (emission.kind === "answer") this.#note(replica, emission.bundle, emission.answer);
    if (emission.kind !== "send") return;
    const { to } = this.#cast.vocabulary.letters.get(emission.letter);
    this.#runners.find((runner) => runner.replica === to)?.inbox.push(emission.letter);
  }

  #note(replica: ReplicaId, bundle: string, answer: string): void {
    const key = `${bundle}=${answer}`;
    const by = this.#answers.get(key) ?? new Set();
    this.#answers.set(key, by.add(replica));
  }
}
