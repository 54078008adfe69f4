// A rollback attack on a real replica: an old copy of its journal. What its module certified
// before is never certified again with leases; with the storage believed, it is.

import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { freeBasePort } from "../../src/cli/free-ports.js";
import { openService } from "../../src/cli/service.js";
import { readConfiguration, readReplicaKeys } from "../../src/cluster/index.js";
import { type Attestation, defaultLimits, type TrustedCounter } from "../../src/core/index.js";
import { protocolNamed } from "../../src/protocols/index.js";
import { createLogger, type RunningReplica, startReplica } from "../../src/runtime/index.js";
import { connect, keyValue } from "../../src/troth/index.js";
import { openTrustedModule } from "../../src/trusted/index.js";
import { temporaryFolder, troth } from "./harness.js";

const timeout = 60_000;
const key = Uint8Array.of(1);
/** Short, so that a lease is soon used up. */
const limits = { ...defaultLimits, checkpointOrders: 8 };

/** Positions that a counter certified, each time it did. */
type Certified = string[];

/** The counter, and a record of the positions it moves to. */
function recorded(counter: TrustedCounter, certified: Certified): TrustedCounter {
  const note = (attestation: Attestation | null): Attestation | null => {
    if (attestation !== null) {
      const { view, order } = attestation.next;
      certified.push(`${attestation.counter} at ${view}|${order}`);
    }
    return attestation;
  };
  return new Proxy(counter, {
    get(target, name: keyof TrustedCounter) {
      if (name === "independent" || name === "continuing") {
        return (...input: Parameters<TrustedCounter["independent"]>) =>
          note(target[name](...input));
      }
      const value = target[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Positions of replica 2 that were certified by more than one life of its module. */
async function attack(context: TestContext, freshness: string, afterCopy: number): Promise<number> {
  const folder = join(temporaryFolder(context), "c");
  const ports = ["--base-port", String(await freeBasePort(3)), "--clients", "1"];
  await troth("init", "--dir", folder, "--freshness", freshness, ...ports);
  const lives: Certified[] = [];
  const start = (id: number) => startRecorded(context, folder, id, lives);
  const others = await Promise.all([0, 1].map(start));
  const victim = await start(2);
  const client = await connect({ folder });
  context.after(() => client.close());
  const add = async (count: number) => {
    for (let i = 0; i < count; i++) await client.call(keyValue.add(key, 1n));
  };
  await add(5);
  await until(() => victim.status().executed === 5);
  await victim.stop();
  const journal = join(folder, "replica-2", "journal");
  cpSync(journal, `${journal}.copy`, { recursive: true });
  await add(5);
  const honest = await start(2);
  await until(() => honest.status().executed === 10 && !honest.status().isWaiting);
  await add(afterCopy);
  await until(() => honest.status().executed === others[0]!.status().executed);
  await honest.stop();
  rmSync(journal, { recursive: true });
  cpSync(`${journal}.copy`, journal, { recursive: true });
  const rolledBack = await start(2);
  const { executed } = others[0]!.status();
  await until(() => rolledBack.status().executed === executed && !rolledBack.status().isWaiting);
  assert.equal(rolledBack.status().role, freshness === "leases" ? "mute" : "follower");
  await add(40);
  await until(() => rolledBack.status().role === "follower");
  await others[0]!.stop();
  await add(5); // that takes its vote, in a view change too
  assert.ok(
    lives.every((certified) => certified.length > 0),
    "every life certified something",
  );
  const [, , first, second, third] = lives as [Certified, Certified, ...Certified[]];
  const before = new Set([...first!, ...second!]);
  return third!.filter((position) => before.has(position)).length;
}

async function startRecorded(
  context: TestContext,
  folder: string,
  id: number,
  lives: Certified[],
): Promise<RunningReplica> {
  const configuration = readConfiguration(folder);
  const { n, f, freshness, trustedMeasurement: measurement } = configuration;
  const keys = readReplicaKeys(folder, id);
  const certified: Certified = [];
  lives.push(certified);
  const group = { n, f, freshness };
  const replica = await startReplica({
    configuration,
    keys,
    protocol: protocolNamed("hybster"),
    service: await openService("kv", folder),
    counter: (firstBoot) => {
      const options = {
        groupSecret: keys.groupSecret,
        instance: id,
        group,
        measurement,
        firstBoot,
      };
      return recorded(openTrustedModule(options), certified);
    },
    limits,
    logger: createLogger("silent"),
  });
  context.after(() => replica.stop());
  return replica;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await setTimeout(5);
}

test("with leases no position is certified twice", { timeout }, async (context) => {
  assert.equal(await attack(context, "leases", 20), 0);
});

test("with the storage believed, an old copy of it is", { timeout }, async (context) => {
  assert.ok((await attack(context, "storage", 3)) > 0);
});
