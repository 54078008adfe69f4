// Where messages go: one link to each peer, and the links on which clients announced their
// sessions.

import { type Codec, InvariantError, type ReplicaId, type Tagged } from "../core/index.js";
import type { Link } from "../link/index.js";
import type { Departure } from "./effect-stream.js";

/** A larger message gets a buffer of its own, which is not kept. */
const scratchBytes = 256 * 1024;

/**
 * Sends messages over the links that are open. To a peer or session without one, a message is
 * lost: protocols and
 * clients send again.
 */
export class Router<Message extends Tagged> {
  readonly #messages: Codec<Message>;
  readonly #peers = new Map<ReplicaId, Link>();
  /** By client, then by session. */
  readonly #sessions = new Map<number, Map<number, Link>>();
  readonly #scratch = new Uint8Array(scratchBytes);
  readonly #full: (link: Link) => void;

  /** `full` is told when a link's queue was full and the message was lost. */
  constructor(messages: Codec<Message>, full: (link: Link) => void) {
    this.#messages = messages;
    this.#full = full;
  }

  /** The link over which this replica sends to that one. */
  addPeer(link: Link): void {
    this.#peers.set(link.peer.id, link);
  }

  removePeer(link: Link): void {
    if (this.#peers.get(link.peer.id) === link) this.#peers.delete(link.peer.id);
  }

  /** A client's link that announced a session; a later one takes over. */
  addSession(link: Link, session: number): void {
    const { id } = link.peer;
    let sessions = this.#sessions.get(id);
    if (sessions === undefined) this.#sessions.set(id, (sessions = new Map()));
    sessions.set(session, link);
  }

  removeSession(link: Link, session: number): void {
    const { id } = link.peer;
    const sessions = this.#sessions.get(id);
    if (sessions?.get(session) !== link) return;
    sessions.delete(session);
    if (sessions.size === 0) this.#sessions.delete(id);
  }

  depart(effect: Departure<Message>): void {
    if (effect.kind === "broadcast") return this.#broadcast(effect.message);
    const link =
      effect.kind === "send"
        ? this.#peers.get(effect.to)
        : this.#sessions.get(effect.client)?.get(effect.session);
    if (link === undefined) return;
    const size = this.#messages.size(effect.message);
    this.#send(link, size, (into, offset) =>
      this.#messages.encodeInto(effect.message, into, offset),
    );
  }

  /** Encodes once and copies to each link. */
  #broadcast(message: Message): void {
    if (this.#peers.size === 0) return;
    const size = this.#messages.size(message);
    const encoded = size <= scratchBytes ? this.#scratch : new Uint8Array(size);
    const end = this.#messages.encodeInto(message, encoded, 0);
    if (end !== size)
      throw new InvariantError(`a ${message.kind} of ${end} bytes, announced as ${size}`);
    const bytes = encoded.subarray(0, size);
    const write = (into: Uint8Array, offset: number) => {
      into.set(bytes, offset);
      return offset + size;
    };
    for (const link of this.#peers.values()) this.#send(link, size, write);
  }

  #send(link: Link, size: number, write: (into: Uint8Array, offset: number) => number): void {
    if (!link.send(size, write)) this.#full(link);
  }
}
