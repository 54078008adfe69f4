// Compiles the trusted module to WebAssembly, and the test-only entry that opens its SHA-256 and
// HMAC to the official vectors. The same sources and compiler give the same bytes.
// Usage: node tools/build-trusted.mjs [folder, default build]

import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = join(root, "src/trusted/assembly");
const folder = process.argv[2] ?? join(root, "build");
const flags = ["-O3", "--converge", "--runtime", "stub", "--use", "abort="];

const targets = [
  { entry: "trusted.ts", to: "src/trusted/trusted.wasm", extra: ["--noExportMemory"] },
  { entry: "vectors.ts", to: "test/trusted/vectors.wasm", extra: [] },
];

/** Whatever decides the bytes: our sources, this script, the installed compiler. */
const inputs = [
  ...readdirSync(sources).map((name) => join(sources, name)),
  fileURLToPath(import.meta.url),
  join(root, "node_modules/.package-lock.json"),
];
const newestInputMs = Math.max(...inputs.map((path) => statSync(path).mtimeMs));

/** Nothing to do if the output is newer than all inputs. */
async function compile({ entry, to, extra }) {
  const path = join(folder, to);
  if (existsSync(path) && statSync(path).mtimeMs > newestInputMs) return;
  const { default: asc } = await import("assemblyscript/asc");
  let binary = null;
  const { error, stderr } = await asc.main(
    [entry, ...flags, ...extra, "--baseDir", sources, "--outFile", "out.wasm"],
    {
      writeFile: (name, contents) => {
        if (name === "out.wasm") binary = contents;
      },
    },
  );
  if (error !== null || binary === null) {
    throw new Error(`asc could not compile ${join(sources, entry)}: ${error}\n${stderr}`);
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, binary);
}

for (const target of targets) await compile(target);
