// The client against replicas that are real on the wire, and may lie, be silent or be gone.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import {
  type Client,
  connect,
  type ConnectOptions,
  type FailureEffect,
  TrothError,
  type TrothErrorCode,
} from "../../src/client/index.js";
import { defaultLimits } from "../../src/core/index.js";
import {
  type Behaviour,
  type FakeCluster,
  startFakeCluster,
  toyClient,
  toyProtocol,
  toyWith,
} from "./fake-replica.js";
import { napping } from "./napping-client.js";
import { toyResult } from "./toy-protocol.js";

const operation = (value: number) => Uint8Array.of(value, 1, 2);

async function clusterOf(t: TestContext, behaviours: readonly Behaviour[]): Promise<FakeCluster> {
  const cluster = await startFakeCluster(behaviours);
  t.after(() => cluster.stop());
  return cluster;
}

async function clientOf(
  t: TestContext,
  cluster: FakeCluster,
  options: Partial<ConnectOptions> = {},
): Promise<Client> {
  const client = await connect({ folder: cluster.folder, protocol: toyProtocol, ...options });
  t.after(() => client.close());
  return client;
}

/** Checks how a call fails, and gives the message. */
async function failure(
  call: Promise<unknown>,
  code: TrothErrorCode,
  effect: FailureEffect,
): Promise<string> {
  const error = await call.then(
    () => assert.fail(`no ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TrothError, String(error));
  assert.deepEqual([error.code, error.effect], [code, effect], error.message);
  return error.message;
}

/** Resolves when the condition holds; every turn asks again, for five seconds at most. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `never: ${condition.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("results are right although one replica lies", async (t) => {
  const cluster = await clusterOf(t, ["honest", "lying", "honest"]);
  const client = await clientOf(t, cluster);
  for (let i = 0; i < 20; i++) {
    assert.deepEqual(await client.call(operation(i)), toyResult(operation(i)));
  }
  const operations = [operation(30), operation(31)];
  assert.deepEqual(await client.callAll(operations), operations.map(toyResult));
  assert.deepEqual(await client.callAll([]), []);
});

test("a silent replica changes nothing", async (t) => {
  const cluster = await clusterOf(t, ["honest", "honest", "silent"]);
  const client = await clientOf(t, cluster);
  assert.deepEqual(await client.call(operation(1)), toyResult(operation(1)));
});

test("a silent leader costs a retry", async (t) => {
  const cluster = await clusterOf(t, ["honest", "honest", "honest"]);
  const client = await clientOf(t, cluster, { retryMs: 20 });
  await client.call(operation(1));
  cluster.replicas[0]!.behaviour = "silent";
  assert.deepEqual(await client.call(operation(2)), toyResult(operation(2)));
});

test("a certificate says who vouched for the result", async (t) => {
  const cluster = await clusterOf(t, ["lying", "honest", "honest"]);
  const client = await clientOf(t, cluster, { client: 1 });
  const { result, certificate } = await client.callCertified(operation(1));
  assert.deepEqual(result, toyResult(operation(1)));
  assert.deepEqual(certificate, {
    client: 1,
    session: client.status().session,
    number: 1,
    digest: createHash("sha256").update(result).digest(),
    replicas: [1, 2],
    f: 1,
  });
});

test("all calls of one turn share a bundle, up to its limits; callAll has its own", async (t) => {
  const cluster = await clusterOf(t, ["honest", "honest", "honest"]);
  const limits = { ...defaultLimits, bundleOperationsMax: 8 };
  const client = await clientOf(t, cluster, { limits });
  const calls = Array.from({ length: 10 }, (_, i) => client.call(operation(i)));
  const all = client.callAll([operation(20), operation(21)]);
  const last = client.call(operation(30));
  const results = await Promise.all(calls);
  assert.deepEqual(
    results,
    calls.map((_, i) => toyResult(operation(i))),
  );
  assert.equal((await all).length, 2);
  assert.deepEqual(await last, toyResult(operation(30)));
  assert.deepEqual(cluster.replicas[0]!.bundleSizes, [8, 2, 2, 1]);
});

test("more than the window holds waits, and is answered in order", async (t) => {
  const cluster = await clusterOf(t, ["honest", "honest", "honest"]);
  const client = await clientOf(t, cluster, { windowBundles: 2 });
  await client.call(operation(0)); // which tells it the view: until then the window is one bundle
  const order: number[] = [];
  const calls = Array.from({ length: 50 }, async (_, i) => {
    const [result] = await client.callAll([operation(i)]);
    assert.deepEqual(result, toyResult(operation(i)));
    order.push(i);
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(client.status().outstandingBundles, 2);
  assert.equal(client.status().queuedOperations, 48);
  await Promise.all(calls);
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
  assert.equal(client.status().queuedOperations, 0);
});

test("what was sent may have an effect after an abort; what waits has none", async (t) => {
  const cluster = await clusterOf(t, ["honest", "silent", "silent"]);
  const client = await clientOf(t, cluster, { windowBundles: 1, deadlineMs: 60_000 });
  const [late, aborting] = [new AbortController(), new AbortController()];
  const sent = client.callAll([operation(1)], { signal: late.signal });
  const patient = client.call(operation(2), { deadlineMs: 40 });
  const waiting = client.call(operation(3), { signal: aborting.signal });
  await until(() => cluster.replicas[0]!.bundleSizes.length > 0);
  aborting.abort();
  assert.match(await failure(waiting, "ABORTED", "none"), /not sent/);
  const message = await failure(patient, "DEADLINE", "none");
  assert.match(message, /3 of 3 replicas connected/);
  late.abort();
  assert.match(await failure(sent, "ABORTED", "unknown"), /may or may not/);
  await failure(client.call(operation(4), { signal: late.signal }), "ABORTED", "none");
  assert.equal(client.status().queuedOperations, 0);
});

test("a deadline after sending leaves the effect unknown, and the session goes on", async (t) => {
  const cluster = await clusterOf(t, ["honest", "silent", "silent"]);
  const client = await clientOf(t, cluster, { windowBundles: 1, retryMs: 10 });
  await failure(client.call(operation(1), { deadlineMs: 100 }), "DEADLINE", "unknown");
  cluster.replicas[2]!.behaviour = "honest";
  assert.deepEqual(await client.call(operation(2)), toyResult(operation(2)));
});

test("what does not fit is refused before it is sent", async (t) => {
  const cluster = await clusterOf(t, ["silent", "silent", "silent"]);
  const limits = { ...defaultLimits, operationBytesMax: 10, bundleOperationsMax: 3 };
  const client = await clientOf(t, cluster, { limits, queueOperations: 3 });
  await failure(client.call(new Uint8Array(11)), "OPERATION_TOO_LARGE", "none");
  const four = [operation(1), operation(2), operation(3), operation(4)];
  await failure(client.callAll(four), "BUNDLE_TOO_LARGE", "none");
  const waiting = client.callAll(four.slice(1));
  await failure(client.call(operation(5)), "OVERLOADED", "none");
  client.close();
  await failure(waiting, "CLOSED", "none");
  await failure(client.call(operation(6)), "CLOSED", "none");
  client.close();
});

test("closing leaves unknown what was sent", async (t) => {
  const cluster = await clusterOf(t, ["silent", "silent", "silent"]);
  const client = await clientOf(t, cluster);
  const sent = client.call(operation(1));
  await until(() => cluster.replicas[0]!.requests > 0);
  client.close();
  await failure(sent, "CLOSED", "unknown");
});

test("too few replicas: connect says which were not reached, and why", async (t) => {
  const cluster = await clusterOf(t, ["honest", "honest", "honest"]);
  await Promise.all([cluster.replicas[1]!.stop(), cluster.replicas[2]!.stop()]);
  const options = { folder: cluster.folder, protocol: toyProtocol, deadlineMs: 200 };
  const message = await failure(connect(options), "UNREACHABLE", "none");
  assert.match(message, /1 of 3 replicas connected/);
  assert.match(message, new RegExp(`replica 1 at 127.0.0.1:${cluster.ports[1]}: unreachable`));
});

test("a replica with another's certificate does not count", async (t) => {
  const cluster = await clusterOf(t, ["honest", "honest", "honest"]);
  await Promise.all([cluster.replicas[1]!.stop(), cluster.replicas[2]!.stop()]);
  await cluster.replicas[1]!.start(cluster.ports[1], 0);
  await cluster.replicas[2]!.start(cluster.ports[2], 0);
  const options = { folder: cluster.folder, protocol: toyProtocol, deadlineMs: 1_000 };
  const message = await failure(connect(options), "UNREACHABLE", "none");
  assert.match(message, /replica 1 at .*replica 2 at /);
  assert.doesNotMatch(message, /no answer yet/);
});

test("without any replica nothing is sent, and a call has no effect", async (t) => {
  const cluster = await clusterOf(t, ["honest", "honest", "honest"]);
  const client = await clientOf(t, cluster);
  await client.call(operation(1));
  await Promise.all(cluster.replicas.map((replica) => replica.stop()));
  await until(() => client.status().replicas.every(({ connected }) => !connected));
  const message = await failure(client.call(operation(2), { deadlineMs: 30 }), "DEADLINE", "none");
  assert.match(message, /0 of 3 replicas connected; replica 0 at 127\.0\.0\.1:\d+: \w+/);
});

test("replicas that come back are found again", async (t) => {
  const cluster = await clusterOf(t, ["honest", "honest", "honest"]);
  const client = await clientOf(t, cluster, { retryMs: 20 });
  await client.call(operation(1));
  await Promise.all(cluster.replicas.slice(0, 2).map((replica) => replica.stop()));
  const call = client.call(operation(2));
  for (const id of [0, 1]) await cluster.replicas[id]!.start(cluster.ports[id]);
  assert.deepEqual(await call, toyResult(operation(2)));
});

test("a forgotten session fails what was sent; a new one takes what was not", async (t) => {
  const cluster = await clusterOf(t, ["honest", "honest", "honest"]);
  const client = await clientOf(t, cluster, { windowBundles: 1 });
  await client.call(operation(1));
  const { session } = client.status();
  for (const replica of cluster.replicas) replica.forgottenUpTo = session;
  const sent = client.callAll([operation(2)]);
  const waiting = client.callAll([operation(3)]);
  await failure(sent, "SESSION_EXPIRED", "unknown");
  assert.deepEqual(await waiting, [toyResult(operation(3))]);
  assert.ok(client.status().session > session);
});

test("two clients of one number have sessions of their own", async (t) => {
  const cluster = await clusterOf(t, ["honest", "honest", "honest"]);
  const clients = await Promise.all([clientOf(t, cluster), clientOf(t, cluster)]);
  const results = await Promise.all(clients.map((client, i) => client.call(operation(i))));
  assert.deepEqual(results, [toyResult(operation(0)), toyResult(operation(1))]);
});

test("what a replica cannot prove never reaches the machine, and is blamed on it", async (t) => {
  const cluster = await clusterOf(t, ["honest", "honest", "honest"]);
  const proof = new Uint8Array(64);
  const protocol = toyWith({
    ...toyClient,
    claims: (_message, from, { hash }) =>
      from === 1
        ? [{ kind: "replica", replica: 1, digest: hash(proof), proof, isTransferable: true }]
        : [],
  });
  const client = await clientOf(t, cluster, { protocol: () => protocol });
  await client.call(operation(1));
  const { certificate } = await client.callCertified(operation(2));
  assert.deepEqual(certificate.replicas, [0, 2]);
  await until(() => client.status().replicas[1]!.blamed > 0);
  assert.equal(client.status().replicas[0]!.blamed, 0);
});

test("a protocol's own machine has timers of its own, and a session after its own", async (t) => {
  const cluster = await clusterOf(t, ["honest", "honest", "honest"]);
  let first: number | undefined;
  const protocol = toyWith(napping(toyClient, (session) => session === (first ??= session)));
  const client = await clientOf(t, cluster, { protocol: () => protocol });
  await client.call(operation(1));
  await failure(client.call(operation(2)), "SESSION_EXPIRED", "unknown");
  assert.deepEqual(await client.call(operation(3)), toyResult(operation(3)));
  assert.notEqual(client.status().session, first);
});
