// How fast the simulator is: virtual time against real time on one core, for workloads from idle to
// busy without faults, and for what seeds draw. `npm run bench:simulator [-- virtual seconds]`

import { defaultLimits, defaultTiming } from "../build/src/core/index.js";
import { optionsFor } from "../build/src/cli/simulate/seed-worker.js";
import { planOf, simulateSeed } from "../build/src/simulator/index.js";

const virtualSeconds = Number(process.argv[2] ?? 1000);
if (!(virtualSeconds >= 10)) {
  console.error("bench:simulator: at least 10 virtual seconds, as in: -- 1000");
  process.exit(2);
}

/** Of virtual time, in one run. */
const runSeconds = 100;

const options = await optionsFor({ protocol: "hybster", service: "kv", n: 3 });

/** Clients that submit one operation each so often, on average. */
const workloads = {
  idle: { clients: 1, everyMs: 1000 },
  light: { clients: 1, everyMs: 200 },
  moderate: { clients: 3, everyMs: 300 },
  busy: { clients: 5, everyMs: 100 },
};

/** Limits and timing as deployed, a local network, no fault. */
function calmPlan({ clients, everyMs }, seed) {
  const healMs = 1000 * runSeconds;
  const plan = planOf({ ...options, faults: [], seed });
  return {
    ...plan,
    limits: defaultLimits,
    timing: defaultTiming,
    clientAuthentication: "trusted-mac",
    network: { ...plan.network, delayMs: 0.2, jitterMs: 0.1 },
    syncMs: 0.5,
    turnMs: 0.1,
    compactionChance: 1,
    healMs,
    clients: {
      ...plan.clients,
      correct: clients,
      bundles: Math.round(healMs / everyMs),
      operationsMax: 1,
      outstanding: 1,
      thinkMs: everyMs,
      paced: true,
      retryMs: 400,
    },
  };
}

/** So long the compiler may watch before anything is measured. */
const warmMs = 3000;

/** Runs seeds until so much virtual time is over. */
function measure(name, planFor = () => undefined) {
  const run = (seed) => {
    const plan = planFor(seed);
    let operations = 0;
    const history = (calls) => (operations = calls.length);
    const { violations, virtualMs, steps } = simulateSeed({
      ...options,
      seed,
      history,
      ...(plan && { plan }),
    });
    if (violations.length > 0) throw new Error(`seed ${seed}: ${violations[0].message}`);
    return { virtualMs, steps, operations };
  };
  let seed = 1;
  for (const endMs = performance.now() + warmMs; performance.now() < endMs; seed++) run(seed);
  const startMs = performance.now();
  const before = process.cpuUsage();
  const sum = { virtualMs: 0, steps: 0, operations: 0 };
  for (; sum.virtualMs < 1000 * virtualSeconds; seed++) {
    const one = run(seed);
    for (const key of Object.keys(sum)) sum[key] += one[key];
  }
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(before);
  const cells = [
    ((1000 * sum.operations) / sum.virtualMs).toFixed(1),
    ((1000 * sum.steps) / sum.virtualMs).toFixed(0),
    (sum.virtualMs / wallMs).toFixed(0),
    ((1000 * sum.virtualMs) / (user + system)).toFixed(0),
  ];
  print(name, cells);
}

function print(name, cells) {
  console.log([name.padEnd(10), ...cells.map((cell) => cell.padStart(14))].join(" "));
}

print("", ["operations/s", "steps/s", "× wall clock", "× CPU time"]);
for (const [name, workload] of Object.entries(workloads)) {
  measure(name, (seed) => calmPlan(workload, seed));
}
measure("as drawn");
