// A reduction: turns of a replica that nobody notices are not steps of the search. They wait until
// the replica does something that others notice, and happen then, just before, if they matter for
// it.

/** A turn of a replica. */
interface Turn {
  readonly to: number;
  readonly part: number;
  readonly stimulus: number;
  readonly before: readonly Turn[];
}

/** What this reduction asks of an actor. */
interface Turning<T extends Turn> {
  moves(state: number, letters: number): readonly T[];
  isQuiet(state: number, move: T): boolean;
  /** The same turn in another state; null if it changes nothing there. */
  same(move: T, state: number): T | null;
  /** Whether two turns send, store and answer the same. */
  hasEqualEffects(a: T, b: T): boolean;
}

/** How a state was come to unnoticed. */
interface Arrival<T> {
  readonly from: number;
  readonly move: T;
}

/** A state that an actor can come to unnoticed, and how. */
interface QuietState<T> {
  readonly state: number;
  /** A shortest way. */
  readonly before: readonly T[];
  /** Last turns of such ways, from states found before this one. */
  readonly arrivals: Arrival<T>[];
}

interface Closure<T> {
  readonly states: readonly QuietState<T>[];
  readonly noticed: readonly { readonly at: QuietState<T>; readonly move: T }[];
}

/** All states that an actor can come to by turns that nobody notices, itself included. */
export function quietStates<T extends Turn>(
  actor: Turning<T>,
  state: number,
  letters: number,
): readonly QuietState<T>[] {
  return closureOf(actor, state, letters).states;
}

function closureOf<T extends Turn>(actor: Turning<T>, state: number, letters: number): Closure<T> {
  const first: QuietState<T> = { state, before: [], arrivals: [] };
  const known = new Map([[state, 0]]);
  const states = [first];
  const noticed: { at: QuietState<T>; move: T }[] = [];
  for (let index = 0; index < states.length; index++) {
    const at = states[index]!;
    for (const move of actor.moves(at.state, letters)) {
      if (!actor.isQuiet(at.state, move)) {
        noticed.push({ at, move });
        continue;
      }
      let next = known.get(move.to);
      if (next === undefined) {
        next = states.push({ state: move.to, before: [...at.before, move], arrivals: [] }) - 1;
        known.set(move.to, next);
      }
      if (index < next) states[next]!.arrivals.push({ from: at.state, move });
    }
  }
  return { states, noticed };
}

/**
 * The turns that others notice, each with the unnoticed ones that must come before it.
 *
 * Sound: letters stay on their way for ever, and a turn that nobody notices changes nothing for
 * anybody else; so in every run it can be moved to just before the replica's next noticed turn, or
 * left out if there is none. And where an unnoticed turn q and a noticed one commute in that state,
 * with the same effects, the way through q is left out: q may follow the noticed turn instead, and
 * leads to the same state. Only ways through states found earlier count, so that two ways never
 * excuse each other.
 */
export function noticedMoves<T extends Turn>(
  actor: Turning<T>,
  state: number,
  letters: number,
): T[] {
  const { noticed } = closureOf(actor, state, letters);
  return noticed
    .filter(({ at, move }) => !at.arrivals.some((arrival) => canWait(actor, arrival, move)))
    .map(({ at, move }) => ({ ...move, before: at.before }));
}

/** Whether the arrival may as well happen after the move, with the same outcome. */
function canWait<T extends Turn>(
  actor: Turning<T>,
  { from, move: quiet }: Arrival<T>,
  move: T,
): boolean {
  const sooner = actor.same(move, from);
  if (sooner === null || !actor.hasEqualEffects(sooner, move)) return false;
  if (actor.isQuiet(from, sooner) !== actor.isQuiet(quiet.to, move)) return false;
  const later = actor.same(quiet, sooner.to);
  if (later === null) return sooner.to === move.to;
  return later.to === move.to && actor.isQuiet(sooner.to, later);
}
