// How long the linearizability checker takes for 100,000 operations of 50 clients; prints a table.
// `npm run bench:checker [-- operations]`

import { executed, lies, mixes, unplaced } from "../build/test/simulator/histories.js";
import { checkLinearizability, keyValueModel, Random } from "../build/src/simulator/index.js";

const operations = Number(process.argv[2] ?? 100_000);

function measure(history) {
  const startMs = performance.now();
  const { verdict } = checkLinearizability(history, keyValueModel);
  return `${verdict} ${((performance.now() - startMs) / 1000).toFixed(2)} s`;
}

const columns = ["as it was, order told", "as it was", ...Object.keys(lies)];
console.log(["mix".padEnd(10), "keys".padStart(5), ...columns.map((c) => c.padEnd(21))].join(" "));
for (const [name, mix] of Object.entries(mixes)) {
  for (const keys of [1000, 10, 1]) {
    const shape = { operations, processes: 50, keys, lossOneIn: 500, mix };
    const told = executed(new Random(keys), shape);
    const history = unplaced(told);
    const cells = [measure(told), measure(history)];
    for (const lie of Object.values(lies)) cells.push(measure(lie(history, new Random(1))));
    console.log(
      [name.padEnd(10), `${keys}`.padStart(5), ...cells.map((c) => c.padEnd(21))].join(" "),
    );
  }
}
