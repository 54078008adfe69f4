// The simulator's symbolic identities keep every rule of the real ones.

import { identities, Random } from "../../src/simulator/index.js";
import { identityCompliance } from "../runtime/identity-compliance.js";

let groups = 0;
identityCompliance("the simulator's", (authentication, n) => {
  const members = identities(authentication, n, new Random(++groups));
  return {
    identity: (replica) => members.of(replica),
    believes: (receiver, claim) => members.isGenuine(receiver, claim),
  };
});
