// A way through a search as people read it: numbered steps, what each replica was told, and what it
// did.

import type { Observation, ReplicaId } from "../../core/index.js";
import { markOf, type Move } from "./actor.js";
import type { Cast } from "./cast.js";
import type { Emission } from "./live-replica.js";
import type { ExploreOptions } from "./options.js";
import type { Search } from "./search.js";

/** One step. */
export interface StoryStep {
  readonly replica: number;
  /** What happened to the replica. */
  readonly what: string;
  /** What it did, a line each. */
  readonly effects: readonly string[];
}

/** The steps from the beginning to a state. */
export function storyOf(
  search: Search,
  cast: Cast,
  protocol: ExploreOptions["protocol"],
  state: number,
): StoryStep[] {
  const path: number[] = [];
  for (let at = state; search.parentOf(at) >= 0; at = search.parentOf(at)) path.unshift(at);
  const teller = new Teller(cast, protocol);
  return path.flatMap((at) => teller.steps(search, at));
}

class Teller {
  readonly #cast: Cast;
  readonly #protocol: ExploreOptions["protocol"];

  constructor(cast: Cast, protocol: ExploreOptions["protocol"]) {
    this.#cast = cast;
    this.#protocol = protocol;
  }

  steps(search: Search, state: number): StoryStep[] {
    const replica = search.moverOf(state);
    const move = this.#moveTo(search, state);
    return [...move.before, move].map((turn) => this.#step(replica, turn));
  }

  #step(replica: ReplicaId, move: Move): StoryStep {
    const isTwin = this.#cast.actors[replica]!.options.role === "twins";
    const who = `replica ${replica}${isTwin ? (move.part === 0 ? " (twin A)" : " (twin B)") : ""}`;
    const effects = this.#effects(move.emissions);
    if (move.restart !== null) {
      effects.push("crashes, and restarts from its disk", ...this.#effects(move.restart));
    }
    return { replica, what: `${who} ${this.#told(replica, move)}`, effects };
  }

  /** The move that the search took from the parent: any that leads to the same state. */
  #moveTo(search: Search, state: number): Move {
    const parent = search.parentOf(state);
    const id = search.moverOf(state);
    const actor = this.#cast.actors[id]!;
    const from = search.states.at(parent, id);
    const letters = search.lettersFor(parent, id);
    const all = [...actor.choices(from, letters).moves, ...actor.crashes(from, letters).moves];
    const to = search.states.at(state, id);
    return all.find((move) => move.to === to)!;
  }

  #told(replica: ReplicaId, { stimulus, part, to }: Move): string {
    const { vocabulary, automata, actors } = this.#cast;
    if (stimulus < 0) return "crashes at rest";
    const what = vocabulary.stimulusOf(stimulus);
    if (what.kind === "timer") {
      const node = actors[replica]!.state(to).parts[part]!;
      const clock = node < 0 ? "" : `, its clock at ${automata[replica]!.now(node)} ms`;
      return `runs out of ${what.timer}${clock}`;
    }
    const { from, bytes } = vocabulary.letters.get(what.letter);
    return `gets from ${from === null ? "a client" : `replica ${from}`}: ${this.#text(bytes)}`;
  }

  #text(bytes: Uint8Array): string {
    const message = this.#protocol.messages.decode(bytes);
    return message === null
      ? "bytes that are no message"
      : this.#protocol.messages.describe(message);
  }

  /** Lines for effects; a message to several is one line. */
  #effects(emissions: readonly Emission[]): string[] {
    const lines: string[] = [];
    const sent = new Map<string, number[]>();
    for (const emission of emissions) {
      switch (emission.kind) {
        case "send": {
          const { to, bytes } = this.#cast.vocabulary.letters.get(emission.letter);
          const text = this.#text(bytes);
          const receivers = sent.get(text);
          if (receivers === undefined) {
            sent.set(text, [to]);
            lines.push(text);
          } else if (!receivers.includes(to)) receivers.push(to);
          break;
        }
        case "persist":
          lines.push(`stores ${this.#record(emission.record)}`);
          break;
        case "save":
          lines.push("saves its state");
          break;
        case "answer":
          lines.push(`answers ${emission.bundle} with ${emission.answer}`);
          break;
        case "observe":
          lines.push(this.#observed(emission.event));
      }
    }
    return lines.map((line) => {
      const receivers = sent.get(line);
      return receivers === undefined ? line : `sends to ${receivers.join(", ")}: ${line}`;
    });
  }

  #record(number: number): string {
    const record = this.#protocol.records.decode(this.#cast.vocabulary.records.get(number));
    return record === null ? "a record" : this.#protocol.records.describe(record);
  }

  #observed(event: Observation): string {
    return event.event === "applied"
      ? `lets bundle ${event.number} of client ${event.client} take effect`
      : `* ${markOf(event)}`;
  }
}
