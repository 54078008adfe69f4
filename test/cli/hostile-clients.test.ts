// Clients that break the rules, at real replicas: what they send is dropped and counted or answered
// once, and the others are served.

import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readClientCredential, readConfiguration } from "../../src/cluster/index.js";
import { encodeBundle } from "../../src/codec/index.js";
import { startFromFolder } from "../../src/cli/compose.js";
import { freeBasePort } from "../../src/cli/free-ports.js";
import { sha256 } from "../../src/cli/sha256.js";
import { defaultLimits } from "../../src/core/index.js";
import { dial, type Link } from "../../src/link/index.js";
import { protocolNamed } from "../../src/protocols/index.js";
import { connect, keyValue, readOutcome } from "../../src/troth/index.js";
import { temporaryFolder, troth } from "./harness.js";

const timeout = 60_000;
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const { messages, client: side } = protocolNamed("hybster");

/** Three replicas in this process. */
async function startCluster(context: TestContext, clientAuthentication: string) {
  const folder = join(temporaryFolder(context), "c");
  const ports = ["--base-port", String(await freeBasePort(3)), "--clients", "2", "--memory"];
  await troth("init", "--dir", folder, "--client-auth", clientAuthentication, ...ports);
  const started = await Promise.all([0, 1, 2].map((id) => startFromFolder(folder, id)));
  const replicas = started.map(({ replica }) => replica);
  context.after(() => Promise.all(replicas.map((replica) => replica.stop())));
  const dropped = (reason: string) =>
    replicas.map((replica) => replica.status().dropped[reason] ?? 0);
  const honest = await connect({ folder, client: 0 });
  context.after(() => honest.close());
  const read = async (key: string): Promise<string> => {
    const outcome = readOutcome(await honest.call(keyValue.get(bytes(key))));
    return outcome?.kind === "value" ? Buffer.from(outcome.value).toString() : outcome!.kind;
  };
  return { folder, replicas, dropped, read };
}

/** Client 1, which writes its own frames. */
class HostileClient {
  /** Numbers of its bundles that a replica answered as executed. */
  readonly answered = new Set<number>();
  readonly #links: Promise<Link>[];
  readonly #seal: (digest: Uint8Array) => Uint8Array;
  readonly #session = Date.now();

  constructor(context: TestContext, folder: string) {
    const { name: cluster, authority, replicas } = readConfiguration(folder);
    const credential = readClientCredential(folder, 1);
    const { tlsKey: key, tlsCertificate: certificate } = credential;
    this.#seal = (digest) => credential.seal(digest);
    this.#links = replicas.map(({ id, host, port }) => {
      return new Promise((resolve) => {
        const dialler = dial({
          host,
          port,
          cluster,
          expected: { kind: "replica", id },
          tls: { key, certificate, authority },
          session: this.#session,
          frameBytesMax: defaultLimits.frameBytesMax,
          events: {
            open: resolve,
            frames: (_, frames) => frames.forEach((frame) => this.#onFrame(frame)),
            closed: () => {},
            dropped: () => {},
          },
        });
        context.after(() => dialler.close());
      });
    });
  }

  #onFrame(frame: Uint8Array): void {
    const message = messages.decode(frame);
    const reply = message === null ? null : side.reply(message);
    if (reply?.outcome === "executed") this.answered.add(reply.number);
  }

  /** A request's frame. With "mac", its authenticator holds only for `validFor`. */
  frame(
    number: number,
    operation: Uint8Array,
    more: { client?: number; validFor?: number[] } = {},
  ) {
    const { client = 1, validFor = [0, 1, 2] } = more;
    const bundle = { client, session: this.#session, number, acknowledged: number - 1 };
    const body = encodeBundle({ ...bundle, operations: [operation] });
    const authenticator = this.#seal(sha256(body));
    for (const replica of [0, 1, 2]) {
      if (!validFor.includes(replica)) authenticator[32 * replica]! ^= 1;
    }
    return messages.encode(side.request(body, authenticator));
  }

  async send(frame: Uint8Array, to: readonly number[] = [0, 1, 2]): Promise<void> {
    for (const id of to) {
      (await this.#links[id]!).send(frame.length, (into, offset) => {
        into.set(frame, offset);
        return offset + frame.length;
      });
    }
  }
}

/** Resolves when the condition holds; asks again after each turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test("frames that are replayed, too old, too early, cut off or another's have no effect", {
  timeout,
}, async (context) => {
  const { folder, replicas, dropped, read } = await startCluster(context, "trusted-mac");
  const client = new HostileClient(context, folder);
  const add = (number: number) => client.frame(number, keyValue.add(bytes("n"), 1n));

  const first = add(1);
  for (let copy = 0; copy < 20; copy++) await client.send(first);
  await until(() => client.answered.has(1));
  await client.send(add(2));
  await until(() => client.answered.has(2));
  await until(() => replicas.every((replica) => replica.status().operations >= 2));
  await client.send(first);
  await until(() => dropped("an answered request, its reply forgotten").every((n) => n > 0));

  await client.send(add(2 + defaultLimits.sessionWindow + 1));
  await until(() => dropped("a request whose predecessors are missing").every((n) => n > 0));

  const frame = add(3);
  await client.send(frame.subarray(0, frame.length - 1));
  await client.send(frame.subarray(0, 10));
  await until(() => dropped("not authentic").every((n) => n === 1));
  await until(() => dropped("malformed frame").every((n) => n === 1));

  await client.send(client.frame(1, keyValue.delete(bytes("n")), { client: 0 }));
  await until(() => dropped("client spoke for another").every((n) => n === 1));

  assert.equal(await read("n"), "2");
  assert.ok(replicas.every((replica) => replica.status().view === 0));
});

test("a client whose MACs do not hold for every replica divides nobody", {
  timeout,
}, async (context) => {
  const { folder, replicas, dropped, read } = await startCluster(context, "mac");
  const client = new HostileClient(context, folder);
  const put = (number: number, value: string, validFor: number[]) =>
    client.frame(number, keyValue.put(bytes("k"), bytes(value)), { validFor });

  // For one replica only, the leader among them: nobody else ever vouches for it.
  for (const id of [0, 1, 2]) await client.send(put(1, `for ${id} only`, [id]));
  await until(() => dropped("not authentic").every((n) => n === 2));
  assert.equal(await read("k"), "absent");

  // For all but the leader: it takes effect, because a correct replica can always be convinced.
  await client.send(put(1, "for 1 and 2", [1, 2]));
  await until(() => client.answered.has(1));
  assert.equal(await read("k"), "for 1 and 2");

  // Two bundles of one number: one of them takes effect, everywhere the same.
  await client.send(put(2, "left", [0, 1]), [0, 1]);
  await client.send(put(2, "right", [1, 2]), [1, 2]);
  await until(() => client.answered.has(2));
  const kept = await read("k");
  assert.ok(["left", "right"].includes(kept), kept);
  await client.send(put(3, "the end", [0, 1, 2]));
  await until(() => client.answered.has(3));
  assert.equal(await read("k"), "the end");
  await until(() => new Set(replicas.map((replica) => replica.status().executed)).size === 1);
  assert.ok(
    replicas.every((replica) => replica.status().view === 0),
    "nobody was blamed for it",
  );
});
