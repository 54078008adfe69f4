// Tidy: each rule finds its fault in a small made-up repository, and the repository itself is tidy.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { tidy } from "../../tools/tidy.js";
import { checkTree } from "../../tools/tidy-rules.js";

const layer = (references: string[], types: string[] = []) =>
  JSON.stringify({
    compilerOptions: { types },
    references: references.map((name) => ({ path: `../${name}` })),
  });

const tidyRepository: Readonly<Record<string, string>> = {
  "package.json": JSON.stringify({ bin: "build/src/cli/main.js", dependencies: { lmdb: "3" } }),
  "docs/dependencies.md": "# Dependencies\n`lmdb` keeps the journal.",
  "README.md": "[how](docs/dependencies.md) and [why](https://example.org/x.md)",
  "src/core/tsconfig.json": layer([]),
  "src/core/index.ts": '// The vocabulary.\nexport * from "./ids.js";',
  "src/core/ids.ts": "// Numbers that name replicas.\nexport type Id = number;",
  "src/protocols/tsconfig.json": layer(["core"]),
  "src/protocols/index.ts": '// The catalogue.\nexport * from "./raft/replica.js";',
  "src/protocols/raft/README.md": "| paper section | function |\n|---|---|\n| 5.2 | `onVote` |",
  "src/protocols/raft/replica.ts":
    '// A replica.\nimport { Id } from "../../core/index.js";\nexport const onVote = (_: Id) => 1;',
  "src/cli/tsconfig.json": layer(["protocols"], ["node"]),
  "src/cli/main.ts":
    '#!node\n// A command.\nimport "lmdb";\nimport {\n  a,\n} from "../protocols/index.js";',
  "test/raft.test.ts": '// Raft votes.\nimport { onVote } from "../src/protocols/raft/replica.js";',
};

/** The findings, as lines, after some files of the tidy repository were changed or added. */
function findings(changes: Readonly<Record<string, string>>): string[] {
  const files = Object.entries({ ...tidyRepository, ...changes });
  return checkTree(files.map(([path, text]) => ({ path, text }))).map(
    ({ path, line, message }) => `${path}:${line}: ${message}`,
  );
}

/** Exactly one finding, at this place and with these words. */
function finds(changes: Readonly<Record<string, string>>, place: string, words: RegExp): void {
  const found = findings(changes);
  assert.equal(found.length, 1, found.join("\n"));
  assert.ok(found[0]?.startsWith(`${place}: `), found[0]);
  assert.match(found[0] ?? "", words);
}

const after = (path: string, text: string) => ({ [path]: `${tidyRepository[path]}\n${text}` });

/** A made-up file's text, written so that tidy does not take it for this file's. */
const hidden = (text: string) => text.replaceAll("~", "");

describe("tidy", () => {
  test("has nothing to say of a tidy repository", () => {
    assert.deepEqual(findings({}), []);
  });

  test("imports: a layer that is not referenced", () => {
    const text = 'import "../cli/main.js";';
    finds(after("src/core/ids.ts", text), "src/core/ids.ts:3", /src\/core may not import src\/cli/);
  });

  test("imports: past another layer's index", () => {
    const text = 'export { onVote } from "../protocols/raft/replica.js";';
    finds(after("src/cli/main.ts", text), "src/cli/main.ts:7", /through its index\.js/);
  });

  test("imports: dynamic ones and workers count too", () => {
    for (const call of ["import(", "new URL("]) {
      const text = `  ${call}"../protocols/raft/replica.js", import.meta.url);`;
      finds(after("src/cli/main.ts", text), "src/cli/main.ts:7", /through its index\.js/);
    }
  });

  test("imports: a path that leads nowhere", () => {
    finds(after("src/cli/main.ts", 'import "./gone.js";'), "src/cli/main.ts:7", /leads nowhere/);
  });

  test("imports: text about imports is not one", () => {
    assert.deepEqual(findings(after("src/cli/main.ts", "const a = 'import \"./gone.js\";';")), []);
  });

  test("a pure layer references one that is not", () => {
    const changes = { "src/core/tsconfig.json": layer(["cli"]) };
    finds(changes, "src/core/tsconfig.json:1", /may not reference src\/cli/);
  });

  test("packages: used and not declared, declared and not used, not explained", () => {
    const undeclared = after("src/cli/main.ts", 'import { a } from "@some/thing/part";');
    finds(undeclared, "src/cli/main.ts:7", /@some\/thing is no dependency/);
    const unused = {
      "src/cli/main.ts": (tidyRepository["src/cli/main.ts"] ?? "").replace('import "lmdb";', ""),
    };
    finds(unused, "package.json:1", /nothing uses lmdb/);
    finds({ "docs/dependencies.md": "# Dependencies" }, "docs/dependencies.md:1", /`lmdb`/);
  });

  test("dead files, also those that only dead files reach", () => {
    const found = findings({
      "src/core/old.ts": '// Old.\nimport "./older.js";',
      "src/core/older.ts": "// Older.",
    });
    assert.deepEqual(
      found.map((line) => line.replace(/ reached.*/, "")),
      ["src/core/old.ts:1: dead:", "src/core/older.ts:1: dead:"],
    );
  });

  test("a worker named by its URL, a test and an example are alive", () => {
    const found = findings({
      ...after("src/cli/main.ts", hidden('fork(new ~URL("worker.js", import.meta.url));')),
      "src/cli/worker.ts": "// A worker.",
      "test/other.test.ts": "// Another test.",
      "examples/ledger/ledger.ts": "// A ledger.",
    });
    assert.deepEqual(found, []);
  });

  test("columns: 100 are enough", () => {
    assert.deepEqual(findings(after("src/core/ids.ts", `// ${"é".repeat(97)}`)), []);
    finds(after("src/core/ids.ts", `// ${"é".repeat(98)}`), "src/core/ids.ts:3", /101 columns/);
  });

  test("first lines say what a file is", () => {
    finds({ "src/core/ids.ts": "export type Id = number;" }, "src/core/ids.ts:1", /comment/);
    finds({ "src/core/ids.ts": "//\nexport type Id = number;" }, "src/core/ids.ts:1", /comment/);
    assert.deepEqual(findings({ "src/core/ids.ts": "/** Numbers. */\nexport {};" }), []);
  });

  test("leftovers: narrowed tests, skips without a reason, switched-off linters", () => {
    const lines = [
      'test.~only("x");',
      'it.~todo("x");',
      'test("x", { only~: true });',
      'describe.~skip("x");',
      'test("x", { skip~: true });',
      "t.skip~();",
      "// oxlint-~disable-next-line",
    ];
    for (const line of lines) {
      finds(after("test/raft.test.ts", hidden(line)), "test/raft.test.ts:3", /test|linter/);
    }
    const withReasons = 'test("x", { skip: !etcd && "no etcd here" });\nt.skip("no etcd here");';
    assert.deepEqual(findings(after("test/raft.test.ts", withReasons)), []);
  });

  test("papers: a README that names a function or file which is not there", () => {
    const path = "src/protocols/raft/README.md";
    finds(after(path, "| 5.3 | `onAppend()` |"), `${path}:4`, /`onAppend` does not exist/);
    finds(after(path, "| 5.3 | `append.ts` |"), `${path}:4`, /`append\.ts` does not exist/);
    finds({ [path]: "# Raft" }, `${path}:1`, /needs a table/);
    const known = "| 5.3 | `Replica.onVote()` in `replica.ts` |\n\nOutside a table: `onAppend`.";
    assert.deepEqual(findings(after(path, known)), []);
  });

  test("links lead somewhere", () => {
    finds(after("README.md", "[a](docs/gone.md)"), "README.md:2", /docs\/gone\.md/);
    finds(after("README.md", '<img src="docs/gone.svg">'), "README.md:2", /docs\/gone\.svg/);
    assert.deepEqual(
      findings(after("README.md", "[a](docs/) [b](#here) [c](/src/core/ids.ts#x)")),
      [],
    );
  });

  test("the command prints file:line: message and exits 1; 2 for wrong arguments", () => {
    const folder = mkdtempSync(join(tmpdir(), "tidy-"));
    try {
      writeFileSync(join(folder, "loose.ts"), "export {};\n");
      const found = command(folder);
      assert.match(found.stderr, /^loose\.ts:1: dead/m);
      assert.equal(found.status, 1);
      assert.match(command("--help").stdout, /Usage/);
      assert.equal(command("--help").status, 0);
      assert.equal(command("--no-such-option").status, 2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("this repository is tidy", () => {
    const root = fileURLToPath(new URL("../../../", import.meta.url));
    const lines = tidy(root).map(({ path, line, message }) => `${path}:${line}: ${message}`);
    assert.ok(lines.length === 0, `\n${lines.join("\n")}`);
  });
});

function command(...args: string[]) {
  const script = fileURLToPath(new URL("../../tools/tidy.js", import.meta.url));
  return spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });
}
