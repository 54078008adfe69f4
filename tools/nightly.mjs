// The long attack on a protocol: many seeds, every planted mistake, every example of the explorer.
// Ends by itself. Run: npm run nightly -- [--protocol hybster] [--seeds 100000] [--minutes 240]
// What it found stands in nightly-results/, one JSON file a part; exit code 1 if anything did.

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { protocolNamed } from "../build/src/protocols/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const troth = join(root, "build", "src", "cli", "main.js");
const results = join(root, "nightly-results");

const { values } = parseArgs({
  options: {
    protocol: { type: "string", default: "hybster" },
    seeds: { type: "string", default: "100000" },
    minutes: { type: "string", default: "240" },
  },
});
const { protocol } = values;
const seeds = Number(values.seeds);
const endsAtMs = Date.now() + 60_000 * Number(values.minutes);
if (!Number.isInteger(seeds) || seeds < 1 || !(endsAtMs > Date.now())) {
  console.error("nightly: --seeds and --minutes are whole numbers above 0");
  process.exit(2);
}

/** So many seeds in one process: long enough to be fast, short enough to tell of progress. */
const chunk = 2_000;

const failures = [];

/** Runs one command and keeps its JSON; false if it found something or broke. */
function run(name, ...args) {
  const startedAtMs = Date.now();
  const child = spawnSync(process.execPath, [troth, ...args, "--json"], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const seconds = Math.round((Date.now() - startedAtMs) / 1000);
  writeFileSync(join(results, `${name}.json`), child.stdout);
  const isClean = child.status === 0;
  console.log(`${isClean ? "clean " : "FAILED"} ${name} (${seconds} s): troth ${args.join(" ")}`);
  if (!isClean) failures.push(name);
}

/** All that is to be run: a name, and the arguments of the command. */
function* parts() {
  for (const config of readdirSync(join(root, "examples", "explore"))) {
    const path = join(root, "examples", "explore", config);
    const { protocol: of = "hybster" } = JSON.parse(readFileSync(path, "utf8"));
    if (of !== protocol) continue;
    const name = `explore-${config}`.replace(/\.json$/, "");
    yield [name, "explore", "--config", `examples/explore/${config}`];
  }
  for (const [f, share] of [
    [1, 1],
    [2, 0.2],
    [3, 0.02],
  ]) {
    const n = protocolNamed(protocol).replicas(f);
    const subject = ["--protocol", protocol, "--replicas", String(n)];
    for (let first = 1; first <= seeds * share; first += chunk) {
      const last = Math.min(first + chunk - 1, Math.ceil(seeds * share));
      yield [`seeds-n${n}-${first}`, "simulate", ...subject, "--seeds", `${first}..${last}`];
    }
  }
  yield ["mutants", "mutants", "--protocol", protocol];
}

mkdirSync(results, { recursive: true });
const all = [...parts()];
for (const [index, part] of all.entries()) {
  if (Date.now() >= endsAtMs) {
    failures.push(`out of time: ${all.length - index} of ${all.length} parts were not run`);
    break;
  }
  run(...part);
}

console.log(failures.length === 0 ? "nightly: clean" : `nightly: ${failures.join("; ")}`);
process.exit(failures.length === 0 ? 0 : 1);
