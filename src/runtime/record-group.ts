// A group of durable records as one run of bytes: a checksum, then each record with its length before it.

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

  /** The bytes to store under `key`; the checksum covers the key too, so that no group passes for another. */
  seal(key: number): Uint8Array {
    const sealed = this.#bytes.subarray(0, this.#length);
    new DataView(this.#bytes.buffer).setUint32(0, checksum(sealed.subarray(checksumBytes), key), true);
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
export const checksum = (bytes: Uint8Array, key: number): number => crc32(bytes, key % 2 ** 32);

/** A group's records from `offset` on (0: all). Calls `damaged`, which throws, when the bytes are not what was sealed. */
export function* recordsOf<Durable extends Tagged>(
  bytes: Uint8Array,
  key: number,
  offset: number,
  records: Codec<Durable>,
  damaged: () => never,
): Iterable<Durable> {
  if (bytes.length < checksumBytes) damaged();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== checksum(bytes.subarray(checksumBytes), key)) damaged();
  let position = Math.max(offset, checksumBytes);
  while (position < bytes.length) {
    const start = position + lengthBytes;
    if (start > bytes.length) damaged();
    position = start + view.getUint32(start - lengthBytes, true);
    if (position > bytes.length) damaged();
    yield records.decode(bytes.subarray(start, position)) ?? damaged();
  }
}
