// The order in which commands of a leaderless protocol are executed: a graph of dependencies, its
// strongly connected components in inverse topological order (thesis §4.3.2).

import { assert } from "../core/index.js";

/** A command whose instance is decided. */
export interface Committed {
  readonly space: number;
  readonly slot: number;
  /** It comes after all slots of each space up to these; see {@link InterferenceIndex}. */
  readonly dependencies: readonly number[];
  /** Breaks cycles: within one, the smaller comes first. */
  readonly sequence: number;
  /**
   * Whether its dependencies are exactly what comes before it, in a cycle too: so that they are the
   * frontier of a checkpoint.
   */
  readonly isBarrier: boolean;
}

/** A vertex: a command, or all slots of a space up to one (`isPrefix`). */
interface Vertex<C> {
  readonly isPrefix: boolean;
  readonly place: Place<C>;
  /** Where the search found it, and the lowest vertex on the stack that it leads to. */
  index: number;
  low: number;
  isOnStack: boolean;
  /** The search that the three are of. */
  search: number;
  /** A place that was not committed, which this leads to. */
  blockedOn: Place<C> | null;
  /** On the way there: when that is done, this is to be looked at again … */
  waitsFor: Vertex<C> | null;
  /** … and what looks at this one in turn; some may wait for another by now. */
  waiting: Vertex<C>[];
}

interface Place<C> {
  readonly space: number;
  readonly slot: number;
  command: C | null;
  isExecuted: boolean;
  readonly own: Vertex<C>;
  readonly prefix: Vertex<C>;
}

interface Frame<C> {
  readonly vertex: Vertex<C>;
  /** The next of its edges. */
  next: number;
}

/**
 * Gives commands in an order in which each comes after its dependencies; those that depend on each
 * other by their sequence numbers. All replicas that commit the same commands order those that
 * interfere alike, whenever they learn of them.
 *
 * A dependency on many slots is one edge, to a vertex that stands for the prefix of the space and
 * leads to its last slot and the prefix before: so the work is linear in commands times spaces. A
 * search that meets a slot not committed ends there, and is taken up when that slot is; what
 * it passed remembers what it waits for.
 */
export class DependencyGraph<C extends Committed> {
  private readonly spaces: number;
  /** Places above the frontier that somebody mentioned. */
  private readonly places: Map<number, Place<C>>[];
  /** Of each space: everything up to there is executed. */
  private done: number[];
  private ready: C[] = [];
  private searches = 0;
  private indices = 0;
  private frames: Frame<C>[] = [];
  private stack: Vertex<C>[] = [];
  /** What is to be looked at. */
  private agenda: Vertex<C>[] = [];

  constructor(spaces: number) {
    this.spaces = spaces;
    this.places = Array.from({ length: spaces }, () => new Map());
    this.done = new Array<number>(spaces).fill(0);
  }

  /** Of each space the slot up to which everything is executed. */
  get frontier(): readonly number[] {
    return this.done;
  }

  isExecuted(space: number, slot: number): boolean {
    return slot <= this.done[space]! || this.places[space]!.get(slot)?.isExecuted === true;
  }

  /** Whether all that these dependencies stand for is executed. */
  isClosed(dependencies: readonly number[]): boolean {
    return dependencies.every((slot, space) => slot <= this.done[space]!);
  }

  /** The slots executed beyond the frontier, space by space in their order. */
  executedBeyond(): { readonly space: number; readonly slot: number }[] {
    return this.places.flatMap((ofSpace, space) =>
      [...ofSpace.values()]
        .filter(({ isExecuted }) => isExecuted)
        .map(({ slot }) => ({ space, slot }))
        .toSorted((a, b) => a.slot - b.slot),
    );
  }

  /** Takes a command, once; gives those that are to be executed now, in their order. */
  commit(command: C): readonly C[] {
    const { space, slot, dependencies } = command;
    assert(dependencies.length === this.spaces, "a dependency for each space");
    if (this.isExecuted(space, slot)) return [];
    const place = this.placeAt(space, slot);
    if (place.command !== null) return [];
    place.command = command;
    this.wake(place.own);
    this.agenda.push(place.own);
    for (let next = this.agenda.pop(); next !== undefined; next = this.agenda.pop()) {
      if (this.isDone(next)) this.wake(next);
      else this.search(next);
    }
    const { ready } = this;
    this.ready = [];
    return ready;
  }

  private isDone({ isPrefix, place: { isExecuted, space, slot } }: Vertex<C>): boolean {
    return isPrefix ? slot <= this.done[space]! : isExecuted;
  }

  /** What waits for a vertex is to be looked at. */
  private wake(vertex: Vertex<C>): void {
    for (const other of vertex.waiting) {
      if (other.waitsFor !== vertex) continue;
      other.waitsFor = null; // it may come to wait here again
      this.agenda.push(other);
    }
    vertex.waiting = [];
  }

  /** Forgets all commands: everything up to the frontier is executed, and nothing beyond. */
  restart(frontier: readonly number[]): void {
    for (const ofSpace of this.places) ofSpace.clear();
    this.done = [...frontier];
  }

  private placeAt(space: number, slot: number): Place<C> {
    const ofSpace = this.places[space]!;
    let place = ofSpace.get(slot);
    if (place === undefined) {
      const vertices = { own: null as never, prefix: null as never };
      const made = { space, slot, command: null, isExecuted: false, ...vertices };
      place = Object.assign(made as Place<C>, {
        own: this.newVertex(made as Place<C>, false),
        prefix: this.newVertex(made as Place<C>, true),
      });
      ofSpace.set(slot, place);
    }
    return place;
  }

  private newVertex(place: Place<C>, isPrefix: boolean): Vertex<C> {
    const unseen = { index: 0, low: 0, isOnStack: false, search: 0 };
    return { isPrefix, place, ...unseen, blockedOn: null, waitsFor: null, waiting: [] };
  }

  // Tarjan's algorithm, with the recursion's frames in a list of their own

  /** Executes what a vertex leads to, and itself, as far as all of it is committed. */
  private search(root: Vertex<C>): void {
    this.searches += 1;
    this.indices = 0;
    this.frames = [];
    this.stack = [];
    this.enter(root);
    while (this.frames.length > 0) {
      const frame = this.frames.at(-1)!;
      const target = this.nextEdge(frame);
      if (target === null) this.leave(frame.vertex);
      else if (target.search === this.searches) {
        if (target.isOnStack) frame.vertex.low = Math.min(frame.vertex.low, target.index);
      } else {
        const blocker = this.blockerOf(target);
        if (blocker !== null) return this.suspend(target, blocker);
        this.enter(target);
      }
    }
  }

  /** What a vertex cannot be executed without, if that is known. */
  private blockerOf({ place, isPrefix, blockedOn }: Vertex<C>): Place<C> | null {
    if (!isPrefix && place.command === null) return place;
    return blockedOn?.command === null ? blockedOn : null;
  }

  private enter(vertex: Vertex<C>): void {
    vertex.search = this.searches;
    vertex.index = vertex.low = this.indices++;
    vertex.isOnStack = true;
    this.stack.push(vertex);
    this.frames.push({ vertex, next: 0 });
  }

  /** Ends a search: each vertex on its path waits for the next, the last for `target`. */
  private suspend(target: Vertex<C>, blocker: Place<C>): void {
    const { frames } = this;
    const top = frames.at(-1)!.vertex;
    let at = 0;
    for (const vertex of this.stack) {
      // What is on the stack and not on the path leads to the path, and so to its end.
      const isOnPath = frames[at]?.vertex === vertex;
      const next = isOnPath ? (frames[(at += 1)]?.vertex ?? target) : top;
      vertex.blockedOn = blocker;
      if (vertex.waitsFor !== next) next.waiting.push(vertex);
      vertex.waitsFor = next;
    }
  }

  /** The next vertex that a vertex leads to, of those that are not executed; null at their end. */
  private nextEdge(frame: Frame<C>): Vertex<C> | null {
    const { isPrefix, place } = frame.vertex;
    if (isPrefix) {
      const step = frame.next++;
      if (step === 0) {
        const below = this.prefixAt(place.space, place.slot - 1);
        if (below !== null) return below;
        frame.next = 2;
      }
      return step <= 1 && !place.isExecuted ? place.own : null;
    }
    const { dependencies } = place.command!;
    while (frame.next < this.spaces) {
      const space = frame.next++;
      const prefix = this.prefixAt(space, dependencies[space]!);
      if (prefix !== null) return prefix;
    }
    return null;
  }

  private prefixAt(space: number, slot: number): Vertex<C> | null {
    return slot <= this.done[space]! ? null : this.placeAt(space, slot).prefix;
  }

  /** All that it leads to was seen: if nothing leads back beyond it, a component is complete. */
  private leave(vertex: Vertex<C>): void {
    this.frames.pop();
    const caller = this.frames.at(-1)?.vertex;
    if (caller !== undefined) caller.low = Math.min(caller.low, vertex.low);
    if (vertex.low !== vertex.index) return;
    const from = this.stack.lastIndexOf(vertex);
    const component = this.stack.splice(from);
    const places: Place<C>[] = [];
    for (const one of component) {
      one.isOnStack = false;
      if (!one.isPrefix) places.push(one.place);
    }
    if (places.length > 0) this.execute(places);
    for (const one of component) this.wake(one);
  }

  private execute(places: readonly Place<C>[]): void {
    const commands = places.map(({ command }) => command!);
    for (const command of inOrder(commands)) this.ready.push(command);
    for (const place of places) place.isExecuted = true;
    for (const { space } of places) this.advance(space);
  }

  private advance(space: number): void {
    const ofSpace = this.places[space]!;
    let slot = this.done[space]! + 1;
    for (; ofSpace.get(slot)?.isExecuted === true; slot += 1) ofSpace.delete(slot);
    this.done[space] = slot - 1;
  }
}

const bySequence = (a: Committed, b: Committed): number =>
  a.sequence - b.sequence || a.space - b.space || a.slot - b.slot;

/**
 * The commands of one component by sequence number, then owner, then slot. With a barrier among
 * them, what that depends on comes before it; and what comes after it is ordered as if the
 * barrier's frontier were all there is before: somebody may begin there.
 */
function inOrder<C extends Committed>(component: readonly C[]): readonly C[] {
  if (component.length === 1) return component;
  const sorted = component.toSorted(bySequence);
  const barrier = sorted.find(({ isBarrier }) => isBarrier);
  if (barrier === undefined) return sorted;
  const isInFrontier = (one: C): boolean => one.slot <= barrier.dependencies[one.space]!;
  const rest = sorted.filter((one) => one !== barrier);
  const before = rest.filter((one) => isInFrontier(one) && !one.isBarrier);
  const others = rest.filter((one) => isInFrontier(one) && one.isBarrier);
  const after = rest.filter((one) => !isInFrontier(one));
  return [...before, barrier, ...others, ...inTurn(after)];
}

/** Commands that need nothing else any more, component by component; few, and rarely. */
function inTurn<C extends Committed>(commands: readonly C[]): C[] {
  const components = new Map<string, C[]>();
  const sizes = new Map<C[], number>();
  for (const one of commands) {
    const needed = neededBy(one, commands);
    // Those of one component lead to the same commands, and those before them to fewer.
    const key = [...needed].toSorted((a, b) => a - b).join();
    const component = components.get(key) ?? [];
    component.push(one);
    components.set(key, component);
    sizes.set(component, needed.size);
  }
  const ordered = [...components.values()].toSorted((a, b) => sizes.get(a)! - sizes.get(b)!);
  return ordered.flatMap((component) => inOrder(component));
}

/** Which of these commands one leads to, itself included, by their indices. */
function neededBy<C extends Committed>(from: C, commands: readonly C[]): Set<number> {
  const needed = new Set([commands.indexOf(from)]);
  for (const index of needed) {
    const { dependencies } = commands[index]!;
    commands.forEach(({ space, slot }, other) => {
      if (slot <= dependencies[space]!) needed.add(other);
    });
  }
  return needed;
}
