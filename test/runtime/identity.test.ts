// Real replicas that prove what they say by signatures, authenticators or trusted MACs: they are
// believed, liars are not, and no trusted module runs without need.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readReplicaKeys } from "../../src/cluster/index.js";
import { digestOf, replicaProofInput } from "../../src/codec/index.js";
import { UsageError } from "../../src/core/index.js";
import { sha256 } from "../../src/runtime/hash.js";
import { EchoClient, eventually, makeCluster, sequence, speakAs } from "./echo-cluster.js";

const timeout = 20_000;

for (const replicaAuthentication of ["signature", "mac", "trusted-mac"] as const) {
  test(`replicas believe each other (${replicaAuthentication})`, { timeout }, async (context) => {
    const clientAuthentication = "mac";
    const cluster = await makeCluster(context, { clientAuthentication, replicaAuthentication });
    const others = await Promise.all([1, 2].map((id) => cluster.start(id)));
    for (const life of [1, 2]) {
      const replicas = [await cluster.start(0), ...others];
      await eventually(() => replicas.every((replica) => replica.status().connections === 4));
      const client = new EchoClient(context, cluster, 1, 0);
      for (const number of sequence(100)) await client.send(client.request(number));
      await client.until(100);
      assert.deepEqual(client.replies, sequence(100));
      assert.deepEqual(replicas[1]!.status().dropped, {}, `life ${life}`);
      client.close();
      await replicas[0]!.stop();
      await eventually(() => others.every((replica) => replica.status().connections === 2));
    }
    assert.equal(cluster.opened.size, replicaAuthentication === "trusted-mac" ? 3 : 0);
    const token = join(cluster.folder, "replica-0", "first-boot");
    assert.ok(existsSync(token), "no counter begins: its token is not used up");
  });
}

test("a replica cannot say anything in another's name", { timeout }, async (context) => {
  const cluster = await makeCluster(context, {
    clientAuthentication: "mac",
    replicaAuthentication: "signature",
  });
  const replica = await cluster.start(0);
  const client = new EchoClient(context, cluster, 1, 0);
  const request = client.request(1);
  const digest = digestOf(request, sha256);
  const saying = (key: Parameters<typeof sign>[2], speaker: number) => {
    const proof = sign(null, replicaProofInput(speaker, digest), key);
    return { kind: "said", request, proof, signature: proof } as const;
  };
  const as1 = await speakAs(context, cluster, 1, 0);
  as1(saying(readReplicaKeys(cluster.folder, 2).signingKey!, 1));
  as1(saying(readReplicaKeys(cluster.folder, 2).signingKey!, 2));
  as1(saying(readReplicaKeys(cluster.folder, 1).signingKey!, 2));
  as1(saying(generateKeyPairSync("ed25519").privateKey, 1));
  await eventually(() => replica.status().dropped["not authentic"] === 4);
  assert.equal(replica.status().executed, 0);
  as1(saying(readReplicaKeys(cluster.folder, 1).signingKey!, 1));
  await eventually(() => replica.status().executed === 1);
});

test("a configuration that the protocol does not take", { timeout }, async (context) => {
  const made = await makeCluster(context, { replicaAuthentication: "mac" });
  for (const replicaAuthentication of [null, "signature"] as const) {
    Object.assign(made.configuration, { replicaAuthentication });
    const started = made.start(0);
    if (replicaAuthentication === null) {
      await assert.rejects(started, (error) => {
        assert.ok(error instanceof UsageError && error.code === "CONFIGURATION_DAMAGED");
        assert.match(error.message, /"signature" or "mac" or "trusted-mac"/);
        return true;
      });
    } else await started;
  }
});
