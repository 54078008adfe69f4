// Trusted modules that restart, in a cluster of real processes: admitted by leases, even with an
// old copy of the journal; mute with fail-stop; and what a power cut of all means.

import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type Configuration, readConfiguration } from "../../src/cluster/index.js";
import { freeBasePort } from "../../src/cli/free-ports.js";
import { askReplica } from "../../src/cli/status-page.js";
import type { ReplicaReport } from "../../src/runtime/index.js";
import { type Client, connect, keyValue } from "../../src/troth/index.js";
import { launch, type Running, temporaryFolder, troth } from "./harness.js";

const timeout = 120_000;
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
/** More orders than a lease reaches, and a checkpoint above it. */
const pastLease = 720;

/** Three replica processes, and a client. */
class Cluster {
  readonly folder: string;
  #client: Client | null = null;
  readonly #context: TestContext;
  readonly #configuration: Configuration;
  readonly #running: Running[] = [];
  #sum = 0;

  private constructor(context: TestContext, folder: string) {
    this.folder = folder;
    this.#context = context;
    this.#configuration = readConfiguration(folder);
  }

  static async start(context: TestContext, freshness: string): Promise<Cluster> {
    const folder = join(temporaryFolder(context), "c");
    const ports = ["--base-port", String(await freeBasePort(3)), "--clients", "2"];
    const made = await troth("init", "--dir", folder, "--freshness", freshness, ...ports);
    assert.equal(made.code, 0, made.err);
    const cluster = new Cluster(context, folder);
    await cluster.startAll();
    const client = await connect({ folder });
    context.after(() => client.close());
    cluster.#client = client;
    return cluster;
  }

  async startAll(): Promise<void> {
    await Promise.all([0, 1, 2].map((replica) => this.launch(replica)));
  }

  async launch(replica: number): Promise<void> {
    const running = launch(["start", "--dir", this.folder, "--replica", String(replica)]);
    this.#context.after(() => running.end("SIGKILL"));
    this.#running[replica] = running;
    await running.says(`replica ${replica} `);
  }

  async kill(replica: number): Promise<void> {
    await this.#running[replica]!.end("SIGKILL");
  }

  /** Does something while a replica stands still, as a snapshot of its machine would. */
  whileStopped(replica: number, work: () => void): void {
    const { child } = this.#running[replica]!;
    child.kill("SIGSTOP");
    work();
    child.kill("SIGCONT");
  }

  report(replica: number): Promise<ReplicaReport | null> {
    return askReplica(this.#configuration.replicas[replica]!.healthPort);
  }

  /** Waits until a replica's report is so. */
  async until(replica: number, isSo: (report: ReplicaReport) => boolean): Promise<void> {
    for (;;) {
      const report = await this.report(replica);
      if (report !== null && isSo(report)) return;
      await setTimeout(20);
    }
  }

  /** Adds one so many times, one after the other: so many orders. */
  async add(count: number, deadlineMs = 20_000): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.#client!.call(keyValue.add(bytes("k"), 1n), { deadlineMs });
      this.#sum += 1;
    }
  }

  /** Whether every addition took effect once. */
  async hasAll(): Promise<boolean> {
    const { out } = await troth("get", "k", "--dir", this.folder);
    return out === `${this.#sum}\n`;
  }
}

test("leases: a killed replica is admitted and votes again, even with an old journal", {
  timeout,
}, async (context) => {
  const cluster = await Cluster.start(context, "leases");
  const journal = join(cluster.folder, "replica-2", "journal");
  await cluster.add(10);
  cluster.whileStopped(2, () => cpSync(journal, `${journal}.copy`, { recursive: true }));
  await cluster.add(50);
  await Promise.all([cluster.add(10), cluster.kill(2)]);
  rmSync(journal, { recursive: true });
  cpSync(`${journal}.copy`, journal, { recursive: true });
  await cluster.launch(2);
  await cluster.until(2, ({ isWaiting }) => !isWaiting);
  await cluster.add(pastLease);
  await cluster.kill(1);
  await cluster.add(10); // that takes the vote of replica 2
  assert.ok(await cluster.hasAll());

  await Promise.all([0, 2].map((replica) => cluster.kill(replica)));
  await cluster.startAll();
  const { code, out } = await troth("status", "--dir", cluster.folder);
  assert.equal(code, 3);
  assert.match(out, /waiting/);
  assert.match(out, /Replicas 0, 1, 2 can never vote again.*troth init/);
});

test("fail-stop: a restarted replica is mute, and the others go on", {
  timeout,
}, async (context) => {
  const cluster = await Cluster.start(context, "fail-stop");
  await cluster.add(6);
  await cluster.kill(0);
  await cluster.launch(0);
  await cluster.add(6);
  await cluster.until(0, ({ role, executed }) => role === "mute" && executed >= 10);
  assert.equal((await troth("status", "--dir", cluster.folder)).code, 0);
  await cluster.kill(1);
  await assert.rejects(cluster.add(1, 1000), { code: "DEADLINE" });
  assert.equal((await troth("status", "--dir", cluster.folder)).code, 3);
});
