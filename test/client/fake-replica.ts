// Replicas for tests of the client: real connections, and a toy service agreed on by magic.

import {
  type Configuration,
  initialise,
  readConfiguration,
  readReplicaKeys,
} from "../../src/cluster/index.js";
import type { Bundle } from "../../src/codec/index.js";
import { type ClientSide, defaultLimits, type Protocol } from "../../src/core/index.js";
import { quorumClient } from "../../src/parts/index.js";
import { type Link, listen, type Listener } from "../../src/link/index.js";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bundleIn,
  replyMessage,
  toyCodec,
  type ToyMessage,
  toyResult,
  toyRules,
} from "./toy-protocol.js";

export const toyClient = quorumClient(toyRules);

/** The toy protocol with a clients' part, as far as a client looks at it. */
export const toyWith = (client: ClientSide<ToyMessage>) =>
  ({ name: "toy", client, messages: toyCodec }) as unknown as Protocol;

export const toyProtocol = () => toyWith(toyClient);

export type Behaviour = "honest" | "lying" | "silent";

/** One session at one replica. */
interface Progress {
  executed: number;
  readonly early: Map<number, Bundle>;
}

export class FakeReplica {
  readonly #configuration: Configuration;
  readonly #folder: string;
  readonly id: number;
  behaviour: Behaviour;
  /** Sessions up to this one are forgotten. */
  forgottenUpTo = 0;
  /** Operations in each bundle executed, in order. */
  readonly bundleSizes: number[] = [];
  /** Requests received, repeated ones included. */
  requests = 0;
  /** All of its cluster, itself included: whoever gets a request, everyone does. */
  peers: readonly FakeReplica[] = [];
  #listener: Listener | null = null;
  /** Of the sessions that are connected. */
  readonly #links = new Map<number, Link>();
  readonly #sessions = new Map<number, Progress>();

  constructor(folder: string, configuration: Configuration, id: number, behaviour: Behaviour) {
    this.#folder = folder;
    this.#configuration = configuration;
    this.id = id;
    this.behaviour = behaviour;
  }

  /** Listens, with its own certificate or that of another replica, and gives the port. */
  async start(port = 0, identity = this.id): Promise<number> {
    const keys = readReplicaKeys(this.#folder, identity);
    this.#listener = await listen({
      host: "127.0.0.1",
      port,
      tls: {
        key: keys.tlsKey,
        certificate: keys.tlsCertificate,
        authority: this.#configuration.authority,
      },
      cluster: this.#configuration.name,
      frameBytesMax: defaultLimits.frameBytesMax,
      connectionsMax: 100,
      events: {
        open: (link) => this.#links.set(link.session!, link),
        frames: (_, frames) => frames.forEach((frame) => this.#onFrame(frame)),
        closed: (link) => {
          if (this.#links.get(link.session!) === link) this.#links.delete(link.session!);
        },
        dropped() {},
      },
    });
    return this.#listener.port;
  }

  async stop(): Promise<void> {
    await this.#listener?.close();
    this.#listener = null;
  }

  #onFrame(frame: Uint8Array): void {
    this.requests++;
    if (this.behaviour === "silent") return;
    const message = toyCodec.decode(frame);
    if (message === null) throw new Error("a client sends well-formed messages");
    const bundle = bundleIn(message);
    if (bundle.number <= this.#progressOf(bundle.session).executed) this.#answer(bundle);
    else for (const peer of this.peers) peer.#order(bundle);
  }

  /** Executes the bundle in its turn, and answers. */
  #order(bundle: Bundle): void {
    if (this.behaviour === "silent") return;
    if (bundle.session <= this.forgottenUpTo) return this.#answer(bundle);
    const progress = this.#progressOf(bundle.session);
    if (bundle.number <= progress.executed) return;
    progress.early.set(bundle.number, bundle);
    for (;;) {
      const next = progress.early.get(progress.executed + 1);
      if (next === undefined) return;
      progress.early.delete(next.number);
      progress.executed++;
      this.bundleSizes.push(next.operations.length);
      this.#answer(next);
    }
  }

  #progressOf(session: number): Progress {
    const known = this.#sessions.get(session) ?? { executed: 0, early: new Map() };
    this.#sessions.set(session, known);
    return known;
  }

  #answer({ client, session, number, operations }: Bundle): void {
    const expired = session <= this.forgottenUpTo;
    const result = this.behaviour === "lying" ? () => Uint8Array.of(6, 6, 6) : toyResult;
    const reply = replyMessage({
      client,
      session,
      number,
      view: 0,
      outcome: expired ? "session-expired" : "executed",
      results: expired ? [] : operations.map(result),
    });
    this.#links
      .get(session)
      ?.send(toyCodec.size(reply), (into, offset) => toyCodec.encodeInto(reply, into, offset));
  }
}

/** A cluster folder with three replicas that listen, to be stopped at the end. */
export interface FakeCluster {
  readonly folder: string;
  readonly replicas: readonly FakeReplica[];
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

export async function startFakeCluster(behaviours: readonly Behaviour[]): Promise<FakeCluster> {
  const parent = mkdtempSync(join(tmpdir(), "troth-client-"));
  const folder = join(parent, "cluster");
  const n = behaviours.length;
  const configuration = await initialise(folder, {
    n,
    f: (n - 1) / 2,
    protocol: "toy",
    faultModel: "hybrid",
    service: "toy",
    clientAuthentication: "trusted-mac",
    replicaAuthentication: null,
    clients: 2,
    basePort: 20_000,
    durable: false,
    trustedMeasurement: "0".repeat(64),
    freshness: "storage",
    firstBootToken: () => new Uint8Array(32),
    clientKey: () => new Uint8Array(32),
  });
  const replicas = behaviours.map(
    (behaviour, id) => new FakeReplica(folder, configuration, id, behaviour),
  );
  for (const replica of replicas) replica.peers = replicas;
  const ports = await Promise.all(replicas.map((replica) => replica.start()));
  usePorts(folder, ports);
  return {
    folder,
    replicas,
    ports,
    async stop() {
      await Promise.all(replicas.map((replica) => replica.stop()));
      rmSync(parent, { recursive: true });
    },
  };
}

/** The ports were free when the replicas took them; only now does the configuration say so. */
function usePorts(folder: string, ports: readonly number[]): void {
  const path = join(folder, "cluster.json");
  const configuration = JSON.parse(readFileSync(path, "utf8")) as { replicas: { port: number }[] };
  configuration.replicas.forEach((replica, id) => {
    replica.port = ports[id]!;
  });
  writeFileSync(path, JSON.stringify(configuration));
  readConfiguration(folder);
}
