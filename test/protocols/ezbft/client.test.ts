// Whom a client of ezBFT asks.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EzbftClient, type EzbftMessage } from "../../../src/protocols/ezbft/index.js";
import type { ClientEffect, ClientMachineContext } from "../../../src/core/index.js";
import { defaultLimits } from "../../../src/core/index.js";
import { symbolicHash } from "../../../src/simulator/index.js";

const context: ClientMachineContext = {
  n: 4,
  f: 1,
  hash: symbolicHash,
  limits: defaultLimits,
  clientAuthentication: "signature",
  replicaAuthentication: "signature",
  client: 1,
  session: 0,
  authenticate: () => new Uint8Array(64),
  isAuthentic: () => true,
  windowBundles: 1,
  windowBytes: 1_000,
  retryMs: 100,
  retryMsMax: 1_000,
};

const askedBy = (effects: readonly ClientEffect<EzbftMessage>[]) =>
  effects.flatMap((effect) => (effect.kind === "send" ? [effect.to] : []));

const clientAt = (distancesMs: readonly number[]): EzbftClient => {
  const client = new EzbftClient(context);
  for (const [replica, tookMs] of distancesMs.entries()) {
    client.step(0, { kind: "connected", replica, tookMs });
  }
  return client;
};

const submit = (client: EzbftClient) =>
  client.step(1, { kind: "submit", operations: [new Uint8Array(1)] });

test("a client asks the replica that its number gives it, if none is much nearer", () => {
  assert.deepEqual(askedBy(submit(new EzbftClient(context))), [1]);
  assert.deepEqual(askedBy(submit(clientAt([6, 9, 7, 8]))), [1]);
});

test("a client asks the nearest replica, in whatever order they connected", () => {
  assert.deepEqual(askedBy(submit(clientAt([60, 90, 7, 80]))), [2]);
  assert.deepEqual(askedBy(submit(clientAt([5, 90, 70, 80]))), [0]);
});

test("a client that is not answered asks everybody, and the next replica from then on", () => {
  const client = clientAt([60, 90, 7, 80]);
  submit(client);
  const effects = client.step(200, { kind: "timeout", timer: "retry" });
  assert.ok(effects.some(({ kind }) => kind === "broadcast"));
  assert.deepEqual([client.view! % 4], [3]);
});
