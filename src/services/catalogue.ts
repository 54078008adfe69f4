// The catalogue: every service there is, by name.

import { type Hash, type Service, UsageError } from "../core/index.js";
import { createKeyValue } from "./kv/key-value.js";
import { createNull } from "./null.js";

/** A service as the catalogue lists it. */
export interface ServiceEntry {
  /**
   * A service in its first state. `pageCount` is for states that are cut into pages: few suit small
   * states.
   */
  create(hash: Hash, pageCount?: number): Service;
  /** One line for people. */
  readonly description: string;
}

export const services: Readonly<Record<string, ServiceEntry>> = {
  kv: { create: createKeyValue, description: "byte strings by key, with counters and ranges" },
  null: { create: createNull, description: "empty results and no state: the papers' benchmark" },
};

/** A new service of that name. @throws UsageError SERVICE_UNKNOWN, which names those there are. */
export function createService(name: string, hash: Hash, pageCount?: number): Service {
  const entry = Object.hasOwn(services, name) ? services[name] : undefined;
  if (entry === undefined) {
    const known = Object.keys(services);
    throw new UsageError(
      "SERVICE_UNKNOWN",
      `there is no service "${name}"; choose one of: ${known.join(", ")}`,
      { name, known },
    );
  }
  return entry.create(hash, pageCount);
}
