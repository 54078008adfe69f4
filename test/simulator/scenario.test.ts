// The scripting harness: nothing moves unless the test says so, and everything that moves goes
// through the codec.

import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "../../src/core/index.js";
import { scenario } from "../../src/simulator/index.js";
import { toyProtocol } from "./toy-protocol.js";
import { countingService } from "./toy-service.js";

const operation = Uint8Array.of(1);
const count = (value: number): Uint8Array => Uint8Array.of(0, 0, 0, value);
const cluster = (liars: readonly number[] = []) =>
  scenario({ protocol: toyProtocol(), n: 3, service: countingService, liars });

test("a request is ordered and answered when everything is delivered", () => {
  const world = cluster();
  assert.deepEqual(world.submit(4, [operation, operation]), { client: 4, session: 1, number: 1 });
  assert.equal(world.inFlight().length, 3);
  world.settle();
  assert.deepEqual(world.result(4, 1), [count(1), count(2)]);
  assert.equal(world.replies(4).length, 3);
  assert.deepEqual(
    [0, 1, 2].map((replica) => world.status(replica).executed),
    [1, 1, 1],
  );
});

test("deliver takes what is in flight, not what follows from it", () => {
  const world = cluster();
  world.submit(0, [operation]);
  assert.equal(
    world.deliver((m) => m.to === 0),
    1,
  );
  assert.equal(world.inFlight((m) => m.message.kind === "order").length, 2);
  assert.equal(world.result(0, 1), null);
  assert.equal(
    world.drop((m) => m.to === 2),
    3,
  );
  world.settle();
  assert.deepEqual(new Set(world.replies(0).map(({ from }) => from)), new Set([0, 1]));
  assert.equal(world.status(2).executed, 0);
});

test("held messages wait, blocked ones are lost", () => {
  const world = cluster();
  const release = world.hold((m) => m.to === 1);
  const unblock = world.block((m) => m.to === 2 && m.from === 0);
  world.submit(0, [operation]);
  world.settle();
  assert.equal(world.result(0, 1), null);
  assert.ok(world.inFlight().every((m) => m.to === 1));
  release();
  unblock();
  world.settle();
  assert.deepEqual(world.result(0, 1), [count(1)]);
  assert.equal(world.status(2).executed, 0);
  world.play(1_000);
  assert.equal(world.status(2).executed, 1);
});

test("timers fire by hand or with time, and only those that are set", () => {
  const world = cluster();
  assert.deepEqual([...world.timers(1)], [["status", 100]]);
  world.elapse(30);
  assert.deepEqual([...world.timers(1)], [["status", 70]]);
  world.fire(1, "status");
  assert.equal(world.inFlight((m) => m.from === 1 && m.message.kind === "status").length, 2);
  assert.throws(() => world.fire(1, "patience"), UsageError);
  world.elapse(70);
  assert.equal(world.now, 100);
  assert.equal(world.inFlight((m) => m.from === 0 && m.message.kind === "status").length, 2);
});

test("a crash between persist and send keeps the record and loses the message", () => {
  const world = cluster();
  world.crashAfter(0, 1);
  world.submit(0, [operation], { to: [0] });
  world.deliver();
  assert.equal(world.inFlight().length, 0);
  assert.throws(() => world.status(0));
  world.restart(0);
  world.play(1_000);
  assert.deepEqual(
    [0, 1, 2].map((replica) => world.status(replica).executed),
    [1, 1, 1],
  );
});

test("a crash before the persist loses the record too", () => {
  const world = cluster();
  world.crashAfter(0, 0);
  world.submit(0, [operation], { to: [0] });
  world.deliver();
  world.restart(0);
  world.play(1_000);
  assert.equal(world.status(0).executed, 0);
});

test("a liar played by hand holds a counter, hears everything, and cannot forge a client", () => {
  const world = cluster([0]);
  const liar = world.liar(0);
  world.submit(0, [operation], { to: [0] });
  world.settle();
  const [request] = liar.received.map(({ message }) => message);
  assert.equal(request?.kind, "request");
  if (request?.kind !== "request") return;
  const { body, authenticator } = request;
  const forged = authenticator.map((byte) => byte ^ 1);
  liar.send([1, 2], { kind: "order", order: 1, body, authenticator: forged });
  world.settle();
  assert.deepEqual(world.dropped(1), { "forged request": 1 });
  liar.send(1, { kind: "order", order: 1, body, authenticator });
  world.settle();
  assert.equal(world.inFlight().length, 0);
  const next = { view: 0, order: 1 };
  const digest = liar.context.hash(body);
  assert.ok(liar.context.counter.independent(0, next, digest));
  assert.equal(liar.context.counter.independent(0, next, digest), null);
});

test("what a receiver does to a message does not reach the sender or other receivers", () => {
  const world = cluster();
  world.submit(0, [operation]);
  const [first, second] = world.inFlight();
  if (first?.message.kind !== "request" || second?.message.kind !== "request") assert.fail();
  first.message.body.fill(0);
  assert.notDeepEqual(second.message.body, first.message.body);
  world.settle();
  assert.deepEqual(world.result(0, 1), [count(1)]);
});
