// Runs the built tests, all or those whose path contains one of the arguments: `npm test -- link
// codec/`. The list comes from the sources, so that a test whose source is gone does not run again
// from build/.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const wanted = process.argv.slice(2);
const tests = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".test.ts"))
  .map((path) => join("build", "test", path.replace(/\.ts$/, ".js")))
  .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
  .sort();

if (tests.length === 0) {
  console.error(`No test's path contains ${wanted.join(" or ")}. They stand in test/.`);
  process.exit(1);
}
// A test that hangs fails instead; the longest, a cluster under faults, takes well under a minute.
const options = ["--test", "--test-reporter=spec", "--test-timeout=180000", "--enable-source-maps"];
const run = spawnSync(process.execPath, [...options, ...tests], { cwd: root, stdio: "inherit" });
process.exit(run.status ?? 1);
