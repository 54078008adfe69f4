// Memory that the bytes of messages and records are cut from: to make an ArrayBuffer for each, and
// to collect it, takes longer than all else that a host of the simulator does with them.

import type { Codec, Tagged } from "../core/index.js";

const slabBytes = 16 * 1024;
/** Larger ones get memory of their own: little of a slab is wasted at its end. */
const cutBytesMax = 2 * 1024;

let slab = new Uint8Array(slabBytes);
let used = 0;

/** So many bytes that nobody else has. They may hold anything. */
function cut(length: number): Uint8Array {
  if (length > cutBytesMax) return new Uint8Array(length);
  if (used + length > slab.length) {
    slab = new Uint8Array(slabBytes);
    used = 0;
  }
  used += length;
  return slab.subarray(used - length, used);
}

/** What `codec.encode` gives. */
export function encoded<T extends Tagged>(codec: Codec<T>, value: T): Uint8Array {
  const bytes = cut(codec.size(value));
  codec.encodeInto(value, bytes, 0);
  return bytes;
}

/** What `bytes.slice` gives. */
export function copied(bytes: Uint8Array): Uint8Array {
  const copy = cut(bytes.length);
  copy.set(bytes);
  return copy;
}
