// The linter refuses whatever would make a run depend on more than its seed: each thing is planted
// once in a layer that must be pure.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

const planted = [
  "Date.now()",
  "new Date()",
  "performance.now()",
  "Math.random()",
  'Math["random"]()',
  "crypto.randomUUID()",
  "new Intl.NumberFormat()",
  "(1).toLocaleString()",
  '"A".toLocaleLowerCase()',
  '"A".toLocaleUpperCase()',
  '"a".localeCompare("b")',
  "new WeakRef({})",
  "Math.sin(2)",
  "[3, 20].sort()",
  "[3, 20].toSorted()",
  "process.hrtime()",
  "setTimeout(String, 1)",
];

/** Lines of `src/<layer>/planted.ts` that the linter refuses. */
function refused(layer: string, lines: readonly string[]): Set<number> {
  const folder = mkdtempSync(join(tmpdir(), "lint-"));
  try {
    const inside = join(folder, "src", layer);
    mkdirSync(inside, { recursive: true });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    copyFileSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
    const settings = { compilerOptions: { target: "es2023", strict: true, types: ["node"] } };
    writeFileSync(join(inside, "tsconfig.json"), JSON.stringify(settings));
    const text = lines.map((line, index) => `export const planted${index} = ${line};\n`);
    writeFileSync(join(inside, "planted.ts"), text.join(""));
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, "node_modules/oxlint/bin/oxlint"), "--format=unix", "src"],
      { cwd: folder, encoding: "utf8" },
    );
    const found = [...stdout.matchAll(/planted\.ts:(\d+):/g)].map(([, line]) => Number(line));
    assert.ok(stdout !== "" || lines.length === 0, stderr);
    return new Set(found);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a pure layer has no clock, chance, locale or collector in it", () => {
  const found = refused("simulator", [...planted, "Math.floor(2.5)", '["b", "a"].sort()']);
  for (const [index, line] of planted.entries()) assert.ok(found.has(index + 1), line);
  assert.equal(found.size, planted.length, "and nothing else is refused");
});
