// The model of TruDep keeps every rule of the real one.

import { Random, trustedGroup } from "../../src/simulator/index.js";
import { trustedDependencyCompliance } from "../trusted/dependency-compliance.js";

let groups = 0;
trustedDependencyCompliance("the simulator's model", (f, slots) => {
  const settings = { freshness: "fail-stop", n: 2 * f + 1, f } as const;
  const group = trustedGroup(new Random(++groups), settings);
  return {
    open: (instance) => group.faces(instance, slots).dependencies,
    sealFor: (client, statement) => group.sealDecision(client, statement),
  };
});
