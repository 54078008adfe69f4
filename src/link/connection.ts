// A link over one TLS connection, from its hello to its end.

import type { TLSSocket } from "node:tls";
import { assert } from "../core/index.js";
import { FrameReader } from "./frame-reader.js";
import { FrameWriter } from "./frame-writer.js";
import { decodeHello, encodeHello } from "./hello.js";
import type { Link, LinkEvents, Peer } from "./link.js";

export const handshakeMsMaxDefault = 5_000;
/** What is queued at `close` gets so long to leave. */
export const closeMsMax = 1_000;
const queueBytesMaxDefault = 64 * 1024 * 1024;

export interface ConnectionOptions {
  readonly cluster: string;
  readonly frameBytesMax: number;
  /** The longest frame to accept, where the peer may not send as much as we. */
  readonly receivedFrameBytesMax: number;
  readonly queueBytesMax?: number | undefined;
  /** The peer's hello takes no longer. */
  readonly handshakeMsMax: number;
  readonly events: LinkEvents;
  /** Whether to open the link, after the peer's hello; otherwise why not. */
  readonly admit: (connection: Connection) => string | null;
  /** Once, when the connection has ended. */
  readonly ended: (connection: Connection) => void;
}

type Phase = "greeting" | "open" | "closed";

/** Both ends of a link are one of these. */
export class Connection implements Link {
  readonly peer: Peer;
  session: number | null = null;
  readonly #socket: TLSSocket;
  readonly #options: ConnectionOptions;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  #phase: Phase = "greeting";
  #opened = false;
  #reason: string | null = null;
  #deadline: NodeJS.Timeout;

  /** The socket's handshake is complete and `peer` is who its certificate says. */
  constructor(socket: TLSSocket, peer: Peer, options: ConnectionOptions) {
    this.peer = peer;
    this.#socket = socket;
    this.#options = options;
    this.#reader = new FrameReader(options.receivedFrameBytesMax);
    this.#writer = new FrameWriter(socket, options.queueBytesMax ?? queueBytesMaxDefault);
    this.#deadline = setTimeout(() => this.#drop("no hello in time"), options.handshakeMsMax);
    socket.on("data", (chunk: Uint8Array) => this.#onData(chunk));
    socket.on("error", () => {
      this.#reason ??= "connection lost";
    });
    socket.on("close", () => this.#onClose());
  }

  get queuedBytes(): number {
    return this.#writer.queuedBytes;
  }

  /** Sends this end's hello, the first frame. */
  greet(session?: number): void {
    const { cluster } = this.#options;
    const hello = encodeHello({
      version: 1,
      cluster,
      ...(session === undefined ? {} : { session }),
    });
    this.#writer.send(hello.length, (into, offset) => {
      into.set(hello, offset);
      return offset + hello.length;
    });
  }

  send(size: number, write: (into: Uint8Array, offset: number) => number): boolean {
    const { frameBytesMax } = this.#options;
    assert(size <= frameBytesMax, `a frame of ${size} bytes is over the limit of ${frameBytesMax}`);
    return this.#isOpen() && this.#writer.send(size, write);
  }

  flush(): void {
    this.#writer.flush();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(reason = "closed here"): void {
    if (this.#isClosed()) return;
    this.#phase = "closed";
    this.#reason ??= reason;
    this.#writer.end();
    this.#socket.resume();
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#socket.destroy(), closeMsMax);
  }

  #onData(chunk: Uint8Array): void {
    if (this.#isClosed()) return;
    const frames = this.#reader.read(chunk);
    const hello = this.#phase === "greeting" ? frames.shift() : undefined;
    if (hello !== undefined) this.#onHello(hello);
    if (frames.length > 0 && this.#isOpen()) this.#options.events.frames(this, frames);
    if (this.#reader.broken && !this.#isClosed()) this.#drop("frame empty or too long");
  }

  #isClosed(): boolean {
    return this.#phase === "closed";
  }

  #isOpen(): boolean {
    return this.#phase === "open";
  }

  #onHello(frame: Uint8Array): void {
    const hello = decodeHello(frame);
    if (hello === null) return this.#drop("not a hello");
    if (hello.cluster !== this.#options.cluster) return this.#drop("another cluster");
    this.session = hello.session ?? null;
    const refusal = this.#options.admit(this);
    if (refusal !== null) return this.#drop(refusal);
    clearTimeout(this.#deadline);
    this.#phase = "open";
    this.#opened = true;
    this.#options.events.open(this);
  }

  #drop(reason: string): void {
    this.#phase = "closed";
    this.#reason = reason;
    this.#options.events.dropped(reason);
    this.#socket.destroy();
  }

  #onClose(): void {
    const { events, ended } = this.#options;
    clearTimeout(this.#deadline);
    if (this.#phase === "greeting") events.dropped("closed before its hello");
    this.#phase = "closed";
    ended(this);
    if (this.#opened) events.closed(this, this.#reason ?? "closed by the peer");
  }
}
