// The mutants of ezBFT, by name. Those that begin with E1 to E7 are the thesis's own rules, as it
// prints them (protocols.md §4).

import * as agreement from "./agreement.js";
import * as replica from "./replica.js";
import * as spaces from "./spaces.js";

export const ezbftMutants = {
  ...agreement.agreement,
  ...agreement.slots,
  ...agreement.reminders,
  ...spaces.space,
  ...spaces.ownerChange,
  ...spaces.precedence,
  ...spaces.graph,
  ...replica.replica,
  ...replica.barriers,
  ...replica.batches,
  ...replica.client,
  ...replica.claims,
};
