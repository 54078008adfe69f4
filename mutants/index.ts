// Mistakes planted in protocols, to see what notices them. No part of the product: it reads the
// built layers as text.

import { hybsterMutants } from "./hybster/index.js";
import type { Mutant } from "./mutant.js";
import { zyzzyvaMutants } from "./zyzzyva/index.js";

export { hybsterMutants, zyzzyvaMutants };
export type { Mutant };
export { mutated, type Planted, plant, protocolWith } from "./plant.js";

/** The mutants of each protocol that has some, by the protocol's name. */
export const mutantsOf: Readonly<Record<string, readonly Mutant[]>> = {
  hybster: Object.values(hybsterMutants),
  zyzzyva: Object.values(zyzzyvaMutants),
};
