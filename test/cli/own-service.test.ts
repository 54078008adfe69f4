// A service of one's own, as a person runs it: the example ledger in a cluster of real processes.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readConfiguration } from "../../src/cluster/index.js";
import { freeBasePort } from "../../src/cli/free-ports.js";
import { launch, temporaryFolder, troth } from "./harness.js";

/** build/examples/ledger, seen from build/test/cli. */
const example = (name: string) =>
  fileURLToPath(new URL(`../../examples/ledger/${name}`, import.meta.url));

test("up runs a module's service, and a program of its own uses it", async (context) => {
  const folder = join(temporaryFolder(context), "bank");
  const service = relative(process.cwd(), example("ledger.js"));
  const basePort = String(await freeBasePort(3));
  const up = launch(["up", "--dir", folder, "--service", service, "--base-port", basePort]);
  context.after(() => up.end("SIGKILL"));
  await up.says("Ctrl-C stops the cluster");
  assert.doesNotMatch(up.out, /troth put/, "those commands are for kv");
  const recorded = readConfiguration(folder).service;
  assert.equal(resolve(folder, recorded), example("ledger.js"), "found from any working directory");

  const program = spawnSync(process.execPath, [example("main.js"), folder], { encoding: "utf8" });
  assert.equal(program.status, 0, program.stderr);
  const answers = program.stdout.trimEnd().split("\n");
  assert.deepEqual(
    answers.map((line) => line.replace(/^.*→ /, "")),
    [
      '{"balance":10000}',
      '{"balance":0}',
      '{"balance":7500}',
      '{"refused":"the account has too little"}',
      '{"balance":7500}',
      '{"balance":2500}',
    ],
  );
  const put = await troth("put", "k", "v", "--dir", folder);
  assert.deepEqual([put.code, put.out], [2, ""]);
  assert.match(put.err, /ledger\.js, not kv/);
  assert.equal((await up.end("SIGINT")).code, 0);

  const other = await troth("up", "--dir", folder, "--service", "kv");
  assert.equal(other.code, 2);
  assert.match(other.err, /made with another --service/);
});

test("a module that is no service is explained, and nothing is made", async (context) => {
  const folder = temporaryFolder(context);
  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ["missing.js", "", /Cannot find module/],
    ["syntax.mjs", "export default (", /Unexpected end of input/],
    ["named.mjs", "export const create = () => ({});", /no function as its default/],
    ["throws.mjs", 'export default () => { throw new Error("out of cheese"); };', /out of cheese/],
    ["none.mjs", 'export default () => ({ order: "total", apply() {} });', /is no service/],
  ];
  for (const [name, text, explanation] of wrong) {
    const path = join(folder, name);
    if (text !== "") writeFileSync(path, text);
    const { code, err } = await troth("init", "--dir", join(folder, "c"), "--service", path);
    assert.equal(code, 2, name);
    assert.ok(err.startsWith(`troth: cannot load the service ${path}: `), err);
    assert.match(err, explanation);
  }
  const { code, err } = await troth("start", "--dir", join(folder, "c"), "--replica", "0");
  assert.equal(code, 2);
  assert.match(err, /there is no cluster/);
});

test("a service that needs a total order is refused where there is none", async (context) => {
  const folder = temporaryFolder(context);
  const service = join(folder, "total.mjs");
  const methods = "apply footprint mark rewind settle pages readPage restore".split(" ");
  const members = methods.map((name) => `${name}() {}`).join(", ");
  writeFileSync(service, `export default () => ({ order: "total", ${members} });\n`);
  const dir = join(folder, "cluster");
  const init = await troth("init", "--protocol", "ezbft", "--service", service, "--dir", dir);
  assert.equal(init.code, 2);
  assert.match(init.err, /needs a total order, which ezbft does not give: choose another protocol/);
});
