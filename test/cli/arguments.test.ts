// Wrong arguments end with code 2 and a line that says what was wrong; help always has an example.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makeProgram } from "../../src/cli/program.js";
import { troth } from "./harness.js";

const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["an unknown command", ["flourish"], /unknown command 'flourish'/],
  ["an unknown option", ["status", "--colour"], /unknown option '--colour'/],
  ["a number that is none", ["init", "--replicas", "three"], /whole number from 1 to 100/],
  [
    "an unfit number",
    ["init", "--replicas", "4", "--dir", "/nonexistent"],
    /needs 2f\+1 replicas.*3, 5, 7/,
  ],
  ["an unknown protocol", ["init", "--protocol", "oracle", "--dir", "/nonexistent"], /oracle/],
  [
    "an unfit fault model",
    ["init", "--fault", "byzantine", "--dir", "/nonexistent"],
    /--fault hybrid/,
  ],
  ["a missing argument", ["get"], /missing required argument 'key'/],
  ["a missing cluster", ["get", "k", "--dir", "/nonexistent/here"], /\/nonexistent\/here/],
  ["a reversed range", ["simulate", "--seeds", "9..1"], /range such as 1\.\.1000/],
];

for (const [what, args, message] of wrong) {
  test(`${what} ends with code 2 and says so`, async () => {
    const { code, out, err } = await troth(...args);
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(err, message);
    assert.match(err, /^troth: /);
    assert.doesNotMatch(err, /\n\s+at /, "no stack trace");
  });
}

test("every command's help has an example", () => {
  let text = "";
  for (const command of makeProgram().commands) {
    text = "";
    command.configureOutput({ writeOut: (part) => (text += part) });
    command.outputHelp();
    assert.match(text, /Example:\n {2}\$ troth /, command.name());
  }
  assert.notEqual(text, "");
});

test("--version is the package's, --help names the exit codes", async () => {
  const [version, help] = await Promise.all([troth("--version"), troth("--help")]);
  assert.match(version.out, /^\d+\.\d+\.\d+\n$/);
  assert.deepEqual([version.code, help.code], [0, 0]);
  assert.match(help.out, /Exit codes:/);
});
