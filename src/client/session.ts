// The host of one session's machine: its connections to the replicas, its timer and its clock.

import { hash } from "node:crypto";
import type { ClientCredential, Configuration } from "../cluster/index.js";
import type {
  AcceptedAnswer,
  ClaimContext,
  ClientEffect,
  ClientInput,
  ClientMachine,
  Limits,
  Protocol,
  ReplicaId,
  SessionId,
  Tagged,
} from "../core/index.js";
import { dial, type Dialler, type Link } from "../link/index.js";
import { ReplicaVerifier } from "./replica-verifier.js";

/** Who takes part in a session, and within which bounds. */
export interface SessionOptions {
  readonly configuration: Configuration;
  readonly credential: ClientCredential;
  readonly protocol: Protocol;
  readonly limits: Limits;
  readonly windowBundles: number;
  readonly retryMs: number;
  readonly retryMsMax: number;
}

/** What a session tells its client. Called outside `submit`. */
export interface SessionEvents {
  /** A connection opened; there may be room to submit. */
  connected(): void;
  answered(answer: AcceptedAnswer): void;
  /** The bundle took effect, but its results are gone. */
  lost(number: number): void;
  /** The replicas forgot the session: nothing outstanding will be answered. */
  expired(): void;
}

/** How a client stands with one replica. */
export interface ReplicaConnection {
  readonly id: ReplicaId;
  /** host:port */
  readonly address: string;
  readonly connected: boolean;
  /** Why there is, or last was, no connection; null if none failed. */
  readonly problem: string | null;
  /** Replies that a quorum contradicted, or that no correct replica would have sent. */
  readonly blamed: number;
}

/** The mutable side of a {@link ReplicaConnection}. */
interface Connection {
  readonly id: ReplicaId;
  readonly address: string;
  link: Link | null;
  problem: string | null;
  blamed: number;
  /** Since when this is the first attempt to connect; null once it ended. */
  firstSinceMs: number | null;
}

/** Bundles are held until they are answered: so many of the largest may be. */
const largestBundlesHeld = 4;

/** How late timers run out at most, as a share: clients must not all try again in step. */
const latenessMax = 0.25;

const sha256 = (bytes: Uint8Array): Uint8Array => hash("sha256", bytes, "buffer");

const claimContext = (configuration: Configuration, limits: Limits): ClaimContext => ({
  n: configuration.n,
  f: configuration.f,
  hash: sha256,
  limits,
  clientAuthentication: configuration.clientAuthentication,
  replicaAuthentication: configuration.replicaAuthentication,
});

/** One session: a connection to every replica, and bundles numbered from 1 until it expires. */
export class Session {
  readonly id: SessionId;
  readonly #protocol: Protocol;
  readonly #events: SessionEvents;
  readonly #machine: ClientMachine<Tagged>;
  readonly #claimContext: ClaimContext;
  readonly #verifier: ReplicaVerifier;
  readonly #connections: Connection[];
  readonly #dials: Dialler[];
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #closed = false;

  constructor(id: SessionId, options: SessionOptions, events: SessionEvents) {
    const { configuration, credential, protocol, limits, windowBundles, retryMs, retryMsMax } =
      options;
    this.id = id;
    this.#protocol = protocol;
    this.#events = events;
    this.#claimContext = claimContext(configuration, limits);
    this.#verifier = new ReplicaVerifier(configuration);
    this.#machine = protocol.client.machine({
      ...this.#claimContext,
      client: credential.client,
      session: id,
      authenticate: (body) => credential.seal(sha256(body)),
      isAuthentic: (claim) => this.#verifier.verify(claim),
      windowBundles,
      windowBytes: largestBundlesHeld * limits.bundleBytesMax,
      retryMs,
      retryMsMax,
    });
    this.#connections = configuration.replicas.map((replica) => ({
      id: replica.id,
      address: `${replica.host}:${replica.port}`,
      link: null,
      problem: null,
      blamed: 0,
      firstSinceMs: performance.now(),
    }));
    this.#dials = configuration.replicas.map((replica, index) =>
      dial({
        host: replica.host,
        port: replica.port,
        expected: { kind: "replica", id: replica.id },
        tls: {
          key: credential.tlsKey,
          certificate: credential.tlsCertificate,
          authority: configuration.authority,
        },
        cluster: configuration.name,
        session: id,
        frameBytesMax: limits.frameBytesMax,
        events: this.#linkEvents(this.#connections[index]!),
      }),
    );
  }

  /** Whether a bundle may be submitted now: the window has room, and some replica would get it. */
  get ready(): boolean {
    return !this.#closed && !this.#machine.isFull && this.connectedReplicas > 0;
  }

  get connectedReplicas(): number {
    let connected = 0;
    for (const { link } of this.#connections) if (link !== null) connected++;
    return connected;
  }

  /** The view whose leader is sent to; null while none is known. */
  get view(): number | null {
    return this.#machine.view;
  }

  connections(): readonly ReplicaConnection[] {
    return this.#connections.map(({ id, address, problem, blamed, link }) => {
      return { id, address, problem, blamed, connected: link !== null };
    });
  }

  /** Sends one bundle and returns its number. Only while `ready`. */
  submit(operations: readonly Uint8Array[]): number {
    const number = this.#machine.nextNumber;
    this.#step({ kind: "submit", operations });
    return number;
  }

  /** What was submitted leaves now, not at the end of the next turn. */
  flush(): void {
    for (const { link } of this.#connections) link?.flush();
  }

  /** Closes the connections; no event follows. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const connecting of this.#dials) connecting.close();
  }

  #linkEvents(connection: Connection) {
    return {
      open: (link: Link) => {
        if (this.#closed) return;
        connection.link = link;
        connection.problem = null;
        const { id: replica, firstSinceMs } = connection;
        connection.firstSinceMs = null;
        const took = firstSinceMs === null ? {} : { tookMs: performance.now() - firstSinceMs };
        this.#step({ kind: "connected", replica, ...took });
        this.#events.connected();
      },
      frames: (_: Link, frames: readonly Uint8Array[]) => {
        for (const frame of frames) this.#onFrame(connection, frame);
      },
      closed: (link: Link, reason: string) => {
        if (connection.link === link) connection.link = null;
        connection.problem = reason;
      },
      dropped: (reason: string) => {
        connection.problem = reason;
        connection.firstSinceMs = null;
      },
    };
  }

  #onFrame(connection: Connection, frame: Uint8Array): void {
    const message = this.#protocol.messages.decode(frame);
    if (message === null || !this.#isAuthentic(message, connection.id)) connection.blamed++;
    else this.#step({ kind: "message", from: connection.id, message });
  }

  #isAuthentic(message: Tagged, from: ReplicaId): boolean {
    const claims = this.#protocol.client.claims(message, from, this.#claimContext);
    return claims !== null && claims.every((claim) => this.#verifier.verify(claim));
  }

  #step(input: ClientInput<Tagged>): void {
    if (this.#closed) return;
    for (const effect of this.#machine.step(performance.now(), input)) this.#carryOut(effect);
  }

  #carryOut(effect: ClientEffect<Tagged>): void {
    switch (effect.kind) {
      case "send":
        return this.#send(this.#connections[effect.to]!, effect.message);
      case "broadcast":
        for (const connection of this.#connections) this.#send(connection, effect.message);
        return;
      case "set-timer":
        return this.#setTimer(effect.timer, effect.afterMs);
      case "cancel-timer":
        clearTimeout(this.#timers.get(effect.timer));
        return;
      case "deliver":
        return this.#events.answered(effect);
      case "lost":
        return this.#events.lost(effect.number);
      case "expired":
        return this.#events.expired();
      case "blame":
        this.#connections[effect.replica]!.blamed++;
        return;
      case "observe":
        return; // nobody asks here
    }
  }

  #setTimer(timer: string, afterMs: number): void {
    clearTimeout(this.#timers.get(timer));
    const lateMs = afterMs * latenessMax * Math.random();
    const run = () => this.#step({ kind: "timeout", timer });
    this.#timers.set(timer, setTimeout(run, afterMs + lateMs));
  }

  /** What cannot be sent now is lost here; the machine sends it again. */
  #send(connection: Connection, message: Tagged): void {
    const { messages } = this.#protocol;
    connection.link?.send(messages.size(message), (into, offset) =>
      messages.encodeInto(message, into, offset),
    );
  }
}
