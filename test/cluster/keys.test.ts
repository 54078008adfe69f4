// Reading secrets: what they are good for, and what is said when a file is damaged, swapped or
// lost.

import assert from "node:assert/strict";
import { createHmac, createPublicKey, verify } from "node:crypto";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  discardFirstBoot,
  readClientCredential,
  readConfiguration,
  readReplicaKeys,
} from "../../src/cluster/index.js";
import { clientKeyInput, clientMacInput } from "../../src/codec/index.js";
import { newCluster, options, usage } from "./folder.js";

const digest = new Uint8Array(32).fill(7);
const hmac = (key: Uint8Array, input: Uint8Array) =>
  createHmac("sha256", key).update(input).digest();

test("a replica's keys", async (context) => {
  const folder = await newCluster(context);
  const keys = [0, 1, 2].map((id) => readReplicaKeys(folder, id));
  for (const { id, groupSecret, firstBoot, clientMacKey, folder: own } of keys) {
    assert.equal(own, join(folder, `replica-${id}`));
    assert.deepEqual(groupSecret, keys[0]?.groupSecret);
    assert.deepEqual(firstBoot, options.firstBootToken(groupSecret, id));
    assert.equal(clientMacKey, null);
  }
  assert.equal(new Set(keys.map(({ tlsKey }) => tlsKey)).size, 3);
});

test("the first-boot token is used up once", async (context) => {
  const folder = await newCluster(context);
  const keys = readReplicaKeys(folder, 1);
  discardFirstBoot(keys);
  discardFirstBoot(keys);
  assert.equal(readReplicaKeys(folder, 1).firstBoot, null);
  assert.notEqual(readReplicaKeys(folder, 2).firstBoot, null);
});

test("a client's trusted MAC is what the trusted modules derive", async (context) => {
  const folder = await newCluster(context);
  const { groupSecret } = readReplicaKeys(folder, 0);
  const seal = readClientCredential(folder, 2).seal(digest);
  const expected = hmac(hmac(groupSecret, clientKeyInput(2)), clientMacInput(2, digest));
  assert.deepEqual(Buffer.from(seal), expected);
  assert.notDeepEqual(readClientCredential(folder, 1).seal(digest), seal);
});

test("a client's signature verifies with its public key, and no other's", async (context) => {
  const folder = await newCluster(context, { clientAuthentication: "signature" });
  const keys = (readConfiguration(folder).clientKeys ?? []).map((base64) =>
    createPublicKey({ key: Buffer.from(base64, "base64"), format: "der", type: "spki" }),
  );
  const seal = readClientCredential(folder, 2).seal(digest);
  assert.equal(seal.length, 64);
  const verified = keys.map((key) => verify(null, clientMacInput(2, digest), key, seal));
  assert.deepEqual(verified, [false, false, true]);
});

test("a client's MAC authenticator has one MAC for each replica", async (context) => {
  const folder = await newCluster(context, { clientAuthentication: "mac" });
  const seal = readClientCredential(folder, 1).seal(digest);
  const expected = [0, 1, 2].map((id) => {
    const key = readReplicaKeys(folder, id).clientMacKey;
    assert.ok(key !== null);
    return hmac(hmac(key, clientKeyInput(1)), clientMacInput(1, digest));
  });
  assert.equal(new Set(expected.map(String)).size, 3);
  assert.deepEqual(Buffer.from(seal), Buffer.concat(expected));
});

test("a replica signs with the key that the configuration publishes for it", async (context) => {
  const folder = await newCluster(context, { replicaAuthentication: "signature" });
  const published = readConfiguration(folder).replicaKeys ?? [];
  const own = [0, 1, 2].map((id) => {
    const { signingKey, replicaMacKeys } = readReplicaKeys(folder, id);
    assert.equal(replicaMacKeys, null);
    return createPublicKey(signingKey!).export({ type: "spki", format: "der" }).toString("base64");
  });
  assert.deepEqual(own, published);
  assert.equal(new Set(own).size, 3);
});

test("each two replicas share a key that no third one has", async (context) => {
  const folder = await newCluster(context, { replicaAuthentication: "mac" });
  const keys = [0, 1, 2].map((id) => readReplicaKeys(folder, id).replicaMacKeys!);
  const all = new Set<string>();
  for (let a = 0; a < 3; a++) {
    assert.equal(keys[a]!.length, 3);
    for (let b = 0; b < 3; b++) {
      assert.equal(keys[a]![b]!.length, 32);
      assert.deepEqual(keys[a]![b], keys[b]![a]);
      all.add(String(keys[a]![b]));
    }
  }
  assert.equal(all.size, 6, "one for each pair, and one for each alone");
});

test("a replica or client that does not exist", async (context) => {
  const folder = await newCluster(context);
  for (const id of [-1, 3, 0.5, Number.NaN]) {
    assert.throws(() => readReplicaKeys(folder, id), usage("REPLICA_UNKNOWN", "0 to 2"));
    assert.throws(() => readClientCredential(folder, id), usage("CLIENT_UNKNOWN", "0 to 2"));
  }
});

test("damaged files of a replica", async (context) => {
  const folder = await newCluster(context, {
    clientAuthentication: "mac",
    replicaAuthentication: "mac",
  });
  const names = ["tls.key", "tls.crt", "group.secret", "first-boot", "client-mac.key"];
  for (const name of [...names, "signing.key", "replica-mac.keys"]) {
    const path = join(folder, "replica-1", name);
    const text = readFileSync(path, "utf8");
    for (const damaged of ["", text.slice(0, 30), `${text.slice(0, 40)}!${text.slice(41)}`]) {
      writeFileSync(path, damaged);
      assert.throws(() => readReplicaKeys(folder, 1), usage("KEY_DAMAGED", path, "backup"), name);
    }
    rmSync(path);
    if (name === "first-boot") assert.equal(readReplicaKeys(folder, 1).firstBoot, null);
    else assert.throws(() => readReplicaKeys(folder, 1), usage("KEY_MISSING", path, "backup"));
    writeFileSync(path, text);
    readReplicaKeys(folder, 1);
  }
});

test("certificates and keys that are another's", async (context) => {
  const folder = await newCluster(context);
  const own = (name: string) => join(folder, "replica-0", name);
  const saved = ["tls.key", "tls.crt"].map((name) => [own(name), readFileSync(own(name))] as const);
  const restore = () => saved.forEach(([path, bytes]) => writeFileSync(path, bytes));

  copyFileSync(join(folder, "replica-1/tls.crt"), own("tls.crt"));
  const refused = () => readReplicaKeys(folder, 0);
  assert.throws(refused, usage("KEY_DAMAGED", own("tls.crt"), "CN=replica-1"));
  restore();
  copyFileSync(join(folder, "replica-1/tls.key"), own("tls.key"));
  assert.throws(refused, usage("KEY_DAMAGED", own("tls.key"), "does not belong"));

  const foreign = await newCluster(context);
  copyFileSync(join(foreign, "replica-0/tls.key"), own("tls.key"));
  copyFileSync(join(foreign, "replica-0/tls.crt"), own("tls.crt"));
  assert.throws(refused, usage("KEY_DAMAGED", own("tls.crt"), "not issued by the authority"));
  restore();
  refused();
});

test("keys that are shared with too few or too many", async (context) => {
  const folder = await newCluster(context, { replicaAuthentication: "mac" });
  const own = join(folder, "replica-0", "replica-mac.keys");
  const lines = readFileSync(own, "utf8").trimEnd().split("\n");
  for (const wrong of [lines.slice(1), [...lines, lines[0]]]) {
    writeFileSync(own, `${wrong.join("\n")}\n`);
    assert.throws(() => readReplicaKeys(folder, 0), usage("KEY_DAMAGED", own, "3 lines"));
  }
});

test("a signing key that is another's", async (context) => {
  const folder = await newCluster(context, { replicaAuthentication: "mac" });
  const own = join(folder, "replica-0", "signing.key");
  copyFileSync(join(folder, "replica-1", "signing.key"), own);
  assert.throws(
    () => readReplicaKeys(folder, 0),
    usage("KEY_DAMAGED", own, "public key in cluster.json"),
  );
});

test("damaged credentials of a client", async (context) => {
  const folder = await newCluster(context);
  const path = join(folder, "clients/client-1.json");
  const text = readFileSync(path, "utf8");
  const json = JSON.parse(text) as Record<string, unknown>;
  const other = readFileSync(join(folder, "clients/client-2.json"), "utf8");
  const damaged: [string, string][] = [
    ["", "not JSON"],
    [text.slice(0, 200), "not JSON"],
    [JSON.stringify({ ...json, trustedKey: "00" }), "trustedKey"],
    [JSON.stringify({ ...json, trustedKey: undefined }), "trustedKey"],
    [JSON.stringify({ ...json, tlsKey: "none" }), "PEM private key"],
    [JSON.stringify({ ...json, extra: 1 }), "extra"],
    [other, "client-2"],
  ];
  for (const [content, words] of damaged) {
    writeFileSync(path, content);
    const explained = usage("KEY_DAMAGED", path, words, "backup");
    assert.throws(() => readClientCredential(folder, 1), explained, words);
  }
  rmSync(path);
  assert.throws(() => readClientCredential(folder, 1), usage("KEY_MISSING", path));
});
