// Which commands interfere (thesis §4.2): an index from the names that commands touch to the
// instances that touched them, so that nobody compares commands pairwise.

import { bundleOf } from "../codec/index.js";
import { type Access, assert, type Service } from "../core/index.js";
import type { Batch } from "./batch.js";

/** How a command touches each name; `everything` interferes with every command there is. */
export type Footprint = ReadonlyMap<string, Access> | "everything";

/** Two accesses to a name interfere, unless both read or both add. */
export const interfere = (one: Access, other: Access): boolean => one !== other || one === "write";

/** What touching a name in two ways comes to. */
export const joined = (one: Access, other: Access): Access => (one === other ? one : "write");

/** What a client touches with all that it asks for. */
const clientName = (client: number): string => `client:${client}`;

/** Touches all that a bundle touches: its operations' names, and its client (protocols.md §0). */
export function touchBundle(
  service: Pick<Service, "footprint">,
  client: number,
  operations: readonly Uint8Array[],
  touch: (name: string, access: Access) => void,
): void {
  touch(clientName(client), "write");
  for (const operation of operations) {
    service.footprint(operation, (name, access) => touch(`service:${name}`, access));
  }
}

/** What a batch touches; its requests' claims were verified. */
export function footprintOf(service: Pick<Service, "footprint">, batch: Batch): Footprint {
  const names = new Map<string, Access>();
  for (const request of batch) {
    const bundle = bundleOf(request);
    assert(bundle !== null, "a batch holds only requests whose claims were verified");
    touchBundle(service, bundle.client, bundle.operations, (name, access) => {
      names.set(name, joined(names.get(name) ?? access, access));
    });
  }
  return names;
}

/** The highest slot of each space that touched a name, by how. */
type Touched = Record<Access, number[]>;

/**
 * For each instance space the highest slot that interferes with a command. That is the compact form
 * of dependencies: a command that depends on a slot comes after *all* slots of that space up to it.
 *
 * Why that is enough. Replicas record a space's slots in their order, so what a replica saw of a
 * space is a prefix, and "all up to the highest that interferes" holds no instance that it did not
 * see. Explicit sets would have to name every interfering instance since the last checkpoint (a
 * predecessor's own dependencies cannot stand in for them: it may turn out a no-op), and
 * replicas that forgot at different times would never name the same.
 */
export class InterferenceIndex {
  private readonly spaces: number;
  private readonly names = new Map<string, Touched>();
  /** The highest slot recorded of each space, and the highest that interferes with everything. */
  private readonly highest: number[];
  private readonly barriers: number[];
  /** Slots up to there are forgotten: whatever comes depends on all of them. */
  private floor: readonly number[];

  constructor(spaces: number) {
    this.spaces = spaces;
    this.highest = this.zeros();
    this.barriers = this.zeros();
    this.floor = this.zeros();
  }

  private zeros(): number[] {
    return new Array<number>(this.spaces).fill(0);
  }

  /** The names held. */
  get size(): number {
    return this.names.size;
  }

  record(space: number, slot: number, footprint: Footprint): void {
    raise(this.highest, space, slot);
    if (footprint === "everything") return raise(this.barriers, space, slot);
    for (const [name, access] of footprint) {
      let touched = this.names.get(name);
      if (touched === undefined) {
        touched = { read: this.zeros(), write: this.zeros(), add: this.zeros() };
        this.names.set(name, touched);
      }
      raise(touched[access], space, slot);
    }
  }

  /**
   * What comes before a command: of each space the highest recorded slot that interferes, or the
   * last that is forgotten. Somebody who has not executed that yet must not execute this first.
   */
  dependencies(footprint: Footprint): number[] {
    if (footprint === "everything") return this.above(this.highest);
    const found = this.barriers.slice();
    for (const [name, access] of footprint) {
      const touched = this.names.get(name);
      if (touched === undefined) continue;
      if (interfere(access, "read")) raiseAll(found, touched.read);
      if (interfere(access, "write")) raiseAll(found, touched.write);
      if (interfere(access, "add")) raiseAll(found, touched.add);
    }
    return this.above(found);
  }

  private above(slots: readonly number[]): number[] {
    return slots.map((slot, space) => Math.max(slot, this.floor[space]!));
  }

  /** Forgets each space's slots up to the frontier, which only moves up. */
  forget(frontier: readonly number[]): void {
    this.floor = this.floor.map((slot, space) => Math.max(slot, frontier[space]!));
    for (const [name, { read, write, add }] of this.names) {
      const isOld = [read, write, add].every((slots) =>
        slots.every((slot, space) => slot <= this.floor[space]!),
      );
      if (isOld) this.names.delete(name);
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.names.clear();
    this.highest.fill(0);
    this.barriers.fill(0);
    this.floor = this.zeros();
  }
}

function raise(slots: number[], space: number, slot: number): void {
  slots[space] = Math.max(slots[space]!, slot);
}

function raiseAll(slots: number[], by: readonly number[]): void {
  by.forEach((slot, space) => raise(slots, space, slot));
}
