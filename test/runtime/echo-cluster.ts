// Three real replicas of the echo protocol on this machine, and a client that talks to them over a
// bare link.

import { once } from "node:events";
import { get } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import {
  type Configuration,
  initialise,
  readClientCredential,
  readReplicaKeys,
} from "../../src/cluster/index.js";
import { digestOf, encodeBundle, type Request } from "../../src/codec/index.js";
import {
  type ClientAuthentication,
  defaultLimits,
  type Freshness,
  type Protocol,
  type ReplicaAuthentication,
} from "../../src/core/index.js";
import { sha256 } from "../../src/runtime/hash.js";
import { createLogger, type RunningReplica, startReplica } from "../../src/runtime/index.js";
import { type Dialler, dial, type Link } from "../../src/link/index.js";
import {
  clientKey,
  firstBootToken,
  measurement,
  openTrustedModule,
} from "../../src/trusted/index.js";
import { type EchoMessage, echoProtocol, emptyService, sayingProtocol } from "./echo-protocol.js";
import { temporaryFolder } from "./records.js";

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

export interface EchoCluster {
  readonly folder: string;
  readonly configuration: Configuration;
  /** Replicas that opened their trusted module. */
  readonly opened: ReadonlySet<number>;
  start(id: number): Promise<RunningReplica>;
}

export async function makeCluster(
  context: TestContext,
  choice: {
    clientAuthentication?: ClientAuthentication;
    /** Of the protocol without a trusted counter; left out: the one with it. */
    replicaAuthentication?: ReplicaAuthentication;
    durable?: boolean;
    freshness?: Freshness;
  } = {},
): Promise<EchoCluster> {
  const folder = join(temporaryFolder(context), "cluster");
  const freshness = choice.freshness ?? "storage";
  const group = { n: 3, f: 1, freshness };
  const made = await initialise(folder, {
    n: 3,
    f: 1,
    protocol: "echo",
    faultModel: "hybrid",
    service: "empty",
    clientAuthentication: choice.clientAuthentication ?? "trusted-mac",
    replicaAuthentication: choice.replicaAuthentication ?? null,
    clients: 4,
    basePort: 7400,
    durable: choice.durable ?? true,
    trustedMeasurement: measurement(),
    freshness,
    firstBootToken: (secret, instance) => firstBootToken(secret, instance, group),
    clientKey: (secret, client) => clientKey(secret, client, group),
  });
  const ports = await freePorts(2 * made.n);
  const replicas = made.replicas.map((replica, id) => {
    return { ...replica, port: ports[2 * id]!, healthPort: ports[2 * id + 1]! };
  });
  const configuration = { ...made, replicas };
  const { replicaAuthentication } = choice;
  const protocol = replicaAuthentication === undefined ? echoProtocol : sayingProtocol;
  const opened = new Set<number>();
  const start = async (id: number): Promise<RunningReplica> => {
    const keys = readReplicaKeys(folder, id);
    const replica = await startReplica({
      configuration,
      keys,
      protocol: protocol as unknown as Protocol,
      service: emptyService,
      counter: (firstBoot) => {
        opened.add(id);
        return openTrustedModule({
          groupSecret: keys.groupSecret,
          instance: id,
          group,
          measurement: configuration.trustedMeasurement,
          firstBoot,
        });
      },
      logger: createLogger("silent"),
    });
    context.after(() => replica.stop());
    return replica;
  };
  return { folder, configuration, opened, start };
}

/** Whoever has the folder's keys can speak as one of its replicas. */
export async function speakAs(
  context: TestContext,
  { folder, configuration }: EchoCluster,
  speaker: number,
  to: number,
): Promise<(message: EchoMessage) => void> {
  const { tlsKey, tlsCertificate } = readReplicaKeys(folder, speaker);
  const { host, port } = configuration.replicas[to]!;
  const link = await new Promise<Link>((resolve) => {
    const dialler = dial({
      host,
      port,
      expected: { kind: "replica", id: to },
      tls: { key: tlsKey, certificate: tlsCertificate, authority: configuration.authority },
      cluster: configuration.name,
      frameBytesMax: defaultLimits.frameBytesMax,
      events: { open: resolve, frames: () => {}, closed: () => {}, dropped: () => {} },
    });
    context.after(() => dialler.close());
  });
  return (message) => {
    const bytes = echoProtocol.messages.encode(message);
    link.send(bytes.length, (into, offset) => {
      into.set(bytes, offset);
      return offset + bytes.length;
    });
  };
}

/** One client session with one replica. */
export class EchoClient {
  readonly replies: number[] = [];
  readonly link: Promise<Link>;
  /** Resolves when the link ends, with the reason. */
  readonly closed: Promise<string>;
  readonly #dialler: Dialler;
  readonly #seal: (digest: Uint8Array) => Uint8Array;
  readonly #client: number;
  readonly #session = Date.now();
  #wake: () => void = () => {};

  constructor(
    context: TestContext,
    { folder, configuration }: EchoCluster,
    client: number,
    to: number,
  ) {
    const credential = readClientCredential(folder, client);
    const { tlsKey, tlsCertificate } = credential;
    this.#seal = (digest) => credential.seal(digest);
    this.#client = client;
    const { host, port } = configuration.replicas[to]!;
    let opened: (link: Link) => void = () => {};
    let closed: (reason: string) => void = () => {};
    this.link = new Promise((resolve) => {
      opened = resolve;
    });
    this.closed = new Promise((resolve) => {
      closed = resolve;
    });
    this.#dialler = dial({
      host,
      port,
      expected: { kind: "replica", id: to },
      tls: { key: tlsKey, certificate: tlsCertificate, authority: configuration.authority },
      cluster: configuration.name,
      session: this.#session,
      frameBytesMax: defaultLimits.frameBytesMax,
      events: {
        open: opened,
        frames: (_, frames) => this.#onFrames(frames),
        closed: (_, reason) => closed(reason),
        dropped: () => {},
      },
    });
    context.after(() => this.close());
  }

  close(): void {
    this.#dialler.close();
  }

  request(number: number, client = this.#client): Request & { kind: "request" } {
    const bundle = { client, session: this.#session, number, acknowledged: 0, operations: [] };
    const body = encodeBundle(bundle);
    const request = { kind: "request", body, authenticator: new Uint8Array(0) } as const;
    return { ...request, authenticator: this.#seal(digestOf(request, sha256)) };
  }

  async sendBytes(bytes: Uint8Array): Promise<void> {
    const link = await this.link;
    link.send(bytes.length, (into, offset) => {
      into.set(bytes, offset);
      return offset + bytes.length;
    });
  }

  send(message: EchoMessage): Promise<void> {
    return this.sendBytes(echoProtocol.messages.encode(message));
  }

  /** Resolves when so many replies came. */
  async until(count: number): Promise<void> {
    while (this.replies.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #onFrames(frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      const message = echoProtocol.messages.decode(frame);
      if (message?.kind === "reply") this.replies.push(message.number);
    }
    this.#wake();
  }
}

/** What a replica's health page says at a path. */
export async function ask(configuration: Configuration, id: number, path: string): Promise<string> {
  const port = configuration.replicas[id]!.healthPort;
  const [response] = await once(get({ host: "127.0.0.1", port, path, agent: false }), "response");
  let body = "";
  for await (const chunk of response) body += chunk;
  return body;
}

/** Resolves when the condition holds; asks again after each turn of the event loop. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

export const sequence = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
