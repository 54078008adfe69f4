// A replica's links: it dials every peer to send, and accepts the links of peers and clients to
// receive.

import type { Configuration, ReplicaKeys } from "../cluster/index.js";
import { type Codec, type Limits, type Tagged, UsageError } from "../core/index.js";
import {
  type Dialler,
  dial,
  type Link,
  type LinkEvents,
  type Listener,
  listen,
  type LinkIdentity,
} from "../link/index.js";
import type { Departure } from "./effect-stream.js";
import { portBusy } from "./health-page.js";
import { authenticatorBytesMax, connectionsMax } from "./limits.js";
import type { Logger } from "./logger.js";
import { Router } from "./router.js";

/** Who takes what comes in. */
export interface Receiver {
  opened(link: Link): void;
  closed(link: Link): void;
  receive(link: Link, frames: readonly Uint8Array[]): void;
  drop(reason: string): void;
}

export interface NetworkOptions<Message extends Tagged> {
  readonly configuration: Configuration;
  readonly keys: ReplicaKeys;
  readonly messages: Codec<Message>;
  readonly limits: Limits;
  readonly receiver: Receiver;
  readonly logger: Logger;
}

/** All links of one replica. */
export class Network<Message extends Tagged> {
  readonly #options: NetworkOptions<Message>;
  readonly #router: Router<Message>;
  readonly #links = new Set<Link>();
  readonly #diallers: Dialler[] = [];
  #listener: Listener | null = null;

  constructor(options: NetworkOptions<Message>) {
    this.#options = options;
    this.#router = new Router(options.messages, (link) => {
      options.receiver.drop(`queue to a ${link.peer.kind} full`);
    });
  }

  get connections(): number {
    return this.#links.size;
  }

  get queuedBytes(): number {
    let sum = 0;
    for (const link of this.#links) sum += link.queuedBytes;
    return sum;
  }

  /** Sends a message where it is to go, if there is a link. */
  depart(effect: Departure<Message>): void {
    this.#router.depart(effect);
  }

  /**
   * Opens this replica's port and returns it. Throws `UsageError` PORT_BUSY or ADDRESS_UNUSABLE.
   */
  async listen(): Promise<number> {
    const { configuration, keys, limits } = this.#options;
    const { host, port } = configuration.replicas[keys.id]!;
    try {
      this.#listener = await listen({
        ...this.#common(),
        host,
        port,
        connectionsMax,
        clientFrameBytesMax: limits.bundleBytesMax + authenticatorBytesMax,
        connectionsPerClientMax: limits.sessionsPerClient,
        events: this.#incoming(),
      });
    } catch (error) {
      throw cannotListen(host, port, error as NodeJS.ErrnoException);
    }
    return this.#listener.port;
  }

  /** Begins to dial every peer, and again whenever its link ends. */
  dialPeers(): void {
    const { configuration, keys } = this.#options;
    for (const { id, host, port } of configuration.replicas) {
      if (id === keys.id) continue;
      const expected = { kind: "replica", id } as const;
      const events = this.#outgoing(id);
      this.#diallers.push(dial({ ...this.#common(), host, port, expected, events }));
    }
  }

  /** Closes all links, after what is queued on them has left. */
  async close(): Promise<void> {
    for (const dialler of this.#diallers) dialler.close();
    await this.#listener?.close();
  }

  #common(): { tls: LinkIdentity; cluster: string; frameBytesMax: number } {
    const { configuration, keys, limits } = this.#options;
    return {
      tls: {
        key: keys.tlsKey,
        certificate: keys.tlsCertificate,
        authority: configuration.authority,
      },
      cluster: configuration.name,
      frameBytesMax: limits.frameBytesMax,
    };
  }

  #incoming(): LinkEvents {
    const { receiver } = this.#options;
    return {
      open: (link) => {
        if (!this.#isMember(link)) {
          receiver.drop("peer not in the configuration");
          return link.close();
        }
        this.#opened(link);
        if (link.session !== null) this.#router.addSession(link, link.session);
        receiver.opened(link);
      },
      frames: (link, frames) => receiver.receive(link, frames),
      closed: (link, reason) => {
        this.#closed(link, reason);
        if (link.session !== null) this.#router.removeSession(link, link.session);
        receiver.closed(link);
      },
      dropped: (reason) => receiver.drop(reason),
    };
  }

  #outgoing(peer: number): LinkEvents {
    const { receiver, logger } = this.#options;
    return {
      open: (link) => {
        this.#opened(link);
        this.#router.addPeer(link);
      },
      frames: () => receiver.drop("frames on a link that is for sending"),
      closed: (link, reason) => {
        this.#closed(link, reason);
        this.#router.removePeer(link);
      },
      // Not input: the dialler tries again for as long as the peer is away.
      dropped: (reason) => logger.info({ peer, reason }, "no link to a peer"),
    };
  }

  #isMember({ peer }: Link): boolean {
    const { configuration, keys } = this.#options;
    if (peer.kind === "client") return peer.id < configuration.clients;
    return peer.id < configuration.n && peer.id !== keys.id;
  }

  #opened(link: Link): void {
    this.#links.add(link);
    this.#options.logger.debug({ peer: link.peer, session: link.session }, "link open");
  }

  #closed(link: Link, reason: string): void {
    this.#links.delete(link);
    this.#options.logger.debug({ peer: link.peer, session: link.session, reason }, "link closed");
  }
}

function cannotListen(host: string, port: number, error: NodeJS.ErrnoException): UsageError {
  if (error.code === "EADDRINUSE") return portBusy(host, port);
  return new UsageError(
    "ADDRESS_UNUSABLE",
    `cannot listen on ${host}:${port} (${error.code}): ` +
      "give this replica an address of this machine and a port from 1024 up in cluster.json.",
    { host, port },
  );
}
