// Peers that send garbage, too much, nothing, or that are not who they should be: dropped and
// counted.

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect as connectPlain, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { type ConnectionOptions, connect as connectSecure, type TLSSocket } from "node:tls";
import { createAuthority } from "../../src/cluster/certificates.js";
import type { LinkIdentity, ListenOptions } from "../../src/link/index.js";
import {
  client5,
  cluster,
  dial0,
  Ears,
  host,
  identity,
  listenAs0,
  numbered,
  replica1,
  sendBytes,
} from "./members.js";

const limit = { timeout: 20_000 };

const frame = (bytes: Uint8Array | string): Buffer => {
  const body = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
};

const hello = frame(JSON.stringify({ version: 1, cluster, session: 9 }));

/** A raw TLS connection with a member's identity. */
function secure(port: number, tls: LinkIdentity, more: ConnectionOptions = {}): TLSSocket {
  const { key, certificate: cert, authority: ca } = tls;
  const socket = connectSecure({ host, port, key, cert, ca, servername: "replica-0", ...more });
  return socket;
}

/** Resolves when the other end has cut the connection, in whatever way. */
function cutOff(socket: Socket): Promise<void> {
  socket.on("error", () => {});
  socket.resume();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

/**
 * A listener, what a peer does to it, and that an honest peer is served afterwards all the same.
 */
async function attack(
  act: (port: number, ears: Ears) => Promise<void> | void,
  expected: { readonly drops: string[]; readonly links?: number },
  options: Partial<ListenOptions> = {},
): Promise<void> {
  const ears = new Ears();
  const listener = await listenAs0({ events: ears, ...options });
  await act(listener.port, ears);
  await ears.until(() => ears.drops.length >= expected.drops.length);
  assert.deepEqual(ears.drops, expected.drops);
  assert.equal(ears.links.length, expected.links ?? 0);
  await ears.until(() => ears.closings.length === ears.links.length);

  const dialler = dial0({ port: listener.port, events: new Ears() });
  ears.onFrames = (link, [first]) => link.peer.kind === "replica" && sendBytes(link, first!);
  await ears.until(() => ears.links.at(-1)?.peer.kind === "replica");
  dialler.close();
  await listener.close();
}

const sends =
  (bytes: Uint8Array | string, tls = client5) =>
  async (port: number) => {
    const socket = secure(port, tls);
    socket.write(bytes);
    await cutOff(socket);
  };

test("plain HTTP to the TLS port", limit, () =>
  attack(
    async (port) => {
      const socket = connectPlain(port, host);
      socket.end("GET /status HTTP/1.1\r\nHost: a\r\n\r\n");
      await cutOff(socket);
    },
    { drops: ["handshake failed"] },
  ),
);

test("random bytes to the TLS port", limit, () =>
  attack(
    async (port) => {
      const socket = connectPlain(port, host);
      socket.write(Buffer.alloc(1000, 0xa5));
      await cutOff(socket);
    },
    { drops: ["handshake failed"] },
  ),
);

test("a peer that connects and says nothing", limit, () =>
  attack(
    async (port) => {
      const socket = connectPlain(port, host);
      await cutOff(socket);
    },
    { drops: ["handshake too slow"] },
    { handshakeMsMax: 200 },
  ),
);

test("a peer that says no hello", limit, () =>
  attack(
    async (port) => {
      await cutOff(secure(port, client5));
    },
    { drops: ["no hello in time"] },
    { handshakeMsMax: 200 },
  ),
);

test("a certificate of another authority", limit, () => {
  const stranger = createAuthority("another authority").issue("client-5", []);
  const tls = { ...client5, key: stranger.key, certificate: stranger.certificate };
  return attack(sends(hello, tls), { drops: ["handshake failed"] });
});

test("a certificate of another authority of the same name", limit, () => {
  const stranger = createAuthority("test authority").issue("client-5", []);
  const tls = { ...client5, key: stranger.key, certificate: stranger.certificate };
  return attack(sends(hello, tls), { drops: ["handshake failed"] });
});

test("no certificate at all", limit, () =>
  attack(
    async (port) => {
      const { authority: ca } = client5;
      const socket = connectSecure({ host, port, ca, servername: "replica-0" });
      await cutOff(socket);
    },
    { drops: ["handshake failed"] },
  ),
);

test("TLS 1.2", limit, () =>
  attack(
    async (port) => {
      await cutOff(secure(port, client5, { maxVersion: "TLSv1.2", minVersion: "TLSv1.2" }));
    },
    { drops: ["handshake failed"] },
  ),
);

test("an expired certificate", limit, async () => {
  const elevenYearsMs = 11 * 366 * 24 * 3600 * 1000;
  const old = createAuthority("an old authority", new Date(Date.now() - elevenYearsMs));
  const listening = new Ears();
  const listener = await listenAs0({ events: listening, tls: identity("replica-0", old) });
  const dialling = new Ears();
  const tls = identity("replica-1", old);
  const dialler = dial0({ port: listener.port, tls, events: dialling });
  await dialling.until(() => dialling.drops.length > 0);
  assert.equal(dialling.drops[0], "handshake failed");
  assert.equal(listening.links.length + dialling.links.length, 0);
  dialler.close();
  await listener.close();
});

for (const name of ["administrator", "replica-01", "client-5,CN=replica-1"]) {
  test(`a certificate for ${name}, who is no peer`, limit, () =>
    attack(sends(hello, identity(name)), { drops: ["certificate of no peer"] }),
  );
}

test("hellos that are none", limit, async () => {
  const other = (more: object) => frame(JSON.stringify({ version: 1, cluster, ...more }));
  const wrong: [Buffer, string][] = [
    [frame("{"), "not a hello"],
    [frame(new Uint8Array(3000)), "not a hello"],
    [other({ version: 2 }), "not a hello"],
    [other({ session: -1 }), "not a hello"],
    [other({ session: 2 ** 53 }), "not a hello"],
    [other({ more: 1 }), "not a hello"],
    [other({ cluster: "another" }), "another cluster"],
    [Buffer.alloc(64, 0xff), "frame empty or too long"],
    [Buffer.alloc(4), "frame empty or too long"],
  ];
  for (const [bytes, reason] of wrong) await attack(sends(bytes), { drops: [reason] });
});

test("a connection that ends in the middle of its hello", limit, () =>
  attack(
    async (port) => {
      const socket = secure(port, client5);
      socket.end(hello.subarray(0, 20));
      await cutOff(socket);
    },
    { drops: ["closed before its hello"] },
  ),
);

test("garbage, and a frame over the limit, on an open link", limit, async () => {
  const tooLong = Buffer.alloc(4);
  tooLong.writeUInt32LE(1001);
  for (const bytes of [Buffer.alloc(64, 0xff), tooLong]) {
    await attack(
      sends(Buffer.concat([hello, frame("a frame"), bytes])),
      { drops: ["frame empty or too long"], links: 1 },
      { clientFrameBytesMax: 1000 },
    );
  }
});

test("a frame that never ends closes with its connection, and is not delivered", limit, () =>
  attack(
    async (port, ears) => {
      const socket = secure(port, client5);
      socket.end(Buffer.concat([hello, frame("a frame"), frame("half a frame").subarray(0, 8)]));
      await cutOff(socket);
      await ears.until(() => ears.closings.length === 1);
      assert.equal(ears.received.length, 1);
      const next = secure(port, client5);
      next.end(hello.subarray(0, 3));
      await cutOff(next);
    },
    { drops: ["closed before its hello"], links: 1 },
  ),
);

test("another replica answers than the one dialled", limit, async () => {
  const events = new Ears();
  const listening = new Ears();
  const listener = await listenAs0({ events: listening });
  const expected = { kind: "replica", id: 1 } as const;
  const dialler = dial0({ port: listener.port, expected, events });
  await events.until(() => events.drops.length > 0);
  assert.equal(events.drops[0], "not the expected peer");
  assert.equal(events.links.length + listening.links.length, 0);
  dialler.close();
  await listener.close();
});

test("a listener of another authority, and one that says nothing", limit, async () => {
  const events = new Ears();
  const stranger = identity("replica-0", createAuthority("another authority"));
  const listener = await listenAs0({ events: new Ears(), tls: stranger });
  const first = dial0({ port: listener.port, events });
  await events.until(() => events.drops.length > 0);
  assert.equal(events.drops[0], "handshake failed");
  first.close();
  await listener.close();

  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, host);
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const patient = new Ears();
  const second = dial0({ port, events: patient, handshakeMsMax: 200 });
  await patient.until(() => patient.drops.length > 0);
  assert.equal(patient.drops[0], "handshake too slow");
  second.close();
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test("the recorded bytes of a peer's connection, replayed", limit, async () => {
  const ears = new Ears();
  const listener = await listenAs0({ events: ears });
  const recorded: Buffer[] = [];
  const tap = createServer((near) => {
    const far = connectPlain(listener.port, host);
    near.on("data", (chunk: Buffer) => recorded.push(chunk));
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.pipe(far).pipe(near);
  }).listen(0, host);
  await once(tap, "listening");
  const { port } = tap.address() as AddressInfo;
  const events = new Ears();
  const dialler = dial0({ port, events, tls: replica1 });
  await events.until(() => events.links.length === 1);
  sendBytes(events.links[0]!, numbered(1));
  await ears.until(() => ears.received.length === 1);
  dialler.close();
  await ears.until(() => ears.closings.length === 1);

  const replay = connectPlain(listener.port, host);
  replay.write(Buffer.concat(recorded));
  await cutOff(replay);
  await ears.until(() => ears.drops.length === 1);
  assert.deepEqual(ears.drops, ["handshake failed"]);
  assert.equal(ears.links.length, 1);
  assert.equal(ears.received.length, 1);
  tap.close();
  await listener.close();
});
