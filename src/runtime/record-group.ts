// A group of durable records as one run of bytes: a checksum, then each record with its length
// before it.

import { crc32 } from "node:zlib";
import type { Codec, Tagged } from "../core/index.js";

const checksumBytes = 4;
const lengthBytes = 4;
const firstCapacity = 64 * 1024;
/** A larger buffer is given back after use: one big group should not be paid for ever. */
const capacityKept = 4 * 1024 * 1024;

/** Gathers records. The bytes that `seal` gives stay valid until the next `clear`. */
export class RecordGroup<Durable extends Tagged> {
  readonly #records: Codec<Durable>;
  #bytes = new Uint8Array(firstCapacity);
  #length = checksumBytes;

  constructor(records: Codec<Durable>) {
    this.#records = records;
  }

  /** Where the next record will stand. */
  get length(): number {
    return this.#length;
  }

  get isEmpty(): boolean {
    return this.#length === checksumBytes;
  }

  add(record: Durable): void {
    const size = this.#records.size(record);
    const start = this.#length + lengthBytes;
    this.#reserve(start + size);
    new DataView(this.#bytes.buffer).setUint32(this.#length, size, true);
    this.#length = this.#records.encodeInto(record, this.#bytes, start);
  }

  /**
   * The bytes to store under `key`; the checksum covers the key too, so that no group passes for
   * another.
   */
  seal(key: number): Uint8Array {
    const sealed = this.#bytes.subarray(0, this.#length);
    new DataView(this.#bytes.buffer).setUint32(
      0,
      checksum(sealed.subarray(checksumBytes), key),
      true,
    );
    return sealed;
  }

  clear(): void {
    this.#length = checksumBytes;
    if (this.#bytes.length > capacityKept) this.#bytes = new Uint8Array(firstCapacity);
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** CRC-32 of bytes stored under a key. */
export const checksum = (bytes: Uint8Array, key: number): number =>
  // of some empty arrays Node gives 0
  bytes.length === 0 ? key % 2 ** 32 : crc32(bytes, key % 2 ** 32);

/** Some bytes after their checksum. */
export function withChecksum(bytes: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(checksumBytes + bytes.length);
  sealed.set(bytes, checksumBytes);
  new DataView(sealed.buffer).setUint32(0, checksum(bytes, 0), true);
  return sealed;
}

/** What was sealed under the key, without the checksum; null if it is not what it was. */
export function contentOf(sealed: Uint8Array, key: number): Uint8Array | null {
  if (sealed.length < checksumBytes) return null;
  const content = sealed.subarray(checksumBytes);
  const view = new DataView(sealed.buffer, sealed.byteOffset, checksumBytes);
  return view.getUint32(0, true) === checksum(content, key) ? content : null;
}

/**
 * The records of a sealed group from `offset` on. Calls `damaged`, which throws, if they are not
 * what was sealed.
 */
export function* recordsOf<Durable extends Tagged>(
  sealed: Uint8Array,
  key: number,
  offset: number,
  records: Codec<Durable>,
  damaged: () => never,
): Iterable<Durable> {
  if (contentOf(sealed, key) === null) damaged();
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  let position = Math.max(offset, checksumBytes);
  while (position < sealed.length) {
    const start = position + lengthBytes;
    if (start > sealed.length) damaged();
    position = start + view.getUint32(start - lengthBytes, true);
    if (position > sealed.length) damaged();
    yield records.decode(sealed.subarray(start, position)) ?? damaged();
  }
}
