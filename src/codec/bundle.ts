// What clients send: bundles of operations, each with one authenticator.

import type { ClientId, Digest, Hash } from "../core/index.js";
import {
  byteList,
  container,
  decodeWith,
  encodeWith,
  list,
  uint32,
  uint53,
  type ValueOf,
} from "./schema.js";

/** Hard bounds of the wire format; `Limits` are the same or tighter. */
export const wireLimits = {
  operationBytes: 1 << 20,
  bundleOperations: 1024,
  bundleBytes: 4 << 20,
  authenticatorBytes: 4096,
} as const;

const bundleSchema = container({
  client: uint32,
  session: uint53,
  /** 1, 2, 3 … within the session. */
  number: uint53,
  /** Every bundle up to this number was answered: replicas may forget its reply. */
  acknowledged: uint53,
  operations: list(byteList(wireLimits.operationBytes), wireLimits.bundleOperations),
});

/** Everything a session submitted in one turn. */
export type Bundle = Readonly<ValueOf<typeof bundleSchema>>;

/**
 * A bundle's bytes as the client sent them, and its proof over their digest (architecture.md §5).
 */
export const requestSchema = container({
  body: byteList(wireLimits.bundleBytes),
  authenticator: byteList(wireLimits.authenticatorBytes),
});

/** A bundle on the wire. The two memos are computed at most once and never travel. */
export interface Request {
  readonly body: Uint8Array;
  readonly authenticator: Uint8Array;
  digest?: Digest;
  bundle?: Bundle | null | undefined;
}

export const encodeBundle = (bundle: Bundle): Uint8Array => encodeWith(bundleSchema, bundle);

/** Null if the bytes are not a bundle. */
export function bundleOf(request: Request): Bundle | null {
  if (request.bundle === undefined) request.bundle = decodeWith(bundleSchema, request.body);
  return request.bundle;
}

/** Lets go of the decoded form, which takes many times the room of the bytes. */
export function forgetBundle(request: Request): void {
  request.bundle = undefined;
}

/** What the client's authenticator is over. */
export function digestOf(request: Request, hash: Hash): Digest {
  request.digest ??= hash(request.body);
  return request.digest;
}

const utf8 = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0));
const clientDomain = utf8("troth/client/1");
const clientKeyDomain = utf8("troth/client-key/1");

/**
 * MAC inputs are length-prefixed fields: (domain, speaker, …), so that none can be read as another
 * (protocols.md H1).
 */
export function macInput(
  domain: readonly number[],
  speaker: number,
  digest: Uint8Array | null,
): Uint8Array {
  const input = new Uint8Array(1 + domain.length + 5 + (digest === null ? 0 : 1 + digest.length));
  input[0] = domain.length;
  input.set(domain, 1);
  const view = new DataView(input.buffer);
  let offset = 1 + domain.length;
  input[offset] = 4;
  view.setUint32(offset + 1, speaker, true);
  offset += 5;
  if (digest !== null) {
    input[offset] = digest.length;
    input.set(digest, offset + 1);
  }
  return input;
}

/** A client's trusted MAC over a bundle is HMAC(client key, this). */
export const clientMacInput = (client: ClientId, digest: Digest) =>
  macInput(clientDomain, client, digest);

/**
 * A client's key is HMAC(group secret, this). Only `init` and the trusted module ever compute it.
 */
export const clientKeyInput = (client: ClientId) => macInput(clientKeyDomain, client, null);
