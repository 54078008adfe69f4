// The mutants of Zyzzyva, by name: of its own files, and of speculation.

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
  ...claims.speculation,
  ...kept,
};
