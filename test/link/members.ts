// Members of a cluster for link tests: identities of one authority, and ears that can be waited
// for.

import { type Authority, createAuthority } from "../../src/cluster/certificates.js";
import {
  type Dialler,
  type DialOptions,
  dial,
  type Link,
  type LinkEvents,
  type LinkIdentity,
  type Listener,
  type ListenOptions,
  listen,
} from "../../src/link/index.js";

export const cluster = "a cluster";
export const host = "127.0.0.1";
export const frameBytesMax = 16 * 1024 * 1024;

export const authority = createAuthority("test authority");

export function identity(name: string, issuer: Authority = authority): LinkIdentity {
  return { ...issuer.issue(name, []), authority: issuer.certificate };
}

export const replica0 = identity("replica-0");
export const replica1 = identity("replica-1");
export const client5 = identity("client-5");

/** Remembers all that links tell, and lets a test wait for it. */
export class Ears implements LinkEvents {
  readonly links: Link[] = [];
  readonly received: Uint8Array[] = [];
  readonly closings: string[] = [];
  readonly drops: string[] = [];
  onFrames: (link: Link, frames: readonly Uint8Array[]) => void = () => {};
  onOpen: (link: Link) => void = () => {};
  #waiting: (() => void)[] = [];

  open(link: Link): void {
    this.links.push(link);
    this.onOpen(link);
    this.#wake();
  }

  frames(link: Link, frames: readonly Uint8Array[]): void {
    this.received.push(...frames);
    this.onFrames(link, frames);
    this.#wake();
  }

  closed(_link: Link, reason: string): void {
    this.closings.push(reason);
    this.#wake();
  }

  dropped(reason: string): void {
    this.drops.push(reason);
    this.#wake();
  }

  /** Resolves when something happened after which `condition` holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

type Varied<Options> = Partial<Options> & { readonly events: LinkEvents };

/** Listens as replica 0, unless told otherwise. */
export const listenAs0 = (options: Varied<ListenOptions>): Promise<Listener> =>
  listen({ host, port: 0, tls: replica0, cluster, frameBytesMax, connectionsMax: 100, ...options });

/** Dials replica 0 as replica 1, unless told otherwise. */
export const dial0 = (options: Varied<DialOptions> & { readonly port: number }): Dialler =>
  dial({
    host,
    tls: replica1,
    cluster,
    frameBytesMax,
    expected: { kind: "replica", id: 0 },
    ...options,
  });

export function sendBytes(link: Link, bytes: Uint8Array): boolean {
  return link.send(bytes.length, (into, offset) => {
    into.set(bytes, offset);
    return offset + bytes.length;
  });
}

/** A frame that says which one it is. */
export function numbered(number: number, size = 8): Uint8Array {
  const bytes = new Uint8Array(size).fill(number);
  new DataView(bytes.buffer).setUint32(0, number, true);
  return bytes;
}
