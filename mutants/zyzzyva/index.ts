// The mutants of Zyzzyva, by name: of its own files, of speculation, and of what is undone.

import * as agreement from "./agreement.js";
import * as claims from "./claims.js";
import { kept } from "../pbft/parts.js";
import * as viewChange from "./view-change.js";

export const zyzzyvaMutants = {
  ...viewChange.decisions,
  ...agreement.ordering,
  ...agreement.certification,
  ...agreement.evidence,
  ...agreement.tally,
  ...agreement.answers,
  ...claims.claims,
  ...claims.establishment,
  ...claims.client,
  ...claims.pending,
  ...claims.speculation,
  ...kept,
};
