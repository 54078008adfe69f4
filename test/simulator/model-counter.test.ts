// The model of the trusted counter keeps every rule of the real one.

import { Random, trustedGroup } from "../../src/simulator/index.js";
import { trustedCounterCompliance } from "../trusted/compliance.js";
import { freshnessCompliance } from "../trusted/freshness-compliance.js";

let groups = 0;
const name = "the simulator's model";
trustedCounterCompliance(name, () => trustedGroup(new Random(++groups)));
freshnessCompliance(name, (settings) => trustedGroup(new Random(++groups), settings));
