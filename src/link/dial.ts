// Links that this end opens, and opens again when they end.

import { connect, type TLSSocket } from "node:tls";
import { Connection, handshakeMsMaxDefault } from "./connection.js";
import type { Dialler, DialOptions } from "./link.js";
import { peerName, peerOf } from "./peer.js";
import { tlsOptions } from "./tls.js";

const retryMsMin = 25;
const retryMsMax = 1_000;

/**
 * Keeps one link to the expected peer, until closed: it opens it, and opens another when it ends,
 * at once at first and then ever more patiently, so that many do not storm one that comes back.
 */
export function dial(options: DialOptions): Dialler {
  return new Dialling(options);
}

class Dialling implements Dialler {
  readonly #options: DialOptions;
  readonly #handshakeMsMax: number;
  #socket: TLSSocket;
  #connection: Connection | null = null;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: DialOptions) {
    this.#options = options;
    this.#handshakeMsMax = options.handshakeMsMax ?? handshakeMsMaxDefault;
    this.#socket = this.#dial();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    if (this.#connection !== null) this.#connection.close();
    else this.#socket.destroy();
  }

  #dial(): TLSSocket {
    const { host, port, tls, expected, events } = this.#options;
    const servername = peerName(expected);
    const socket = connect({ ...tlsOptions(tls), host, port, servername });
    socket.setNoDelay(true); // connect's own option is not honoured for TLS
    let failure: string | null = "unreachable";
    const deadline = setTimeout(() => {
      failure = "handshake too slow";
      socket.destroy();
    }, this.#handshakeMsMax);
    socket.once("connect", () => {
      failure = "handshake failed";
    });
    socket.once("secureConnect", () => {
      failure = null;
      clearTimeout(deadline);
      this.#onSecure(socket);
    });
    socket.on("error", ({ code }: NodeJS.ErrnoException) => {
      if (code === "ERR_TLS_CERT_ALTNAME_INVALID") failure = "not the expected peer";
    });
    socket.once("close", () => {
      clearTimeout(deadline);
      if (this.#closed) return;
      if (failure !== null) events.dropped(failure);
      this.#dialLater();
    });
    return socket;
  }

  #onSecure(socket: TLSSocket): void {
    const { cluster, frameBytesMax, queueBytesMax, events, expected, session } = this.#options;
    const peer = peerOf(socket);
    if (peer === null || peerName(peer) !== peerName(expected)) {
      events.dropped("not the expected peer");
      socket.destroy();
      return;
    }
    const secureMs = performance.now();
    this.#connection = new Connection(socket, peer, {
      cluster,
      frameBytesMax,
      receivedFrameBytesMax: frameBytesMax,
      queueBytesMax,
      handshakeMsMax: this.#handshakeMsMax,
      events,
      admit: () => null,
      ended: () => {
        this.#connection = null;
        // A link that ends as soon as it opens is no better than one that never does.
        if (performance.now() - secureMs > retryMsMax) this.#failures = 0;
      },
    });
    this.#connection.greet(session);
  }

  #dialLater(): void {
    const patience = Math.min(retryMsMin * 2 ** this.#failures++, retryMsMax);
    this.#retry = setTimeout(
      () => {
        this.#socket = this.#dial();
      },
      patience * (0.5 + Math.random() / 2),
    );
  }
}
