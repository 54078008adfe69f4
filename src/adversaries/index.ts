// Liars that know their protocol: for each, the habits that only it gives occasion for.

import type { Lies } from "../simulator/index.js";
import { fabLies } from "./fab.js";
import { hybsterLies as hybsterHabits } from "./hybster.js";
import { proofLies } from "./hybster-proofs.js";
import { pbftLies } from "./pbft.js";
import { zyzzyvaLies } from "./zyzzyva.js";

export { zyzzyvaForging } from "./zyzzyva.js";
export { forging } from "./hybster-forge.js";
export { forging as pbftForging } from "./pbft-forge.js";
export { pbftLies };

/** The habits of liars in a Hybster cluster. */
export const hybsterLies = { ...hybsterHabits, ...proofLies } satisfies Lies;

const byProtocol: Readonly<Record<string, Lies>> = {
  hybster: hybsterLies,
  pbft: pbftLies,
  "hybrid-pbft": pbftLies,
  fab: fabLies,
  "fab-fast": fabLies,
  zyzzyva: zyzzyvaLies,
};

/** A protocol's own habits for lying replicas; none for most. */
export const liesFor = (protocol: string): Lies => byProtocol[protocol] ?? {};
