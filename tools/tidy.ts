// `node build/tools/tidy.js`: checks the repository for what neither compiler, linter nor formatter
// knows.

import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checkTree, type Finding, type TreeFile } from "./tidy-rules.js";

const help = `Usage: node build/tools/tidy.js [folder]

Checks the repository (or the one in the folder); prints one line per finding, file:line: message.
Exit code: 0 tidy, 1 not, 2 wrong arguments. The rules, one function each in tools/tidy-rules.ts:

  imports      a layer imports only layers that its tsconfig.json references, by their index.ts,
               and a pure layer references only pure layers
  packages     every package used is declared in package.json, every one declared is used, and
               docs/dependencies.md says what for
  dead files   a command, the package's entry, an example or a test reaches every source file
  columns      no line is longer than 100 columns
  first lines  every source file begins by saying what it is
  leftovers    no narrowed test, none skipped without a reason, no linter switched off in a file
  papers       every function that a protocol's README names exists in its folder
  links        every relative link of a page leads to a file

Lengths of files and functions, cycles, promises and what pure layers may touch are the linter's:
.oxlintrc.json.
`;

const notOurs = new Set([
  ".git",
  "bench-results",
  "build",
  "data",
  "nightly-results",
  "node_modules",
]);
const textual = /\.(?:ts|mjs|json|md)$/;

/** All findings for the repository in a folder. */
export function tidy(root: string): Finding[] {
  return checkTree([...files(root, root)]);
}

function* files(root: string, folder: string): Generator<TreeFile> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (notOurs.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(root, path);
    else yield treeFile(root, path, entry);
  }
}

function treeFile(root: string, path: string, entry: Dirent): TreeFile {
  const text = textual.test(entry.name) ? readFileSync(path, "utf8") : "";
  return { path: relative(root, path).replaceAll("\\", "/"), text };
}

function main(): number {
  let folder: string;
  try {
    const { values, positionals } = parseArgs({
      options: { help: { type: "boolean", short: "h" } },
      allowPositionals: true,
    });
    if (values.help === true) {
      console.log(help);
      return 0;
    }
    folder = positionals[0] ?? fileURLToPath(new URL("../..", import.meta.url));
  } catch (error) {
    console.error(`tidy: ${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    return 2;
  }
  const findings = tidy(folder);
  for (const { path, line, message } of findings) console.error(`${path}:${line}: ${message}`);
  console.log(findings.length === 0 ? "tidy: nothing to say" : `tidy: ${findings.length} findings`);
  return findings.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main();
