// What a link is: one authenticated, ordered stream of frames between two members of a cluster.

/** Who is at the other end, as its certificate says. */
export type Peer =
  | { readonly kind: "replica"; readonly id: number }
  | { readonly kind: "client"; readonly id: number };

/** One connection to a peer. It lives from `open` to `closed`; a reconnect is another link. */
export interface Link {
  readonly peer: Peer;
  /** The session that a client announced when it connected; null for replicas. */
  readonly session: number | null;
  /**
   * Sends one frame of at most `size` bytes: calls `write` at once, which writes it at `offset` and
   * returns the offset after it. Frames go out in the order sent, together, when the turn ends or
   * at `flush`. False, and `write` is not called: too much is queued already (`queueBytesMax`), or
   * the link is closed; the frame is dropped. `size` is at most `frameBytesMax`.
   */
  send(size: number, write: (into: Uint8Array, offset: number) => number): boolean;
  /** Sends now what was queued in this turn. */
  flush(): void;
  /** Bytes sent and not yet taken by the operating system. */
  readonly queuedBytes: number;
  /**
   * Stops reading: the peer's bytes stay in its buffers until `resume`. Frames already read may
   * still arrive.
   */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  close(): void;
}

/** What a host of links is told. All calls come from the event loop, never from inside `send`. */
export interface LinkEvents {
  open(link: Link): void;
  /** All frames of one read. Each owns its memory. */
  frames(link: Link, frames: readonly Uint8Array[]): void;
  /** Every link that was opened closes once. `reason` is a short fixed text. */
  closed(link: Link, reason: string): void;
  /** A connection was refused or a peer misbehaved, for a short fixed reason. To be counted. */
  dropped(reason: string): void;
}

/**
 * How this end proves who it is. All in PEM; `authority` is the cluster's certificate authority.
 */
export interface LinkIdentity {
  readonly key: string;
  readonly certificate: string;
  readonly authority: string;
}

/** What both ends of links agree on or choose. */
export interface LinkOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: LinkIdentity;
  /** The cluster's name: a peer of another cluster is refused. */
  readonly cluster: string;
  /** A longer incoming frame closes its link. */
  readonly frameBytesMax: number;
  /** Over so many queued bytes `send` drops. 64 MiB unless given. */
  readonly queueBytesMax?: number;
  /**
   * TLS takes no longer, and then the hello no longer; a slower peer is dropped. 5 s unless given.
   */
  readonly handshakeMsMax?: number;
  readonly events: LinkEvents;
}

export interface ListenOptions extends LinkOptions {
  /** Connections at once, those in their handshake included. */
  readonly connectionsMax: number;
  /** A longer frame from a client closes its link. `frameBytesMax` unless given. */
  readonly clientFrameBytesMax?: number;
  /**
   * Connections at once of one client. One of a replica: its newest replaces the older. 16 unless
   * given.
   */
  readonly connectionsPerClientMax?: number;
}

export interface Listener {
  /** The port it listens on: the one asked for, or the one chosen for port 0. */
  readonly port: number;
  /** Stops listening and closes all its links. */
  close(): Promise<void>;
}

export interface DialOptions extends LinkOptions {
  /** Whom the other end must prove to be. */
  readonly expected: Peer;
  /** A client's session, announced to the peer. */
  readonly session?: number;
}

export interface Dialler {
  /** Stops reconnecting and closes the link, if there is one. */
  close(): void;
}
