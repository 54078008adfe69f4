// Batches: the requests that one proposal orders, and the digest that names them.

import { digestOf, type Request } from "../codec/index.js";
import type { Digest, Hash } from "../core/index.js";

export type Batch = readonly Request[];

/**
 * The hash over the requests' digests: each request is hashed once, whatever is done with its
 * batch.
 */
export function batchDigest(batch: Batch, hash: Hash): Digest {
  const digests = new Uint8Array(32 * batch.length);
  batch.forEach((request, index) => digests.set(digestOf(request, hash), 32 * index));
  return hash(digests);
}

/** What a batch occupies in memory and on the wire, in bytes. */
export function batchBytes(batch: Batch): number {
  let bytes = 0;
  for (const { body, authenticator } of batch) bytes += body.length + authenticator.length;
  return bytes;
}
