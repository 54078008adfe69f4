// The mutants of FaB, by name.

import * as agreement from "./agreement.js";
import * as claims from "./claims.js";
import { kept } from "../pbft/parts.js";
import * as recovery from "./recovery.js";

export const fabMutants = {
  ...agreement.quorums,
  ...agreement.log,
  ...agreement.agreement,
  ...claims.claims,
  ...recovery.recovery,
  ...kept,
};
