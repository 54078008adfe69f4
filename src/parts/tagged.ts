// What proofs are over: digests of content with a tag before it.

import type { Digest, Hash } from "../core/index.js";

/**
 * The digest of tagged content: the tag keeps one kind of statement from being read as another. In
 * protocols made with `LeaderReplica`, tags below 16 are for what all of them say.
 */
export function tagged(tag: number, content: Uint8Array, hash: Hash): Digest {
  const bytes = new Uint8Array(1 + content.length);
  bytes[0] = tag;
  bytes.set(content, 1);
  return hash(bytes);
}
