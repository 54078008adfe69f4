// The host of a machine: order of a link's messages, turns and timers, back-pressure, and its end.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { type TestContext, test } from "node:test";
import {
  bytes32,
  clientMacInput,
  byteList,
  container,
  type MessageOf,
  uint32,
  union,
} from "../../src/codec/index.js";
import {
  absentIdentity,
  type ClaimContext,
  defaultLimits,
  type Effect,
  type Input,
  type Protocol,
  type ReplicaMachine,
} from "../../src/core/index.js";
import type { Link, Peer } from "../../src/link/index.js";
import { Authenticator } from "../../src/runtime/authenticator.js";
import { sha256 } from "../../src/runtime/hash.js";
import { Host } from "../../src/runtime/host.js";
import type { Journal } from "../../src/runtime/journal.js";
import { unverifiedMessagesMax } from "../../src/runtime/limits.js";
import { SignatureVerifier } from "../../src/runtime/signature-verifier.js";
import { openTrustedModule } from "../../src/trusted/index.js";
import { echoProtocol } from "./echo-protocol.js";
import { eventually, sequence } from "./echo-cluster.js";

const timeout = 10_000;

const table = {
  signed: container({ number: uint32, client: uint32, digest: bytes32, signature: byteList(64) }),
};
type Signed = MessageOf<typeof table>;
const messages = union(table);

const protocol: Protocol<Signed, Signed> = {
  ...(echoProtocol as unknown as Protocol<Signed, Signed>),
  messages,
  records: messages,
  claims: ({ client, digest, signature }) => [
    { kind: "client", client, digest, authenticator: signature },
  ],
};

const claimContext: ClaimContext = {
  n: 3,
  f: 1,
  hash: sha256,
  limits: defaultLimits,
  clientAuthentication: "signature",
  replicaAuthentication: null,
};

const keys = [0, 1].map(() => generateKeyPairSync("ed25519"));
const publicKeys = keys.map(({ publicKey }) =>
  publicKey.export({ type: "spki", format: "der" }).toString("base64"),
);

function signed(number: number, client = 0, content = number): Signed {
  const digest = sha256(Uint8Array.of(content, content >> 8));
  const signature = sign(null, clientMacInput(client, digest), keys[client]!.privateKey);
  return { kind: "signed", number, client, digest, signature };
}

/** A link that only remembers whether it is read. */
class StillLink implements Link {
  readonly peer: Peer;
  readonly session = null;
  readonly queuedBytes = 0;
  isRead = true;

  constructor(peer: Peer) {
    this.peer = peer;
  }

  send(): boolean {
    return true;
  }
  flush(): void {}
  close(): void {}
  pause(): void {
    this.isRead = false;
  }
  resume(): void {
    this.isRead = true;
  }
}

type React = (input: Input<Signed, Signed>) => Effect<Signed, Signed>[];

/** A host around a machine that remembers its inputs and does what `react` says. */
function hostOf(context: TestContext, react: React, journal: Journal<Signed> | null = null) {
  const inputs: Input<Signed, Signed>[] = [];
  const failures: Error[] = [];
  const signatures = new SignatureVerifier({ client: publicKeys, replica: [] }, (error) =>
    failures.push(error),
  );
  context.after(() => signatures.close());
  const machine: ReplicaMachine<Signed, Signed> = {
    step(_now, input) {
      inputs.push(input);
      return react(input);
    },
    status: () => ({ view: 0, role: "leader", executed: 0, stable: 0, operations: 0 }),
  };
  const host = new Host<Signed, Signed>({
    machine,
    protocol,
    context: claimContext,
    authenticator: new Authenticator({
      replica: 0,
      n: 3,
      clients: 2,
      clientAuthentication: "signature",
      counter: openTrustedModule({
        groupSecret: new Uint8Array(32).fill(1),
        instance: 0,
        group: { n: 3, f: 1, freshness: "storage" },
        measurement: null,
        firstBoot: null,
      }),
      proofs: { ...absentIdentity, verify: () => false },
      clientMacKey: null,
      signatures,
    }),
    journal,
    depart: () => {},
    observed: () => {},
    committed: () => {},
    failed: (error) => failures.push(error),
  });
  host.start({ snapshot: null, journal: [] });
  const numbers = () =>
    inputs.flatMap((input) => (input.kind === "message" ? [input.message.number] : []));
  return { host, inputs, failures, signatures, numbers };
}

const client0: Peer = { kind: "client", id: 0 };
const frames = (...list: Signed[]) => list.map((message) => messages.encode(message));

test("verification on other threads keeps each link's order", { timeout }, async (context) => {
  const { host, numbers } = hostOf(context, () => []);
  const link = new StillLink(client0);
  host.opened(link);
  host.receive(link, frames(signed(1, 0, 7)));
  await eventually(() => numbers().length === 1);
  // Of these, those with content 7 are known to be genuine at once, and all others are not.
  const count = 100;
  const later = sequence(count).map((i) => signed(1 + i, 0, i % 3 === 0 ? 7 : 1000 + i));
  host.receive(link, frames(...later.slice(0, 40)));
  host.receive(link, frames(...later.slice(40)));
  assert.deepEqual(numbers(), [1], "nothing overtakes");
  await eventually(() => numbers().length === 1 + count);
  assert.deepEqual(numbers(), sequence(1 + count));
});

test("forged signatures are dropped, whatever was known before", { timeout }, async (context) => {
  const { host, numbers } = hostOf(context, () => []);
  const link = new StillLink({ kind: "replica", id: 1 });
  host.opened(link);
  const genuine = signed(1);
  const flipped = Uint8Array.from(genuine.signature, (byte, index) =>
    index === 9 ? byte ^ 1 : byte,
  );
  host.receive(link, frames(genuine));
  host.receive(
    link,
    frames(
      { ...genuine, number: 2, signature: flipped },
      { ...genuine, number: 3, client: 1 },
      { ...genuine, number: 4, client: 2 },
      { ...genuine, number: 5, signature: genuine.signature.subarray(0, 63) },
      { ...genuine, number: 6, digest: sha256(Uint8Array.of(9)) },
      { ...genuine, number: 7 },
    ),
  );
  await eventually(() => numbers().includes(7));
  assert.deepEqual(numbers(), [1, 7]);
  assert.deepEqual(host.dropped, { "not authentic": 5 });
});

test("a link is not read while too many of its messages wait", { timeout }, async (context) => {
  const { host, numbers } = hostOf(context, () => []);
  const link = new StillLink(client0);
  host.opened(link);
  host.receive(link, frames(...sequence(unverifiedMessagesMax).map((number) => signed(number))));
  assert.equal(link.isRead, false);
  await eventually(() => numbers().length === unverifiedMessagesMax);
  assert.equal(link.isRead, true);
});

test("a client may not speak for another", { timeout }, async (context) => {
  const { host } = hostOf(context, () => []);
  const link = new StillLink(client0);
  host.opened(link);
  host.receive(link, frames(signed(1, 1)));
  assert.deepEqual(host.dropped, { "client spoke for another": 1 });
});

test("a timer of 0 ms fires once at the turn's end, unless it is cancelled", {
  timeout,
}, async (context) => {
  const set = (timer: string) => ({ kind: "set-timer", timer, afterMs: 0 }) as const;
  const { host, inputs } = hostOf(context, (input) => {
    if (input.kind === "message") return [set("a"), set("b"), set("c")];
    if (input.kind === "timeout" && input.timer === "a")
      return [{ kind: "cancel-timer", timer: "b" }];
    return [];
  });
  const link = new StillLink(client0);
  host.opened(link);
  host.receive(link, frames(signed(1), signed(2)));
  await eventually(() => inputs.length >= 5);
  const seen = inputs.map((input) => (input.kind === "timeout" ? input.timer : input.kind));
  assert.deepEqual(seen, ["start", "message", "message", "a", "c"]);
});

test("a machine that throws ends the host: it gets no further input", {
  timeout,
}, async (context) => {
  const { host, inputs, failures } = hostOf(context, (input) => {
    if (input.kind !== "message") return [];
    throw new Error("broken");
  });
  const link = new StillLink(client0);
  host.opened(link);
  host.receive(link, frames(signed(1)));
  await eventually(() => failures.length > 0);
  host.receive(link, frames(signed(2)));
  assert.equal(link.isRead, false);
  assert.equal(inputs.length, 2);
  assert.deepEqual(
    failures.map(({ message }) => message),
    ["broken"],
  );
});

test("no link is read while the disk is too far behind", { timeout }, async (context) => {
  const written: (() => void)[] = [];
  const journal: Journal<Signed> & { waitingBytes: number } = {
    waitingBytes: 0,
    append: () => {
      journal.waitingBytes += 12 << 20;
    },
    checkpoint: () => {},
    commit: () => {
      journal.waitingBytes = 0;
      return new Promise((resolve) => written.push(resolve));
    },
    close: async () => {},
  };
  const { host, numbers } = hostOf(
    context,
    (input) => (input.kind === "message" ? [{ kind: "persist", record: input.message }] : []),
    journal,
  );
  const link = new StillLink(client0);
  host.opened(link);
  host.receive(link, frames(signed(1)));
  await eventually(() => written.length === 1);
  host.receive(link, frames(signed(2), signed(3)));
  await eventually(() => numbers().length === 3);
  assert.equal(link.isRead, false);
  written[0]!();
  await eventually(() => written.length === 2);
  await eventually(() => link.isRead);
});
