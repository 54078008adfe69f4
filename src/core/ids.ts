// Who takes part: replicas, clients and their sessions, named by small whole numbers.

/** A replica's index, `0 … n-1`, as the configuration lists them. */
export type ReplicaId = number;

/** All replicas, in their order. */
export const replicaIds = (n: number): ReplicaId[] => Array.from({ length: n }, (_, id) => id);

/** All replicas but one, in their order. */
export const otherReplicas = (n: number, self: ReplicaId): ReplicaId[] =>
  replicaIds(n).filter((id) => id !== self);

/** A client's number, as the administrator's `init` gave it: `0 … 2^32-1`. */
export type ClientId = number;

/**
 * A client session: a number from 1 to below 2^53 that only grows for one client (its start in
 * milliseconds, say), so that a replica can forget old sessions without ever accepting one of them
 * again.
 */
export type SessionId = number;

/** SHA-256 of something: 32 bytes. */
export type Digest = Uint8Array;

/** SHA-256, as the host provides it: native in the runtime, portable in a browser. Pure. */
export type Hash = (bytes: Uint8Array) => Digest;

/** Whether two byte strings are equal. Not constant-time: for public values such as digests. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const hexDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal, for keys of maps and for people. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += hexDigits[byte];
  return text;
}
