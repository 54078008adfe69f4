// Mistakes planted in protocols, to see what notices them. No part of the product: it reads the
// built layers as text.

import { ezbftMutants } from "./ezbft/index.js";
import { fabMutants } from "./fab/index.js";
import { hybsterMutants } from "./hybster/index.js";
import { UsageError } from "../src/core/index.js";
import type { Mutant } from "./mutant.js";
import { pbftMutants } from "./pbft/index.js";
import { zyzzyvaMutants } from "./zyzzyva/index.js";

export { ezbftMutants, fabMutants, hybsterMutants, pbftMutants, zyzzyvaMutants };
export type { Mutant };
export { mutated, type Planted, plant, protocolWith } from "./plant.js";

/** The mutants of each protocol that has some, by the protocol's name. */
export const mutantsOf: Readonly<Record<string, readonly Mutant[]>> = {
  hybster: Object.values(hybsterMutants),
  pbft: Object.values(pbftMutants),
  "hybrid-pbft": Object.values(pbftMutants),
  fab: Object.values(fabMutants),
  "fab-fast": Object.values(fabMutants),
  zyzzyva: Object.values(zyzzyvaMutants),
  ezbft: Object.values(ezbftMutants),
};

/** @throws UsageError `MUTANTS_UNKNOWN` for a protocol that has none. */
export function mutantsFor(protocol: string): readonly Mutant[] {
  const all = mutantsOf[protocol];
  if (all !== undefined) return all;
  const known = Object.keys(mutantsOf).join(", ");
  throw new UsageError(
    "MUTANTS_UNKNOWN",
    `there are no mutants of "${protocol}"; there are of: ${known}`,
  );
}

/** @throws UsageError `MUTANTS_UNKNOWN` for a name that is none. */
export function mutantNamed(protocol: string, name: string): Mutant {
  const mutant = mutantsFor(protocol).find((one) => one.name === name);
  if (mutant !== undefined) return mutant;
  throw new UsageError(
    "MUTANTS_UNKNOWN",
    `${protocol} has no mutant ${name}; docs/mutants.md says where they are listed`,
    { unknown: name },
  );
}
