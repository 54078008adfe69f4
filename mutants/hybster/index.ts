// The mutants of Hybster, by name: of its own files, and of the parts it is made of.

import * as claims from "./claims.js";
import * as parts from "./parts.js";
import * as recovery from "./recovery.js";
import * as replica from "./replica.js";
import * as viewChanger from "./view-changer.js";

export const hybsterMutants = {
  ...claims.quorums,
  ...claims.claims,
  ...claims.decisions,
  ...replica.ordering,
  ...replica.log,
  ...replica.intake,
  ...replica.endorsements,
  ...viewChanger.views,
  ...recovery.recovery,
  ...parts.checkpoints,
  ...parts.state,
  ...parts.clientTable,
  ...parts.executor,
  ...parts.transfer,
  ...parts.pending,
  ...parts.waiting,
};
