// Frames out of a stream of bytes: a 4-byte little-endian length, then so many bytes.

/** Bytes of a frame's length. */
export const headerBytes = 4;

/** Cuts a stream into frames, each in memory of its own. */
export class FrameReader {
  readonly #frameBytesMax: number;
  /** Of the length that is being read. */
  #length = 0;
  #lengthBytes = 0;
  /** The frame that is being read, once its length is known. */
  #frame: Uint8Array | null = null;
  #frameBytes = 0;
  #broken = false;

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** Whether a frame was empty or too long: the stream makes no sense from there on. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Takes the next bytes of the stream and returns the frames they complete. */
  read(chunk: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#frame === null) {
        offset = this.#readLength(chunk, offset);
        if (this.#lengthBytes < headerBytes) break;
        this.#broken = this.#length === 0 || this.#length > this.#frameBytesMax;
        if (this.#broken) break;
        // Not zeroed: every byte is written before the frame is given out.
        this.#frame = new Uint8Array(Buffer.allocUnsafeSlow(this.#length).buffer);
      }
      offset = this.#readFrame(this.#frame, chunk, offset);
      if (this.#frameBytes < this.#length) break;
      frames.push(this.#frame);
      this.#frame = null;
      this.#frameBytes = this.#length = this.#lengthBytes = 0;
    }
    return frames;
  }

  #readLength(chunk: Uint8Array, start: number): number {
    if (this.#lengthBytes === 0 && start + headerBytes <= chunk.length) {
      this.#length = uint32(chunk, start);
      this.#lengthBytes = headerBytes;
      return start + headerBytes;
    }
    let offset = start;
    while (this.#lengthBytes < headerBytes && offset < chunk.length) {
      this.#length += chunk[offset++]! * 2 ** (8 * this.#lengthBytes++);
    }
    return offset;
  }

  #readFrame(frame: Uint8Array, chunk: Uint8Array, start: number): number {
    const end = Math.min(chunk.length, start + frame.length - this.#frameBytes);
    frame.set(chunk.subarray(start, end), this.#frameBytes);
    this.#frameBytes += end - start;
    return end;
  }
}

const uint32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
