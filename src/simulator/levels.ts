// Whether replicas that execute in different orders order alike what interferes. Written apart from
// what protocols derive interference with, so that a mistake there is not repeated here.

import type { Access, ClientId, Service } from "../core/index.js";

/** How a bundle touches names. */
export type Touches = ReadonlyMap<string, Access>;

/** What a bundle touches: its operations' names, and its client's. */
export function touchesOf(
  service: Pick<Service, "footprint">,
  client: ClientId,
  operations: readonly Uint8Array[],
): Touches {
  const touches = new Map<string, Access>([[`client ${client}`, "write"]]);
  for (const operation of operations) {
    service.footprint(operation, (name, access) => {
      const key = `name ${name}`;
      touches.set(key, (touches.get(key) ?? access) === access ? access : "write");
    });
  }
  return touches;
}

/** The last bundles that touched a name in one way: those of one group do not interfere. */
interface Group {
  readonly access: Access;
  /** The highest level before the group … */
  readonly base: number;
  /** … and in it. */
  readonly top: number;
}

/**
 * Gives each bundle that takes effect at a replica its level: one more than the highest of those
 * before it that it interferes with. Of two that interfere the later has the higher level: so
 * replicas that give all bundles the same levels order all that interfere alike, and if they order
 * it alike, they give the same levels.
 */
export class Levels {
  readonly #groups: Map<string, Group>;

  constructor(groups: ReadonlyMap<string, Group> = new Map()) {
    this.#groups = new Map(groups);
  }

  /** As they stand: groups are never changed. */
  copy(): Levels {
    return new Levels(this.#groups);
  }

  /** A bundle takes effect: its level. */
  take(touches: Touches): number {
    let level = 1;
    for (const [name, access] of touches) {
      const group = this.#groups.get(name);
      if (group === undefined) continue;
      level = Math.max(level, 1 + (joins(group, access) ? group.base : group.top));
    }
    for (const [name, access] of touches) {
      const group = this.#groups.get(name) ?? { access, base: 0, top: 0 };
      const isIn = joins(group, access);
      const base = isIn ? group.base : group.top;
      this.#groups.set(name, { access, base, top: isIn ? Math.max(group.top, level) : level });
    }
    return level;
  }
}

const joins = (group: Group, access: Access): boolean =>
  group.access === access && access !== "write";
