// Batches: the requests that one proposal orders, and the digest that names them.

import { type Bundle, bundleOf, digestOf, type Request } from "../codec/index.js";
import type { Digest, Hash, Limits } from "../core/index.js";

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

/** The bundle that a request carries; null if it is none, or not within the limits. */
export function boundedBundle(request: Request, limits: Limits): Bundle | null {
  const bundle = bundleOf(request);
  if (bundle === null || request.body.length > limits.bundleBytesMax) return null;
  const { operations, session, number, acknowledged } = bundle;
  const { bundleOperationsMax, operationBytesMax } = limits;
  if (operations.length === 0 || operations.length > bundleOperationsMax) return null;
  if (operations.some((operation) => operation.length > operationBytesMax)) return null;
  return session > 0 && number > acknowledged ? bundle : null;
}
