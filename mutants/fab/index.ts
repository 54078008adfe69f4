// The mutants of FaB, by name.

import * as recovery from "./recovery.js";

export const fabMutants = {
  ...recovery.recovery,
};
