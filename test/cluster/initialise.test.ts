// Making a cluster: what is written, for whose eyes, and what is never overwritten.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { faultsTolerated, initialise, readConfiguration } from "../../src/cluster/index.js";
import { emptyPlace, newCluster, options, usage } from "./folder.js";

const mode = (path: string) => statSync(path).mode & 0o777;

test("the configuration that was made is the one that is read", async (context) => {
  const folder = emptyPlace(context);
  const made = await initialise(folder, { ...options, hosts: ["a.example", "10.0.0.2", "::1"] });
  assert.deepEqual(readConfiguration(folder), made);
  assert.equal(made.n, 3);
  assert.deepEqual(made.replicas[2], { id: 2, host: "::1", port: 7402, healthPort: 7502 });
  assert.equal("clientKeys" in made, false);
});

test("two clusters share no name, authority or secret", async (context) => {
  const folders = [await newCluster(context), await newCluster(context)] as const;
  const [a, b] = folders.map(readConfiguration);
  assert.notEqual(a?.name, b?.name);
  assert.notEqual(a?.authority, b?.authority);
  const [x, y] = folders.map((folder) => readFileSync(join(folder, "administrator/group.secret")));
  assert.notDeepEqual(x, y);
});

test("secrets are for their owner's eyes only", async (context) => {
  const folder = await newCluster(context, {
    clientAuthentication: "mac",
    replicaAuthentication: "mac",
  });
  const replica = ["client-mac.key", "first-boot", "group.secret", "replica-mac.keys"];
  replica.push("signing.key", "tls.crt", "tls.key");
  const expected: Record<string, string[]> = {
    "replica-0": replica,
    "replica-1": replica,
    "replica-2": replica,
    clients: ["client-0.json", "client-1.json", "client-2.json"],
    administrator: ["authority.key", "group.secret"],
  };
  assert.deepEqual(readdirSync(folder).sort(), [...Object.keys(expected), "cluster.json"].sort());
  for (const [name, files] of Object.entries(expected)) {
    assert.equal(mode(join(folder, name)), 0o700, name);
    assert.deepEqual(readdirSync(join(folder, name)).sort(), files);
    for (const file of files) assert.equal(mode(join(folder, name, file)), 0o600, file);
  }
});

test("nothing public holds a secret", async (context) => {
  const folder = await newCluster(context, { clientAuthentication: "signature" });
  const text = readFileSync(join(folder, "cluster.json"), "utf8");
  const secret = readFileSync(join(folder, "administrator/group.secret"), "utf8").trim();
  assert.equal(text.includes(secret), false);
  assert.equal(text.includes("PRIVATE"), false);
});

test("keys for statements of replicas are made only where they are wanted", async (context) => {
  const made: string[][] = [];
  for (const replicaAuthentication of [null, "trusted-mac", "signature", "mac"] as const) {
    const folder = await newCluster(context, { replicaAuthentication });
    const configuration = readConfiguration(folder);
    assert.equal(configuration.replicaAuthentication, replicaAuthentication);
    const files = readdirSync(join(folder, "replica-1")).filter((file) =>
      ["replica-mac.keys", "signing.key"].includes(file),
    );
    made.push([`${configuration.replicaKeys?.length ?? 0} public`, ...files.sort()]);
  }
  assert.deepEqual(made, [
    ["0 public"],
    ["0 public"],
    ["3 public", "signing.key"],
    ["3 public", "replica-mac.keys", "signing.key"],
  ]);
});

test("certificates name their holder and hosts and last ten years", async (context) => {
  const folder = await newCluster(context, { hosts: ["a.example", "10.0.0.2", "::1"] });
  const authority = new X509Certificate(readConfiguration(folder).authority);
  const read = (id: number) =>
    new X509Certificate(readFileSync(join(folder, `replica-${id}`, "tls.crt")));
  assert.equal(authority.ca, true);
  assert.equal(read(0).ca, false);
  assert.equal(read(0).checkHost("replica-0"), "replica-0");
  assert.equal(read(0).checkHost("a.example"), "a.example");
  assert.equal(read(1).checkIP("10.0.0.2"), "10.0.0.2");
  assert.equal(read(0).checkHost("replica-1"), undefined);
  assert.ok(read(0).checkIssued(authority) && read(0).verify(authority.publicKey));
  const years = (Date.parse(read(0).validTo) - Date.now()) / (365.25 * 24 * 3600 * 1000);
  assert.ok(years > 9.9 && years < 10.1);
});

test("an existing cluster is never overwritten", async (context) => {
  const folder = await newCluster(context);
  const before = readFileSync(join(folder, "cluster.json"));
  await assert.rejects(initialise(folder, options), usage("CLUSTER_EXISTS", folder));
  assert.deepEqual(readFileSync(join(folder, "cluster.json")), before);
});

test("a folder with something else in it is refused, an empty one is taken", async (context) => {
  const folder = emptyPlace(context);
  mkdirSync(folder);
  await initialise(folder, options);
  const other = emptyPlace(context);
  mkdirSync(other);
  writeFileSync(join(other, "letter.txt"), "dear");
  await assert.rejects(initialise(other, options), usage("FOLDER_NOT_EMPTY", other));
  assert.deepEqual(readdirSync(other), ["letter.txt"]);
});

test("what an interrupted init left is found and explained", async (context) => {
  const folder = emptyPlace(context);
  mkdirSync(`${folder}.partial`);
  const explained = usage("INIT_INTERRUPTED", `${folder}.partial`, "delete");
  await assert.rejects(initialise(folder, options), explained);
  assert.equal(existsSync(folder), false);
});

test("a failure in between leaves nothing behind", async (context) => {
  const folder = emptyPlace(context);
  const firstBootToken = (_: Uint8Array, instance: number) => {
    if (instance === 2) throw new Error("no token today");
    return new Uint8Array(32);
  };
  await assert.rejects(initialise(folder, { ...options, firstBootToken }), /no token today/);
  assert.deepEqual(readdirSync(dirname(folder)), []);
});

test("a place where no folder can be made is explained", async (context) => {
  const file = emptyPlace(context);
  writeFileSync(file, "");
  for (const place of [file, join(file, "below")]) {
    await assert.rejects(initialise(place, options), usage("FOLDER_UNUSABLE", place));
  }
});

test("options that make no cluster are refused, and say why", async (context) => {
  const folder = emptyPlace(context);
  const wrong = [
    [{ n: 0 }, "0 replicas"],
    [{ n: 65 }, "65 replicas"],
    [{ n: Number.NaN }, "NaN replicas"],
    [{ n: 2 }, "need 3 replicas"],
    [{ f: 0 }, "f: "],
    [{ f: 2 }, "need 5 replicas"],
    [{ faultModel: "byzantine" }, "need 4 replicas"],
    [{ clients: 0 }, "0 clients"],
    [{ clients: 1e9 }, "1000000000 clients"],
    [{ basePort: 65_500 }, "healthPort"],
    [{ basePort: 0 }, "replicas.0.port"],
    [{ hosts: ["a"] }, "1 hosts for 3 replicas"],
    [{ trustedMeasurement: "none" }, "trustedMeasurement"],
    [{ protocol: "" }, "protocol"],
  ] as const;
  for (const [more, words] of wrong) {
    const refused = usage("OPTION_INVALID", words);
    await assert.rejects(initialise(folder, { ...options, ...more }), refused, words);
  }
  assert.deepEqual(readdirSync(dirname(folder)), []);
});

test("the faults that so many replicas tolerate", () => {
  assert.equal(faultsTolerated("crash", 3), 1);
  assert.equal(faultsTolerated("hybrid", 7), 3);
  assert.equal(faultsTolerated("byzantine", 4), 1);
  assert.equal(faultsTolerated("byzantine", 7), 2);
  for (const n of [-1, 0, 1, 2, 4, 3.5, 65, Number.NaN]) {
    assert.throws(() => faultsTolerated("hybrid", n), usage("REPLICA_COUNT", "3, 5, 7"));
  }
  assert.throws(() => faultsTolerated("byzantine", 3), usage("REPLICA_COUNT", "4, 7, 10"));
});
