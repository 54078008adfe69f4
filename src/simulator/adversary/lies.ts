// What a lying replica may do to what its machine sends and hears: every habit that any protocol
// gives occasion for. No lie names a protocol.

import { type Protocol, UsageError } from "../../core/index.js";
import { counterLies } from "./counter-lies.js";
import { forgedLies } from "./forged-lies.js";
import type { LieMaker, Lies } from "./lie.js";
import { proofLies } from "./proof-lies.js";
import { rememberedLies } from "./remembered-lies.js";
import { silentLies } from "./silent-lies.js";
import { spokenLies } from "./spoken-lies.js";

const catalogue = {
  ...silentLies,
  ...spokenLies,
  ...rememberedLies,
  ...counterLies,
  ...forgedLies,
};

/** The name of a habit that plans give to lying replicas. */
export type LieName = keyof typeof catalogue;

export const lieNames = Object.keys(catalogue) as readonly LieName[];

/** Those for which a protocol gives occasion. */
export const lieNamesFor = ({ replicaAuthentications }: Protocol): readonly string[] =>
  replicaAuthentications.includes("mac") ? [...lieNames, ...Object.keys(proofLies)] : lieNames;

/** The habit of that name, of these or of a protocol's own. @throws UsageError `LIE_UNKNOWN` */
export function lieNamed(name: string, own: Lies): LieMaker {
  const make = own[name] ?? (catalogue as Lies)[name] ?? (proofLies as Lies)[name];
  if (make === undefined) {
    throw new UsageError("LIE_UNKNOWN", `no liar has the habit "${name}"`);
  }
  return make;
}
