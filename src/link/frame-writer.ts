// Frames into a socket: everything sent in one turn of the event loop leaves in one write.

import type { Writable } from "node:stream";
import { assert } from "../core/index.js";
import { headerBytes } from "./frame-reader.js";
import { giveSlab, largestSlab, takeSlab } from "./slabs.js";

/** A slab with frames up to `used`. */
interface Filled {
  readonly slab: Uint8Array;
  readonly used: number;
}

/**
 * The frames on their way out of one socket. They are encoded straight into a slab; one slab at a
 * time is with the socket, and what is sent meanwhile gathers in the next.
 */
export class FrameWriter {
  readonly #socket: Writable;
  readonly #queueBytesMax: number;
  /** Full slabs in their order, then the one being filled. */
  readonly #full: Filled[] = [];
  #slab: Uint8Array | null = null;
  #used = 0;
  /** Which size of slab the traffic of this link asks for. */
  #slabSize = 0;
  #queuedBytes = 0;
  #writing = false;
  #scheduled = false;
  #ending = false;

  constructor(socket: Writable, queueBytesMax: number) {
    this.#socket = socket;
    this.#queueBytesMax = queueBytesMax;
  }

  /** Bytes that the operating system has not taken yet. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** As `Link.send`. */
  send(size: number, write: (into: Uint8Array, offset: number) => number): boolean {
    if (this.#ending || this.#queuedBytes + headerBytes + size > this.#queueBytesMax) return false;
    const slab = this.#room(headerBytes + size);
    const start = this.#used + headerBytes;
    const end = write(slab, start);
    const length = end - start;
    assert(length > 0 && length <= size, `a frame of ${length} bytes, announced as ${size}`);
    slab[start - 4] = length;
    slab[start - 3] = length >>> 8;
    slab[start - 2] = length >>> 16;
    slab[start - 1] = length >>> 24;
    this.#used = end;
    this.#queuedBytes += headerBytes + length;
    this.#schedule();
    return true;
  }

  /** Hands the next slab to the socket, unless it still has one. */
  flush(): void {
    if (this.#writing || this.#socket.destroyed) return;
    const next = this.#full.shift() ?? this.#takeOpen();
    if (next !== null) this.#write(next);
    else if (this.#ending) this.#socket.end();
  }

  /** Ends the socket when everything queued has left. Nothing is sent after it. */
  end(): void {
    this.#ending = true;
    this.flush();
  }

  /** A slab with room for so many bytes at `#used`. */
  #room(bytes: number): Uint8Array {
    if (this.#slab !== null && this.#used + bytes <= this.#slab.length) return this.#slab;
    const full = this.#takeOpen();
    if (full !== null) {
      this.#full.push(full);
      this.#slabSize = Math.min(this.#slabSize + 1, largestSlab);
    }
    this.#slab = takeSlab(this.#slabSize, bytes);
    return this.#slab;
  }

  #takeOpen(): Filled | null {
    if (this.#slab === null) return null;
    const filled = { slab: this.#slab, used: this.#used };
    this.#slab = null;
    this.#used = 0;
    return filled;
  }

  /** One flush for all frames of this turn, after the input of all sockets that have any. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  #write({ slab, used }: Filled): void {
    this.#writing = true;
    if (used * 8 < slab.length && this.#slabSize > 0) this.#slabSize--;
    this.#socket.write(slab.subarray(0, used), (error) => {
      this.#writing = false;
      this.#queuedBytes -= used;
      if (error) return;
      giveSlab(slab);
      this.flush();
    });
  }
}
