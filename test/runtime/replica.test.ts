// Real replicas over TLS: they serve, survive hostile peers, restarts and a missing journal, and
// stop cleanly.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { ask, EchoClient, eventually, makeCluster, sequence } from "./echo-cluster.js";

const timeout = 20_000;

for (const clientAuthentication of ["trusted-mac", "signature", "mac"] as const) {
  test(`three replicas answer a client (${clientAuthentication})`, { timeout }, async (context) => {
    const cluster = await makeCluster(context, { clientAuthentication });
    const replicas = await Promise.all([0, 1, 2].map((id) => cluster.start(id)));
    await eventually(() => replicas.every((replica) => replica.status().connections === 4));
    const client = new EchoClient(context, cluster, 1, 0);
    for (const number of sequence(200)) await client.send(client.request(number));
    await client.until(200);
    assert.deepEqual(client.replies, sequence(200));
    for (const replica of replicas) assert.equal(replica.status().executed, 200);
    assert.deepEqual(replicas[1]!.status().dropped, {});
  });
}

test("garbage, oversized and forged input is counted, and service goes on", {
  timeout,
}, async (context) => {
  const cluster = await makeCluster(context, { clientAuthentication: "mac" });
  const replicas = await Promise.all([0, 1, 2].map((id) => cluster.start(id)));
  const { port } = cluster.configuration.replicas[0]!;
  const dropped = () => replicas[0]!.status().dropped;
  await eventually(() => replicas.every((replica) => replica.status().connections === 4));

  // Not even TLS.
  connect(port, "127.0.0.1").end("GET / HTTP/1.1\r\n\r\n");
  await eventually(() => (dropped()["handshake failed"] ?? 0) > 0);

  const hostile = new EchoClient(context, cluster, 2, 0);
  await hostile.sendBytes(Uint8Array.of(250, 1, 2, 3));
  await hostile.send({
    kind: "request",
    body: Uint8Array.of(1),
    authenticator: new Uint8Array(96),
  });
  const genuine = hostile.request(1);
  await hostile.send({ ...genuine, authenticator: new Uint8Array(96) });
  await hostile.send({ ...genuine, authenticator: genuine.authenticator.subarray(1) });
  await hostile.send(hostile.request(1, 3));
  await hostile.send({ kind: "noted", client: 2, session: 1, number: 1 });
  await eventually(() => (dropped()["malformed message"] ?? 0) === 2);
  assert.equal(dropped()["malformed frame"], 1);
  assert.equal(dropped()["not authentic"], 2);
  assert.equal(dropped()["client spoke for another"], 1);

  // A frame that only a replica may send in its size.
  await hostile.sendBytes(new Uint8Array(4 << 20));
  await hostile.closed;
  assert.equal(dropped()["frame empty or too long"], 1);

  const client = new EchoClient(context, cluster, 1, 0);
  for (const number of sequence(10)) await client.send(client.request(number));
  await client.until(10);
  assert.match(await ask(cluster.configuration, 0, "/metrics"), /reason="not authentic"\} 2/);
});

test("a replica that restarts has all it noted, and its token", { timeout }, async (context) => {
  const cluster = await makeCluster(context);
  const token = join(cluster.folder, "replica-0", "first-boot");
  const others = await Promise.all([1, 2].map((id) => cluster.start(id)));
  for (const life of [1, 2]) {
    assert.equal(existsSync(token), life === 1, "the token's file is used up");
    const replica = await cluster.start(0);
    assert.equal(existsSync(token), false);
    assert.equal(replica.status().executed, 100 * (life - 1));
    await eventually(() => [replica, ...others].every((one) => one.status().connections === 4));
    const client = new EchoClient(context, cluster, 1, 0);
    for (const number of sequence(100)) await client.send(client.request(number));
    await client.until(100);
    client.close();
    const start = performance.now();
    await replica.stop();
    assert.ok(performance.now() - start < 2000);
    await eventually(() => others.every((one) => one.status().connections === 2));
  }
});

test("a replica without its journal or in memory cannot begin its counters twice", {
  timeout,
}, async (context) => {
  for (const durable of [true, false]) {
    const cluster = await makeCluster(context, { durable });
    await (await cluster.start(0)).stop();
    assert.equal(existsSync(join(cluster.folder, "replica-0", "first-boot")), false);
    rmSync(join(cluster.folder, "replica-0", "journal"), { recursive: true, force: true });
    const replicas = await Promise.all([0, 1, 2].map((id) => cluster.start(id)));
    await eventually(() => replicas.every((replica) => replica.status().connections === 4));
    const asked = [0, 1].map((id) => new EchoClient(context, cluster, 1 + id, id));
    for (const client of asked) await client.send(client.request(1));
    await asked[1]!.until(1);
    assert.equal(replicas[0]!.status().executed, 1, "it notes for others, but certifies nothing");
    await Promise.all(replicas.map((replica) => replica.stop()));
  }
});

test("a busy port is said to be, and the replica can start when it is free", {
  timeout,
}, async (context) => {
  const cluster = await makeCluster(context);
  const replica = await cluster.start(0);
  await assert.rejects(cluster.start(0), { name: "UsageError", code: "PORT_BUSY" });
  await replica.stop();
  const { port } = cluster.configuration.replicas[0]!;
  const squatter = createServer().listen(port, "127.0.0.1");
  await once(squatter, "listening");
  await assert.rejects(cluster.start(0), { name: "UsageError", code: "PORT_BUSY" });
  await once(squatter.close(), "close");
  await (await cluster.start(0)).stop();
});

test("the health page shows status and metrics", { timeout }, async (context) => {
  const cluster = await makeCluster(context);
  const replica = await cluster.start(0);
  const { dropped: _, ...shown } = JSON.parse(await ask(cluster.configuration, 0, "/status"));
  assert.equal(shown.id, 0);
  assert.equal(shown.role, "leader");
  assert.deepEqual(
    Object.keys(shown),
    Object.keys(replica.status()).filter((key) => key !== "dropped"),
  );
  assert.match(await ask(cluster.configuration, 0, "/metrics"), /^troth_order 0$/m);
  assert.match(await ask(cluster.configuration, 0, "/"), /Replica 0: leader/);
});

test("the health page refuses garbage, oversized and cut-off requests, and goes on", {
  timeout,
}, async (context) => {
  const cluster = await makeCluster(context);
  await cluster.start(0);
  const { healthPort } = cluster.configuration.replicas[0]!;
  const answer = async (request: string | Buffer): Promise<string> => {
    const socket = connect(healthPort, "127.0.0.1").end(request);
    let text = "";
    for await (const chunk of socket) text += chunk;
    return text.split("\r\n")[0]!;
  };
  const rest = "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
  assert.match(await answer(Buffer.alloc(1000, 0xa5)), / 400 Bad Request$/);
  assert.match(await answer(`GET /status ${rest}X: ${"x".repeat(1 << 20)}\r\n\r\n`), / 431 /);
  assert.match(await answer(`DELETE /status ${rest}\r\n`), / 405 /);
  assert.match(await answer(`GET /../cluster.json ${rest}\r\n`), / 404 /);
  assert.match(await answer("GET /sta"), /^$| 400 Bad Request$/, "half a request gets no status");
  for (const _ of [1, 2]) assert.match(await answer(`GET /status ${rest}\r\n`), / 200 OK$/);
});
