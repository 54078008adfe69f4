// Links between honest peers: order, size, coalescing, back-pressure, reconnection, limits.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { InvariantError } from "../../src/core/index.js";
import { closeMsMax } from "../../src/link/connection.js";
import { client5, dial0, Ears, identity, listenAs0, numbered, sendBytes } from "./members.js";

const limit = { timeout: 20_000 };

/** A listener and one link to it, seen from both ends. */
async function pair(options: { queueBytesMax?: number } = {}) {
  const listening = new Ears();
  const dialling = new Ears();
  const listener = await listenAs0({ events: listening, ...options });
  const dialler = dial0({ port: listener.port, events: dialling, ...options });
  await listening.until(() => listening.links.length === 1);
  await dialling.until(() => dialling.links.length === 1);
  const close = async () => {
    dialler.close();
    await listener.close();
  };
  const [here, there] = [dialling.links[0]!, listening.links[0]!];
  return { listening, dialling, listener, dialler, here, there, close };
}

test("both ends learn who the other is, and the client's session", limit, async () => {
  const listening = new Ears();
  const dialling = new Ears();
  const listener = await listenAs0({ events: listening });
  const { port } = listener;
  const dialler = dial0({ port, tls: client5, session: 1_700_000_000_123, events: dialling });
  await dialling.until(() => dialling.links.length === 1);
  assert.deepEqual(listening.links[0]?.peer, { kind: "client", id: 5 });
  assert.equal(listening.links[0]?.session, 1_700_000_000_123);
  assert.deepEqual(dialling.links[0]?.peer, { kind: "replica", id: 0 });
  assert.equal(dialling.links[0]?.session, null);
  dialler.close();
  await listener.close();
  assert.deepEqual([...listening.drops, ...dialling.drops], []);
});

test("many frames arrive complete and in order, both ways at once", limit, async () => {
  const { listening, dialling, here, there, close } = await pair();
  const count = 50_000;
  const sent = Array.from({ length: count }, (_, number) => numbered(number, 4 + (number % 200)));
  for (const [number, frame] of sent.entries()) {
    assert.ok(sendBytes(here, frame));
    assert.ok(sendBytes(there, frame));
    if (number % 1000 === 0) await nextTurn();
  }
  await listening.until(() => listening.received.length === count);
  await dialling.until(() => dialling.received.length === count);
  assert.deepEqual(listening.received, sent);
  assert.deepEqual(dialling.received, sent);
  await close();
});

test("frames of one turn arrive together", limit, async () => {
  const { listening, here, close } = await pair();
  const sizes: number[] = [];
  listening.onFrames = (_, frames) => sizes.push(frames.length);
  for (let number = 0; number < 100; number++) sendBytes(here, numbered(number));
  await listening.until(() => listening.received.length === 100);
  assert.deepEqual(sizes, [100]);
  await close();
});

test("a frame may be smaller than announced, but not larger or over the limit", limit, async () => {
  const { listening, here, close } = await pair();
  here.send(1000, (into, offset) => {
    into.set([1, 2, 3], offset);
    return offset + 3;
  });
  await listening.until(() => listening.received.length === 1);
  assert.deepEqual(listening.received[0], Uint8Array.of(1, 2, 3));
  assert.throws(() => here.send(8, (_, offset) => offset + 9), InvariantError);
  assert.throws(() => here.send(17 * 1024 * 1024, (_, offset) => offset + 1), InvariantError);
  await close();
});

test("frames of 8 MiB arrive between small ones", limit, async () => {
  const { listening, here, close } = await pair();
  const sent = [8, 8 << 20, 8, 8 << 20, 8].map((size, number) => numbered(number, size));
  for (const frame of sent) assert.ok(sendBytes(here, frame));
  await listening.until(() => listening.received.length === sent.length);
  assert.ok(sent.every((frame, i) => Buffer.compare(frame, listening.received[i]!) === 0));
  await close();
});

test("a peer that does not read fills the queue to its bound, not further", limit, async () => {
  const queueBytesMax = 1 << 20;
  const { listening, here, there, close } = await pair({ queueBytesMax });
  there.pause();
  let accepted = 0;
  for (let stuckTurns = 0; stuckTurns < 50; stuckTurns++) {
    while (sendBytes(here, numbered(accepted, 16 * 1024))) {
      accepted++;
      stuckTurns = 0;
      assert.ok(here.queuedBytes <= queueBytesMax);
    }
    await nextTurn();
  }
  assert.ok(here.queuedBytes > queueBytesMax - 17 * 1024, "the queue is full");
  const before = listening.received.length;
  assert.ok(before < accepted / 2, "the reader had stopped");
  there.resume();
  await listening.until(() => listening.received.length === accepted);
  listening.received.forEach((frame, number) => {
    assert.equal(new DataView(frame.buffer).getUint32(0, true), number);
  });
  assert.equal(here.queuedBytes, 0);
  assert.ok(sendBytes(here, numbered(accepted)), "there is room again");
  await listening.until(() => listening.received.length === accepted + 1);
  await close();
});

test("what was sent before a close still arrives; nothing after it", limit, async () => {
  const { listening, dialling, here, close } = await pair();
  for (let number = 0; number < 300; number++) sendBytes(here, numbered(number, 10_000));
  here.close();
  assert.equal(sendBytes(here, numbered(0)), false);
  await listening.until(() => listening.closings.length === 1);
  assert.equal(listening.received.length, 300);
  assert.deepEqual(listening.closings, ["closed by the peer"]);
  await dialling.until(() => dialling.closings.length === 1);
  assert.deepEqual(dialling.closings, ["closed here"]);
  await close();
});

test("a dialled link opens again after the listener restarts", limit, async () => {
  const { listener, dialling, dialler } = await pair();
  const { port } = listener;
  await listener.close();
  await dialling.until(() => dialling.closings.length === 1 && dialling.drops.length > 0);
  assert.ok(dialling.drops.every((reason) => reason === "unreachable"));
  const listening = new Ears();
  const again = await listenAs0({ port, events: listening });
  await dialling.until(() => dialling.links.length === 2);
  assert.ok(sendBytes(dialling.links[1]!, numbered(7)));
  await listening.until(() => listening.received.length === 1);
  dialler.close();
  await again.close();
});

test("a closed dialler ends its link in good order and does not dial again", limit, async () => {
  const { listening, dialling, dialler, listener } = await pair();
  const start = performance.now();
  dialler.close();
  await listening.until(() => listening.closings.length === 1);
  await dialling.until(() => dialling.closings.length === 1);
  assert.ok(performance.now() - start < closeMsMax, "it was not cut off");
  await listener.close();
  assert.equal(listening.links.length, 1);
});

test("a replica's newer link replaces its older one", limit, async () => {
  const { listening, listener, dialler, close } = await pair();
  const newer = new Ears();
  const second = dial0({ port: listener.port, events: newer });
  await listening.until(() => listening.closings.length > 0);
  assert.equal(listening.closings[0], "replaced by a newer link");
  dialler.close();
  second.close();
  await close();
});

test("connections are limited in all and for each client", limit, async () => {
  const listening = new Ears();
  const limits = { connectionsMax: 3, connectionsPerClientMax: 2 };
  const listener = await listenAs0({ events: listening, ...limits });
  const { port } = listener;
  const ears = new Ears();
  const client = (tls = client5) => dial0({ port, tls, session: 1, events: ears });
  const first = [client(), client()];
  await ears.until(() => ears.links.length === 2);
  const third = client();
  await listening.until(() => listening.drops.length === 1);
  assert.deepEqual(listening.drops, ["too many connections of one client"]);
  third.close();
  const others = [client(identity("client-6")), client(identity("client-7"))];
  await listening.until(() => listening.drops.includes("too many connections"));
  assert.ok(listening.links.length <= 3);
  for (const dialler of [...first, ...others]) dialler.close();
  await listener.close();
});

test("a busy port is refused with the system's code", limit, async () => {
  const events = new Ears();
  const listener = await listenAs0({ events });
  await assert.rejects(listenAs0({ port: listener.port, events }), { code: "EADDRINUSE" });
  await listener.close();
});
