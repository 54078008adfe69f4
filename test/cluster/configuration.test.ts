// Reading a configuration: every way in which it can be wrong has one message with the remedy.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readConfiguration } from "../../src/cluster/index.js";
import { newCluster, usage } from "./folder.js";

type Json = { [name: string]: unknown; replicas: { id: number; port: number }[] };

test("no cluster", async (context) => {
  const folder = await newCluster(context);
  const missing = usage("CONFIGURATION_MISSING", "troth init");
  assert.throws(() => readConfiguration(join(folder, "nowhere")), missing);
  assert.throws(() => readConfiguration(join(folder, "cluster.json")), missing);
});

test("a configuration that cannot be read", async (context) => {
  const folder = await newCluster(context);
  rmSync(join(folder, "cluster.json"));
  mkdirSync(join(folder, "cluster.json"));
  assert.throws(() => readConfiguration(folder), usage("CONFIGURATION_UNREADABLE", "EISDIR"));
});

test("a configuration that is not JSON", async (context) => {
  const folder = await newCluster(context);
  const path = join(folder, "cluster.json");
  const text = readFileSync(path, "utf8");
  for (const damaged of ["", text.slice(0, 100), "\0".repeat(text.length), `${text}}`]) {
    writeFileSync(path, damaged);
    assert.throws(() => readConfiguration(folder), usage("CONFIGURATION_DAMAGED", path, "backup"));
  }
});

test("a configuration of another version", async (context) => {
  const folder = await newCluster(context);
  const path = join(folder, "cluster.json");
  const json = JSON.parse(readFileSync(path, "utf8")) as Json;
  for (const version of [0, 2, 17]) {
    writeFileSync(path, JSON.stringify({ ...json, version, somethingNew: true }));
    const explained = usage("CONFIGURATION_VERSION", `version ${version}`, "version 1", "release");
    assert.throws(() => readConfiguration(folder), explained);
  }
});

test("a wrong field is named", async (context) => {
  const folder = await newCluster(context);
  const path = join(folder, "cluster.json");
  const text = readFileSync(path, "utf8");
  const edits: [string, (json: Json) => void][] = [
    ["version", (json) => delete json["version"]],
    ["version", (json) => (json["version"] = "1")],
    ["name", (json) => (json["name"] = "mine")],
    ["faultModel", (json) => (json["faultModel"] = "optimism")],
    ["f: hybrid faults, f = 2, need 5 replicas", (json) => (json["f"] = 2)],
    ["clients", (json) => (json["clients"] = -1)],
    ["clientKeys", (json) => (json["clientAuthentication"] = "signature")],
    ["replicaAuthentication", (json) => (json["replicaAuthentication"] = "oath")],
    ["replicaKeys", (json) => (json["replicaAuthentication"] = "signature")],
    ["replicas.1.port", (json) => (json.replicas[1]!.port = 70_000)],
    ["replicas.0.id: must be 0", (json) => (json.replicas = json.replicas.toReversed())],
    ["trustedMeasurement", (json) => (json["trustedMeasurement"] = "AB")],
    ["authority", (json) => (json["authority"] = "trust me")],
    ["durabel", (json) => (json["durabel"] = true)],
  ];
  for (const [field, edit] of edits) {
    const json = JSON.parse(text) as Json;
    edit(json);
    writeFileSync(path, JSON.stringify(json));
    assert.throws(() => readConfiguration(folder), usage("CONFIGURATION_DAMAGED", path, field));
  }
  for (const json of ["null", "[]", "7"]) {
    writeFileSync(path, json);
    assert.throws(() => readConfiguration(folder), usage("CONFIGURATION_DAMAGED", path));
  }
});
