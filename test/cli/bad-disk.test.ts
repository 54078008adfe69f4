// Disks that fail one replica of three: it says so and ends, nothing acknowledged is lost, and the
// others go on.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freeBasePort } from "../../src/cli/free-ports.js";
import { connect, keyValue, readOutcome } from "../../src/troth/index.js";
import { launchLimited, temporaryFolder, troth } from "./harness.js";

async function makeCluster(context: TestContext): Promise<string> {
  const folder = join(temporaryFolder(context), "c");
  const basePort = String(await freeBasePort(3));
  const made = await troth("init", "--dir", folder, "--base-port", basePort, "--clients", "1");
  assert.equal(made.code, 0, made.err);
  return folder;
}

/** A replica, started after a shell command that limits it. */
function start(
  context: TestContext,
  folder: string,
  replica: number,
  limit: string,
  shell?: string[],
) {
  const args = ["start", "--dir", folder, "--replica", String(replica)];
  const running = launchLimited(limit, args, shell);
  context.after(() => running.end("SIGKILL"));
  return running;
}

async function serving(context: TestContext, folder: string, replica: number, limit = "true") {
  const running = start(context, folder, replica, limit);
  await running.says(`replica ${replica} `);
  return running;
}

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

test("a replica whose disk is full says so and ends; nothing is lost", async (context) => {
  const folder = await makeCluster(context);
  // A limit on the size of files is what a test can have of a full disk.
  const full = await serving(context, folder, 2, "ulimit -f 4096");
  const others = [await serving(context, folder, 0), await serving(context, folder, 1)];
  const client = await connect({ folder });
  context.after(() => client.close());
  const value = new Uint8Array(60_000).fill(7);
  let acknowledged = 0;
  while (full.child.exitCode === null && acknowledged < 1000) {
    await client.call(keyValue.put(bytes(`key ${acknowledged}`), value));
    acknowledged++;
  }
  const { code, err } = await full.ended;
  assert.equal(code, 1, err);
  assert.match(
    err,
    /^troth: replica 2 stopped: cannot write .*replica-2.*data\.mdb: .*Free or repair/m,
  );

  await client.call(keyValue.put(bytes("later"), value));
  // With its disk repaired the replica votes again: one of the others may go.
  await serving(context, folder, 2);
  await others[1]!.end("SIGKILL");
  for (const key of ["key 0", `key ${acknowledged - 1}`, "later"]) {
    const outcome = readOutcome(await client.call(keyValue.get(bytes(key))));
    assert.ok(outcome?.kind === "value" && outcome.value.length === value.length, key);
  }
});

/** A shell that may mount, for itself only. */
const ownMounts = ["unshare", "-rm", "bash"];
const [unshare, ...inside] = ownMounts;
const mayMount = spawnSync(unshare!, [...inside, "-c", "mount -t tmpfs none /tmp"]).status === 0;

test("a replica whose disk is read-only says so and does not start; the others serve", {
  skip: mayMount ? false : "this user may not mount in a namespace of its own",
}, async (context) => {
  const folder = await makeCluster(context);
  await Promise.all([serving(context, folder, 0), serving(context, folder, 1)]);
  const own = join(folder, "replica-2");
  const readOnly = `mount --bind "${own}" "${own}" && mount -o remount,bind,ro "${own}"`;
  const { code, err } = await start(context, folder, 2, readOnly, ownMounts).ended;
  assert.equal(code, 2, err);
  assert.match(err, /^troth: cannot open the journal in .*replica-2.*[Rr]ead-only/);
  const client = await connect({ folder });
  context.after(() => client.close());
  const outcome = readOutcome(await client.call(keyValue.put(bytes("k"), bytes("v"))));
  assert.deepEqual(outcome, { kind: "done" });
});
