// The wrapper that carries leases around a protocol which knows nothing of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  absentIdentity,
  defaultLimits,
  defaultTiming,
  type Effect,
  type Input,
  type Protocol,
  type ReplicaContext,
  type Tagged,
  type TrustedCounter,
} from "../../src/core/index.js";
import { type LeaseMessage, leased } from "../../src/parts/index.js";
import { hybster } from "../../src/protocols/hybster/index.js";
import { Random, symbolicHash, trustedGroup } from "../../src/simulator/index.js";

type Machine = ReturnType<Protocol["replica"]>;
type Effects = readonly Effect<Tagged, Tagged>[];

const digest = new Uint8Array(32);

/** Certifies the next order whenever it may, and again when it is told that it may go on. */
function eager(counter: TrustedCounter): Machine {
  let order = 0;
  const certify = (): void => {
    while (counter.independent(0, { view: 0, order: order + 1 }, digest) !== null) order++;
  };
  return {
    step: (_now, input: Input<Tagged, Tagged>) => {
      if (input.kind === "start" || input.kind === "leased") certify();
      return [];
    },
    status: () => ({ view: 0, role: "leader", executed: order, stable: 0, operations: 0 }),
  };
}

const protocol = leased({
  ...(hybster as unknown as Protocol),
  replica: ({ counter }) => eager(counter),
});

const limits = { ...defaultLimits, checkpointOrders: 4 };

function contextOf(replica: number, counter: TrustedCounter): ReplicaContext {
  const service = null as never; // no request is executed here
  const common = { n: 3, f: 1, service, hash: symbolicHash, limits, timing: defaultTiming };
  return {
    ...common,
    replica,
    counter,
    clientAuthentication: "trusted-mac",
    identity: absentIdentity,
    replicaAuthentication: null,
  };
}

const statements = (effects: Effects): Uint8Array[] =>
  effects.flatMap((effect) =>
    effect.kind === "broadcast" || effect.kind === "send"
      ? [(effect.message as LeaseMessage).statement]
      : [],
  );

const start = { kind: "start", snapshot: null, journal: [] } as const;
const timeout = { kind: "timeout", timer: "lease" } as const;

function said(machine: Machine, from: number, statement: Uint8Array): Effects {
  return machine.step(0, {
    kind: "message",
    from,
    message: { kind: "lease", statement } as Tagged,
  });
}

test("what is refused is asked for a window ahead until granted, and then tried again", () => {
  const group = trustedGroup(new Random(1), { freshness: "leases", n: 3, f: 1 });
  const machine = protocol.replica(contextOf(0, group.counter(0)));
  const other = group.counter(1);
  const begun = machine.step(0, start);
  assert.deepEqual(
    begun.map(({ kind }) => kind),
    ["broadcast", "set-timer"],
  );
  assert.deepEqual(statements(machine.step(0, timeout)), statements(begun), "the same again");
  const [ask] = statements(begun);
  const more = statements(said(machine, 1, other.leases!.receive(ask!)!));
  assert.equal(machine.status().executed, 9, "order 1 and a window of 8 beyond");
  assert.equal(more.length, 1, "and the next window is asked for at once");
  said(machine, 1, other.leases!.receive(more[0]!)!);
  assert.equal(machine.status().executed, 18);
});

test("a replica that restarts asks in two phases, and answers others once it is told", () => {
  const group = trustedGroup(new Random(1), { freshness: "leases", n: 3, f: 1 });
  const others = [group.counter(1), group.counter(2)];
  group.counter(0);
  const machine = protocol.replica(contextOf(0, group.counter(0)));
  const question = others[0]!.leases!.ask(0, { view: 0, order: 3 })!;
  let [asked] = statements(machine.step(0, start));
  assert.deepEqual(statements(said(machine, 1, question)), [], "it does not know yet");
  for (const phase of ["probe", "claim"]) {
    const answers = others.map((one) => one.leases!.receive(asked!)!);
    const effects = answers.flatMap((answer, index) => said(machine, index + 1, answer));
    [asked] = statements(effects);
    assert.ok(asked !== undefined, `after its ${phase} it asks for more at once`);
  }
  assert.equal(statements(said(machine, 1, question)).length, 1);
});

test("with another freshness the machine is the protocol's own", () => {
  const group = trustedGroup(new Random(1));
  const machine = { step: () => [], status: () => ({}) as never };
  const plain = leased({ ...(hybster as unknown as Protocol), replica: () => machine });
  assert.equal(plain.replica(contextOf(0, group.counter(0))), machine);
});

test("statements have a kind of their own among the protocol's messages", () => {
  const wrapped = leased(hybster);
  const { messages } = wrapped;
  const message: LeaseMessage = { kind: "lease", statement: Uint8Array.of(4, 1, 2) };
  const bytes = messages.encode(message);
  assert.deepEqual(messages.decode(bytes), message);
  assert.equal(messages.describe(message), "lease(ask)");
  const status = { view: 1, established: 1, stable: 0, executed: 0, acted: 0, suspects: 0 };
  const inner = { ...status, kind: "status" as const };
  assert.deepEqual(messages.encode(inner), hybster.messages.encode(inner));
  assert.deepEqual(messages.decode(hybster.messages.encode(inner)), inner);
  assert.equal(messages.decode(new Uint8Array(20_000).fill(255)), null, "longer than any");
  const context = { ...contextOf(0, null as never) };
  assert.deepEqual(wrapped.claims(message, 1, context), []);
  assert.equal(wrapped.claims(message, null, context), null, "no client says this");
});
