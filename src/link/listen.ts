// Links that others open.

import type { AddressInfo, Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { closeMsMax, Connection, handshakeMsMaxDefault } from "./connection.js";
import type { Listener, ListenOptions } from "./link.js";
import { peerName, peerOf } from "./peer.js";
import { tlsOptions } from "./tls.js";

const connectionsPerClientMaxDefault = 16;

/**
 * Listens for links. Rejects with the system's error if it cannot, `EADDRINUSE` for one.
 */
export function listen(options: ListenOptions): Promise<Listener> {
  const server = createServer({
    ...tlsOptions(options.tls),
    handshakeTimeout: options.handshakeMsMax ?? handshakeMsMaxDefault,
  });
  server.maxConnections = options.connectionsMax;
  const listening = new Listening(server, options);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      resolve(listening);
    });
  });
}

class Listening implements Listener {
  readonly #server: Server;
  readonly #options: ListenOptions;
  /** Every TCP connection, those still in their handshake included. */
  readonly #sockets = new Set<Socket>();
  /** Admitted, by the peer's name; the oldest first. */
  readonly #connections = new Map<string, Set<Connection>>();

  constructor(server: Server, options: ListenOptions) {
    this.#server = server;
    this.#options = options;
    const { events } = options;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.on("secureConnection", (socket) => this.#onSecure(socket));
    server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      const late = error.code === "ERR_TLS_HANDSHAKE_TIMEOUT";
      socket.destroy(); // a handshake that is merely too slow leaves it open
      events.dropped(late ? "handshake too slow" : "handshake failed");
    });
    server.on("drop", () => events.dropped("too many connections"));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connections of this.#connections.values()) {
      for (const connection of connections) connection.close();
    }
    const deadline = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, closeMsMax);
    await closed;
    clearTimeout(deadline);
  }

  #onSecure(socket: TLSSocket): void {
    const { cluster, frameBytesMax, clientFrameBytesMax, queueBytesMax, events } = this.#options;
    const peer = peerOf(socket);
    if (peer === null) {
      events.dropped("certificate of no peer");
      socket.destroy();
      return;
    }
    new Connection(socket, peer, {
      cluster,
      frameBytesMax,
      receivedFrameBytesMax:
        (peer.kind === "client" ? clientFrameBytesMax : undefined) ?? frameBytesMax,
      queueBytesMax,
      handshakeMsMax: this.#options.handshakeMsMax ?? handshakeMsMaxDefault,
      events,
      admit: (connection) => this.#admit(connection),
      ended: (connection) => this.#connections.get(peerName(peer))?.delete(connection),
    });
  }

  #admit(connection: Connection): string | null {
    const name = peerName(connection.peer);
    const others = this.#connections.get(name) ?? new Set();
    if (connection.peer.kind === "replica") {
      for (const other of others) other.close("replaced by a newer link");
    } else if (
      others.size >= (this.#options.connectionsPerClientMax ?? connectionsPerClientMaxDefault)
    ) {
      return "too many connections of one client";
    }
    this.#connections.set(name, others.add(connection));
    connection.greet();
    return null;
  }
}
