// Liars that know their protocol: for each, the habits that only it gives occasion for.

import type { Lies } from "../simulator/index.js";
import { ezbftLies as ezbftHabits } from "./ezbft.js";
import { fabLies as fabHabits } from "./fab.js";
import { hybsterLies as hybsterHabits } from "./hybster.js";
import { proofLies } from "./hybster-proofs.js";
import { pbftLies as pbftHabits } from "./pbft.js";
import { stateLies } from "./state-lies.js";
import { zyzzyvaLies as zyzzyvaHabits } from "./zyzzyva.js";

export { ezbftForging } from "./ezbft-forge.js";
export { zyzzyvaForging } from "./zyzzyva.js";
export { forging } from "./hybster-forge.js";
export { forging as pbftForging } from "./pbft-forge.js";

/** The habits of liars in a Hybster cluster. */
export const hybsterLies = { ...hybsterHabits, ...proofLies, ...stateLies } satisfies Lies;
/** The habits of liars in a PBFT cluster, whatever proves its messages. */
export const pbftLies = { ...pbftHabits, ...stateLies } satisfies Lies;
const fabLies = { ...fabHabits, ...stateLies } satisfies Lies;
const ezbftLies = { ...ezbftHabits, ...stateLies } satisfies Lies;
const zyzzyvaLies = { ...zyzzyvaHabits, ...stateLies } satisfies Lies;

const byProtocol: Readonly<Record<string, Lies>> = {
  hybster: hybsterLies,
  pbft: pbftLies,
  "hybrid-pbft": pbftLies,
  fab: fabLies,
  "fab-fast": fabLies,
  zyzzyva: zyzzyvaLies,
  ezbft: ezbftLies,
};

/** A protocol's own habits for lying replicas; none for most. */
export const liesFor = (protocol: string): Lies => byProtocol[protocol] ?? {};
