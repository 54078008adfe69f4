// A cluster of real processes, used from the command line as a person would: crash, restart, stop,
// start again.

import assert from "node:assert/strict";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freeBasePort } from "../../src/cli/free-ports.js";
import { launch, type Running, temporaryFolder, troth } from "./harness.js";

const init = async (folder: string, ...more: string[]) => {
  const basePort = String(await freeBasePort(3));
  return troth("init", "--dir", folder, "--base-port", basePort, "--clients", "2", ...more);
};

/** Starts one replica, which the test's end stops if it still runs. */
async function start(context: TestContext, folder: string, replica: number): Promise<Running> {
  const running = launch(["start", "--dir", folder, "--replica", String(replica)]);
  context.after(() => running.end("SIGKILL"));
  await running.says(`replica ${replica} `);
  return running;
}

const startAll = (context: TestContext, folder: string) =>
  Promise.all([0, 1, 2].map((replica) => start(context, folder, replica)));

test("init writes one public file and private folders", async (context) => {
  const folder = join(temporaryFolder(context), "c");
  const { code, out } = await init(folder);
  assert.equal(code, 0);
  assert.match(out, /3 replicas of kv by hybster \(hybrid, f = 1\)/);
  for (const name of ["replica-0", "replica-1", "replica-2", "clients", "administrator"]) {
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o700, name);
  }
  for (const name of readdirSync(join(folder, "clients"))) {
    assert.equal(statSync(join(folder, "clients", name)).mode & 0o777, 0o600, name);
  }
  const again = await init(folder);
  assert.equal(again.code, 2, "an existing cluster is never overwritten");
});

test("protocols --json prints the catalogue", async () => {
  const { code, out } = await troth("protocols", "--json");
  assert.equal(code, 0);
  const catalogue = JSON.parse(out) as Record<string, unknown>[];
  const hybster = catalogue.find(({ name }) => name === "hybster");
  assert.equal(hybster?.["faultModel"], "hybrid");
  assert.equal(hybster?.["replicas"], "2f+1");
  for (const field of ["quorums", "delays", "paper", "order", "clientAuthentications"]) {
    assert.ok(hybster?.[field] !== undefined, field);
  }
});

test("the key-value commands survive a crash, a restart and a stop", async (context) => {
  const folder = join(temporaryFolder(context), "c");
  await init(folder);
  const at = ["--dir", folder];
  const replicas = await startAll(context, folder);

  assert.equal((await troth("put", "greeting", "hello", ...at)).code, 0);
  assert.deepEqual(await troth("get", "greeting", ...at), { code: 0, out: "hello\n", err: "" });
  assert.equal((await troth("get", "nothing", ...at)).code, 1);
  assert.equal((await troth("cas", "greeting", "hello", "hi", ...at)).code, 0);
  assert.equal((await troth("cas", "greeting", "hello", "hey", ...at)).code, 1);
  assert.equal((await troth("incr", "visits", ...at)).out, "1\n");
  assert.equal((await troth("incr", "visits", "41", ...at)).out, "42\n");
  assert.equal((await troth("append", "greeting", " there", ...at)).code, 0);
  assert.equal((await launch(["put", "piped", "-", ...at], "from a pipe").ended).code, 0);

  await replicas[0]!.end("SIGKILL");
  const certified = await troth("get", "greeting", "--json", ...at);
  const { value, replicas: vouchers } = JSON.parse(certified.out) as {
    value: string;
    replicas: number[];
  };
  assert.equal(value, "hi there");
  assert.deepEqual(
    vouchers.toSorted((a, b) => a - b),
    [1, 2],
    "both that are left vouch for it",
  );
  assert.equal((await troth("incr", "visits", ...at)).out, "43\n");

  const status = await troth("status", "--json", ...at);
  assert.equal(status.code, 0, "one of three may be down");
  const { replicas: reports } = JSON.parse(status.out) as { replicas: { answers: boolean }[] };
  assert.deepEqual(
    reports.map(({ answers }) => answers),
    [false, true, true],
  );
  assert.match((await troth("status", ...at)).out, /no answer/);

  replicas[0] = await start(context, folder, 0);
  await replicas[1]!.end("SIGKILL");
  assert.equal((await troth("incr", "visits", ...at)).out, "44\n", "the restarted one votes again");

  const ends = await Promise.all([replicas[0].end("SIGTERM"), replicas[2]!.end("SIGTERM")]);
  assert.deepEqual(
    ends.map(({ code }) => code),
    [0, 0],
  );
  assert.equal((await troth("status", ...at)).code, 3);
  const unreachable = await troth("get", "greeting", "--deadline", "300", ...at);
  assert.equal(unreachable.code, 3);
  assert.match(unreachable.err, /^troth: .*Nothing was sent/);

  await startAll(context, folder);
  const list = await troth("list", "--json", ...at);
  const { entries } = JSON.parse(list.out) as { entries: { key: string; value: string }[] };
  assert.deepEqual(
    entries.map(({ key, value }) => [key, value]),
    [
      ["greeting", "hi there"],
      ["piped", "from a pipe"],
      ["visits", "44"],
    ],
  );
  assert.equal((await troth("delete", "greeting", ...at)).code, 0);
  assert.equal((await troth("get", "greeting", ...at)).code, 1);
});

test("up runs a cluster, stops cleanly on SIGINT, and goes on with its data", async (context) => {
  const folder = join(temporaryFolder(context), "data");
  const at = ["--dir", folder];
  const up = ["up", ...at, "--base-port", String(await freeBasePort(3))];
  const first = launch(up);
  context.after(() => first.end("SIGKILL"));
  await first.says("Ctrl-C stops the cluster");
  assert.equal((await troth("put", "k", "v", ...at)).code, 0);
  const stopped = await first.end("SIGINT");
  assert.deepEqual([stopped.code, stopped.err], [0, ""]);

  const second = launch(["up", ...at]);
  context.after(() => second.end("SIGKILL"));
  await second.says("Ctrl-C stops the cluster");
  assert.equal((await troth("get", "k", ...at)).out, "v\n");
  assert.equal((await second.end("SIGINT")).code, 0);
});

test("up explains a busy port, a broken configuration and a damaged key", async (context) => {
  const parent = temporaryFolder(context);
  const busy = join(parent, "busy");
  const basePort = await freeBasePort(3);
  const server = createServer().listen(basePort, "127.0.0.1");
  context.after(() => server.close());
  const onBusyPort = await troth("up", "--dir", busy, "--base-port", String(basePort));
  assert.equal(onBusyPort.code, 2);
  assert.match(onBusyPort.err, new RegExp(`^troth: .*${basePort}.*in use`));

  const damagedKey = join(busy, "replica-1", "group.secret");
  writeFileSync(damagedKey, "not hexadecimal");
  const withDamagedKey = await troth("up", "--dir", busy);
  assert.equal(withDamagedKey.code, 2);
  assert.match(withDamagedKey.err, /^troth: .*replica-1\/group\.secret/);

  writeFileSync(join(busy, "cluster.json"), "{");
  const withBrokenConfiguration = await troth("up", "--dir", busy);
  assert.equal(withBrokenConfiguration.code, 2);
  assert.match(withBrokenConfiguration.err, /^troth: .*cluster\.json/);
});

test("a crashed replica of up is started again", async (context) => {
  const folder = join(temporaryFolder(context), "data");
  const at = ["--dir", folder];
  const up = launch(["up", ...at, "--base-port", String(await freeBasePort(3))]);
  context.after(() => up.end("SIGKILL"));
  await up.says("Ctrl-C stops the cluster");
  const [, pid] = /kill -9 (\d+)/.exec(up.out) ?? [];
  process.kill(Number(pid), "SIGKILL");
  await up.says("Replica 0 ended: signal SIGKILL");
  await up.says("Replica 0 is back");
  assert.equal((await up.end("SIGINT")).code, 0);
});
