// Durable writes of 1 KB values: Debian's etcd with three members beside Troth with three replicas,
// on this machine.
// Skips, with a message, where etcd is not installed. Run: npm run bench:etcd

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const members = 3;
/**
 * `etcdctl check perf` limits the rate by load; this one allows 8000 writes a second. It lasts 60
 * s.
 */
const load = "l";
const environment = { ...process.env, ETCDCTL_API: "3" };
const troth = fileURLToPath(new URL("../build/src/cli/main.js", import.meta.url));

const isInstalled = (program) =>
  spawnSync(program, ["--help"], { stdio: "ignore" }).error === undefined;

/** Ports of the loopback interface that are free now. */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(
    servers.map((server) => new Promise((resolve) => server.once("listening", resolve))),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Starts the members in a folder; `stop` ends them and waits. */
async function startEtcd(folder) {
  const ports = await freePorts(2 * members);
  const client = (i) => `http://127.0.0.1:${ports[2 * i]}`;
  const peer = (i) => `http://127.0.0.1:${ports[2 * i + 1]}`;
  const ids = Array.from({ length: members }, (_, i) => i);
  const children = ids.map((i) =>
    spawn(
      "etcd",
      [
        ["--name", `member-${i}`],
        ["--data-dir", join(folder, `member-${i}`)],
        ["--listen-client-urls", client(i), "--advertise-client-urls", client(i)],
        ["--listen-peer-urls", peer(i), "--initial-advertise-peer-urls", peer(i)],
        ["--initial-cluster", ids.map((j) => `member-${j}=${peer(j)}`).join(",")],
        ["--log-level", "error"],
      ].flat(),
      { stdio: "ignore" },
    ),
  );
  const ends = children.map((child) => new Promise((resolve) => child.once("close", resolve)));
  const stop = async () => {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(ends);
  };
  return { endpoints: ids.map(client).join(","), stop };
}

/** Writes a second by etcd's own benchmark, or null if it said nothing that we understand. */
async function measureEtcd() {
  const folder = mkdtempSync(join(tmpdir(), "troth-etcd-"));
  const { endpoints, stop } = await startEtcd(folder);
  try {
    const ready = spawnSync(
      "etcdctl",
      ["--endpoints", endpoints, "--command-timeout", "30s", "endpoint", "health"],
      { env: environment, encoding: "utf8" },
    );
    if (ready.status !== 0) throw new Error(`etcd did not start: ${ready.stderr}`);
    const child = spawn("etcdctl", ["--endpoints", endpoints, "check", "perf", `--load=${load}`], {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
    await new Promise((resolve) => child.once("close", resolve));
    const writes = /([\d.]+) writes\/s/.exec(said);
    if (writes === null) throw new Error(`etcdctl check perf said: ${said.slice(-500)}`);
    return Number(writes[1]);
  } finally {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes a second by `troth bench`. */
async function measureTroth() {
  const cluster = ["--service", "kv", "--durable"];
  const work = ["--bundle", "64", "--payload", "1024", "--outstanding", "32", "--seconds", "10"];
  const words = ["bench", ...cluster, ...work, "--json"];
  const child = spawn(process.execPath, [troth, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (text) => (said += text));
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`troth bench ended with code ${code}`);
  return JSON.parse(said);
}

if (!isInstalled("etcd") || !isInstalled("etcdctl")) {
  console.log(
    "Skipped: etcd and etcdctl are not installed (apt-get install etcd-server etcd-client).",
  );
} else {
  console.log(
    `etcd, ${members} members: etcdctl check perf --load=${load}, 1 KB values, a minute …`,
  );
  const etcd = await measureEtcd();
  console.log(`  ${Math.round(etcd)} writes/s`);
  console.log("Troth, 3 replicas: kv puts of 1 KB values, durable, 64 a bundle …");
  const { operationsPerSecond, latencyMs, errors } = await measureTroth();
  console.log(`  ${operationsPerSecond} writes/s, median ${latencyMs.p50} ms, errors ${errors}`);
  console.log(`Troth / etcd = ${(operationsPerSecond / etcd).toFixed(1)}`);
}
