// The model of the trusted counter keeps every rule of the real one.

import { Random, trustedGroup } from "../../src/simulator/index.js";
import { trustedCounterCompliance } from "../trusted/compliance.js";

let groups = 0;
trustedCounterCompliance("the simulator's model", () => trustedGroup(new Random(++groups)));
