// The client machine, one rule at a time.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ClientEffect,
  type ClientMachineContext,
  defaultLimits,
  InvariantError,
  type Reply,
} from "../../src/core/index.js";
import { quorumClient } from "../../src/parts/index.js";
import { bundleIn, replyMessage, toyRules, type ToyMessage } from "../client/toy-protocol.js";

const client = 3;
const session = 1_000;

function newMachine(changes: Partial<ClientMachineContext> = {}) {
  return quorumClient(toyRules).machine({
    client,
    session,
    n: 3,
    f: 1,
    hash: () => new Uint8Array(32),
    limits: defaultLimits,
    clientAuthentication: "signature",
    replicaAuthentication: null,
    authenticate: () => new Uint8Array(32),
    isAuthentic: () => true,
    windowBundles: 4,
    windowBytes: 1 << 20,
    retryMs: 250,
    retryMsMax: 2_000,
    ...changes,
  });
}

type Machine = ReturnType<typeof newMachine>;
type Effects = readonly ClientEffect<ToyMessage>[];

const bytes = (...values: number[]) => Uint8Array.from(values);

const submit = (machine: Machine, now = 0, operations = [bytes(1)]): Effects =>
  machine.step(now, { kind: "submit", operations });

/** A reply from a replica; executed with the result 9 unless changed. */
const reply = (
  machine: Machine,
  from: number,
  number: number,
  changes: Partial<Reply> = {},
  now = 1,
): Effects => {
  const sent: Reply = {
    client,
    session,
    number,
    view: 0,
    outcome: "executed",
    results: [bytes(9)],
    ...changes,
  };
  return machine.step(now, { kind: "message", from, message: replyMessage(sent) });
};

const kinds = (effects: Effects) => effects.map(({ kind }) => kind);

/** "number→replica", "number→all". */
const sends = (effects: Effects) =>
  effects.flatMap((effect) => {
    if (effect.kind === "send") return [`${bundleIn(effect.message).number}→${effect.to}`];
    if (effect.kind === "broadcast") return [`${bundleIn(effect.message).number}→all`];
    return [];
  });

const deliveries = (effects: Effects) => effects.filter(({ kind }) => kind === "deliver");

/** A machine that knows view 0, with bundle 1 answered. */
function warmMachine(changes: Partial<ClientMachineContext> = {}): Machine {
  const machine = newMachine(changes);
  submit(machine);
  reply(machine, 0, 1);
  reply(machine, 1, 1);
  return machine;
}

test("bundles are numbered from 1 and carry their operations and session", () => {
  const machine = newMachine();
  assert.equal(machine.nextNumber, 1);
  const [first] = submit(machine, 0, [bytes(1, 2), bytes()]);
  assert.ok(first?.kind === "broadcast");
  const bundle = bundleIn(first.message);
  assert.deepEqual(
    { ...bundle },
    {
      client,
      session,
      number: 1,
      acknowledged: 0,
      operations: [bytes(1, 2), bytes()],
    },
  );
  assert.equal(machine.nextNumber, 2);
});

test("everyone gets bundles until a view is known, then only its leader does", () => {
  const machine = newMachine();
  assert.deepEqual(sends(submit(machine)), ["1→all"]);
  reply(machine, 0, 1, { view: 4 });
  assert.equal(machine.view, null, "one replica's word is not enough");
  reply(machine, 1, 1, { view: 4 });
  assert.equal(machine.view, 4);
  assert.deepEqual(sends(submit(machine)), ["2→1"]);
});

test("until a view is known, one bundle asks for it and the others wait", () => {
  const machine = newMachine();
  assert.equal(machine.isFull, false);
  submit(machine);
  assert.equal(machine.isFull, true);
  reply(machine, 0, 1);
  assert.equal(machine.isFull, true);
  reply(machine, 1, 1);
  assert.equal(machine.isFull, false);
  submit(machine);
  assert.equal(machine.isFull, false);
});

test("where every replica must vouch for a request, each bundle goes to all", () => {
  const machine = warmMachine({ clientAuthentication: "mac" });
  assert.equal(machine.view, 0);
  assert.deepEqual(sends(submit(machine)), ["2→all"]);
});

test("a result needs equal replies of f + 1 different replicas", () => {
  const machine = newMachine();
  submit(machine);
  assert.deepEqual(reply(machine, 0, 1), []);
  assert.deepEqual(reply(machine, 0, 1), [], "one replica twice is one replica");
  assert.deepEqual(deliveries(reply(machine, 2, 1, { results: [bytes(8)] })), []);
  const effects = reply(machine, 1, 1);
  assert.deepEqual(effects, [
    { kind: "blame", replica: 2, reason: "conflicting reply" },
    { kind: "deliver", number: 1, results: [bytes(9)], replicas: [0, 1] },
  ]);
  assert.deepEqual(reply(machine, 2, 1), [], "delivered once only");
});

test("a replica's last reply counts", () => {
  const machine = newMachine();
  submit(machine);
  reply(machine, 0, 1);
  reply(machine, 0, 1, { results: [bytes(8)] });
  assert.deepEqual(deliveries(reply(machine, 1, 1)), [], "replica 0 has changed its mind");
  assert.equal(deliveries(reply(machine, 2, 1, { results: [bytes(8)] })).length, 1);
});

test("replies for other clients, sessions and bundles, and malformed ones, are ignored", () => {
  const machine = newMachine();
  submit(machine);
  for (const from of [0, 1, 2]) {
    assert.deepEqual(reply(machine, from, 1, { client: 4 }), []);
    assert.deepEqual(reply(machine, from, 1, { session: 999 }), []);
    assert.deepEqual(deliveries(reply(machine, from, 2)), []);
    const blame = [{ kind: "blame", replica: from, reason: "malformed reply" }];
    assert.deepEqual(reply(machine, from, 1, { results: [] }), blame);
    const request = toyRules.request(bytes(), bytes());
    assert.deepEqual(machine.step(1, { kind: "message", from, message: request }), blame);
  }
});

test("acknowledged is the number below which everything was answered", () => {
  const machine = warmMachine();
  const acknowledged = () => {
    const [sent] = submit(machine);
    assert.ok(sent?.kind === "send");
    return bundleIn(sent.message).acknowledged;
  };
  assert.equal(acknowledged(), 1); // bundle 2
  assert.equal(acknowledged(), 1); // bundle 3
  for (const from of [0, 1]) reply(machine, from, 3);
  assert.equal(acknowledged(), 1, "3 is answered, 2 is not"); // bundle 4
  for (const from of [0, 1]) reply(machine, from, 2);
  assert.equal(acknowledged(), 3); // bundle 5
});

test("the window is counted from the oldest unanswered bundle", () => {
  const machine = warmMachine();
  for (const number of [2, 3, 4, 5]) {
    assert.equal(machine.isFull, false, `before bundle ${number}`);
    submit(machine);
  }
  assert.equal(machine.isFull, true);
  assert.throws(() => submit(machine), InvariantError);
  for (const from of [0, 1]) reply(machine, from, 4);
  assert.equal(machine.isFull, true, "2 is still unanswered");
  for (const from of [0, 1]) reply(machine, from, 2);
  assert.equal(machine.isFull, false);
});

test("the window is bounded in bytes too, but takes one bundle of any size", () => {
  const machine = newMachine({ windowBytes: 100 });
  submit(machine, 0, [new Uint8Array(200)]);
  assert.equal(machine.isFull, true);
  reply(machine, 0, 1);
  reply(machine, 1, 1);
  assert.equal(machine.isFull, false);
});

test("an unanswered bundle goes to everyone, at doubling distances", () => {
  const machine = warmMachine();
  assert.deepEqual(submit(machine, 1_000).slice(1), [], "the first bundle's timer still runs");
  const distances: number[] = [];
  let now = 1_000;
  for (let retry = 0; retry < 6; retry++) {
    let effects = machine.step(now, { kind: "timeout", timer: "retry" });
    if (sends(effects).length === 0) {
      const timer = effects.find(({ kind }) => kind === "set-timer");
      assert.ok(timer?.kind === "set-timer");
      distances.push(timer.afterMs);
      now += timer.afterMs;
      effects = machine.step(now, { kind: "timeout", timer: "retry" });
    }
    assert.deepEqual(sends(effects), ["2→all"]);
    const timer = effects.at(-1);
    assert.ok(timer?.kind === "set-timer");
    distances.push(timer.afterMs);
    now += timer.afterMs;
  }
  assert.deepEqual(distances, [250, 500, 1_000, 2_000, 2_000, 2_000, 2_000]);
  assert.deepEqual(sends(submit(machine, now)), ["3→0"], "a new bundle has not waited yet");
  for (const from of [0, 1]) reply(machine, from, 2, {}, now);
  assert.deepEqual(sends(submit(machine, now)), ["4→0"]);
});

test("a retry is of the oldest bundles, up to some bytes and the one that goes over them", () => {
  const machine = warmMachine({ windowBundles: 8 });
  const large = [new Uint8Array(200 * 1024)];
  for (let number = 2; number <= 5; number++) submit(machine, 1_000, large);
  assert.deepEqual(sends(machine.step(2_000, { kind: "timeout", timer: "retry" })), [
    "2→all",
    "3→all",
  ]);
  for (const from of [0, 1]) reply(machine, from, 2, {}, 2_000);
  assert.deepEqual(sends(machine.step(4_000, { kind: "timeout", timer: "retry" })), [
    "3→all",
    "4→all",
  ]);
});

test("no retry comes sooner than thrice the usual latency", () => {
  const machine = newMachine({ retryMs: 10, retryMsMax: 10_000 });
  for (let number = 1; number <= 100; number++) {
    submit(machine, number * 100);
    for (const from of [0, 1]) reply(machine, from, number, {}, number * 100 + 100);
  }
  submit(machine, 20_000);
  const effects = machine.step(20_200, { kind: "timeout", timer: "retry" });
  assert.deepEqual(kinds(effects), ["set-timer"]);
});

test("a timer that runs out without anything outstanding does nothing", () => {
  const machine = warmMachine();
  assert.deepEqual(machine.step(500, { kind: "timeout", timer: "retry" }), []);
  assert.deepEqual(kinds(submit(machine, 600)), ["send", "set-timer"]);
});

test("a new leader that a correct replica vouches for gets everything outstanding", () => {
  const machine = warmMachine({ n: 5, f: 2, windowBundles: 8 });
  // Bundle 1 of a group of five needs a third reply.
  reply(machine, 2, 1);
  for (let number = 2; number <= 4; number++) submit(machine);
  assert.deepEqual(sends(reply(machine, 3, 2, { view: 1 })), []);
  assert.deepEqual(sends(reply(machine, 4, 2, { view: 999 })), [], "two may be lying");
  assert.deepEqual(sends(reply(machine, 0, 3, { view: 2 })), ["2→1", "3→1", "4→1"]);
  assert.equal(machine.view, 1);
  reply(machine, 0, 3, { view: 0 });
  reply(machine, 3, 3, { view: 0 });
  assert.equal(machine.view, 1, "correct replicas do not go back");
});

test("a replica that connects gets everything outstanding, in order", () => {
  const machine = warmMachine();
  submit(machine);
  submit(machine);
  assert.deepEqual(sends(machine.step(1, { kind: "connected", replica: 2 })), ["2→2", "3→2"]);
});

test("the session ends when f + 1 replicas forgot it, not before", () => {
  const machine = newMachine();
  submit(machine);
  const expired: Partial<Reply> = { outcome: "session-expired", results: [] };
  assert.deepEqual(kinds(reply(machine, 2, 1, expired)), []);
  assert.deepEqual(kinds(reply(machine, 0, 1, expired)), ["expired"]);
  for (const from of [0, 1, 2]) assert.deepEqual(reply(machine, from, 1), []);
});

test("a liar alone cannot end the session", () => {
  const machine = newMachine();
  submit(machine);
  reply(machine, 2, 1, { outcome: "session-expired", results: [] });
  reply(machine, 0, 1);
  assert.deepEqual(kinds(reply(machine, 1, 1)), ["blame", "deliver"]);
});

test("a result that is never given again does not block the window", () => {
  const machine = warmMachine();
  submit(machine, 1_000);
  submit(machine, 1_000);
  let now = 1_000;
  const timeouts = (count: number) => {
    const effects: ClientEffect<ToyMessage>[] = [];
    for (let i = 0; i < count; i++) {
      now += 5_000;
      effects.push(...machine.step(now, { kind: "timeout", timer: "retry" }));
    }
    return effects.filter(({ kind }) => kind === "lost");
  };
  assert.deepEqual(timeouts(20), [], "nothing says that bundle 2 took effect");
  for (const from of [0, 1]) reply(machine, from, 3, {}, now);
  assert.deepEqual(timeouts(1), [{ kind: "lost", number: 2 }]);
  assert.equal(machine.nextNumber, 4);
  const [sent] = submit(machine, now);
  assert.ok(sent?.kind === "send");
  assert.equal(bundleIn(sent.message).acknowledged, 3);
});
