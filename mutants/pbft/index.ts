// The mutants of PBFT, by name: of its own files, and of the parts it is made of.

import * as agreement from "./agreement.js";
import * as claims from "./claims.js";
import * as parts from "./parts.js";
import * as viewChange from "./view-change.js";

export const pbftMutants = {
  ...claims.claims,
  ...claims.shared,
  ...agreement.phases,
  ...agreement.log,
  ...viewChange.decisions,
  ...parts.views,
  ...parts.kept,
  ...parts.replica,
  ...parts.hearsay,
  ...parts.votes,
  ...parts.orders,
  ...parts.plans,
  ...parts.state,
  ...parts.suspicions,
  ...parts.patience,
  ...parts.floor,
};
