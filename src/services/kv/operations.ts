// What clients ask of the key-value service and what it answers, as values and as bytes.

import {
  byteList,
  container,
  encodeWith,
  list,
  type MessageOf,
  uint8,
  uint16,
  union,
} from "../../codec/index.js";
import { counterBytesMax, writeCounter } from "./counter.js";

/** Bounds of the service. A put of the largest key and value fits an operation (core/limits.ts). */
export const keyValueLimits = {
  /** Keys have at least one byte. */
  keyBytes: 512,
  valueBytes: 64 * 1024,
  /** Entries in the answer to one range … */
  rangeEntries: 1024,
  /** … and their bytes, unless the first entry alone is larger. */
  rangeBytes: 60 * 1024,
} as const;

const key = byteList(keyValueLimits.keyBytes);
const value = byteList(keyValueLimits.valueBytes);

const requests = union({
  /** Answered with `value` or `absent`. */
  get: container({ key }),
  /** Sets the value. */
  put: container({ key, value }),
  /** Answered with `absent` if there was nothing to delete. */
  delete: container({ key }),
  /** Sets the value if there is none; otherwise answered as a get is. */
  create: container({ key, value }),
  /** Sets the value if it equals `expected`; otherwise answered as a get is. */
  swap: container({ key, expected: value, value }),
  /** Adds to a counter (counter.ts); absent is 0. The sum is not told: so additions commute. */
  add: container({ key, amount: byteList(counterBytesMax) }),
  /** Appends to the value; an absent one counts as empty. */
  append: container({ key, value }),
  /** The entries whose keys begin with `prefix` and are above `after`, by their keys' bytes. */
  range: container({ prefix: key, after: key, limit: uint16 }),
});

const entries = list(container({ key, value }), keyValueLimits.rangeEntries);

const outcomes = union({
  plain: container({ code: uint8 }),
  value: container({ value }),
  entries: container({ entries, more: uint8 }),
});

/** On the wire, an outcome without content is its place in this list. */
const plainOutcomes = ["done", "absent", "malformed", "not-a-counter", "too-long"] as const;

/**
 * An answer that is but a word: it took effect; there is no such key; and the refusals, which
 * change nothing: bytes that are no request, an addition to what is no counter, a value that would
 * become too long.
 */
export type PlainOutcome = (typeof plainOutcomes)[number];

/** An operation of the service. */
export type Request = MessageOf<typeof requests.table>;

export interface KeyValueEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What came of an operation; its request's kind says which outcomes there are. */
export type Outcome =
  | { readonly kind: PlainOutcome }
  | { readonly kind: "value"; readonly value: Uint8Array }
  /** `more`: there are further entries; ask for those after the last one here. */
  | {
      readonly kind: "entries";
      readonly entries: readonly KeyValueEntry[];
      readonly more: boolean;
    };

/** The operation's bytes. @throws Error if a key or value is over its limit. */
export const writeRequest = (request: Request): Uint8Array => requests.encode(request);

/** Null if the bytes are no request, or one with an empty key. Shares memory with them. */
export function readRequest(bytes: Uint8Array): Request | null {
  const request = requests.decode(bytes);
  const keyless = request !== null && request.kind !== "range" && request.key.length === 0;
  return keyless ? null : request;
}

/** The result's bytes. Those without content are made once and must not be changed. */
export function writeOutcome(outcome: Outcome): Uint8Array {
  switch (outcome.kind) {
    case "value":
      return outcomes.encode(outcome);
    case "entries":
      return outcomes.encode({
        kind: "entries",
        entries: [...outcome.entries],
        more: outcome.more ? 1 : 0,
      });
    default:
      return plainBytes[outcome.kind];
  }
}

const plainBytes = Object.fromEntries(
  plainOutcomes.map((kind, code) => [kind, outcomes.encode({ kind: "plain", code })]),
) as Record<PlainOutcome, Uint8Array>;

/** Null if the bytes are no outcome: they come from another service. Shares memory with them. */
export function readOutcome(bytes: Uint8Array): Outcome | null {
  const outcome = outcomes.decode(bytes);
  if (outcome === null || outcome.kind === "value") return outcome;
  if (outcome.kind === "entries") return { ...outcome, more: outcome.more !== 0 };
  const kind = plainOutcomes[outcome.code];
  return kind === undefined ? null : { kind };
}

/** The bytes that one entry adds to the answer to a range. */
export const entryBytes = (entry: KeyValueEntry): number =>
  entryOverheadBytes + entry.key.length + entry.value.length;

const empty = new Uint8Array(0);
const entryOverheadBytes =
  encodeWith(entries, [{ key: empty, value: empty }]).length - encodeWith(entries, []).length;

/** The operations as a client calls them: `client.call(keyValue.put(key, value))`. */
export const keyValue = {
  get: (key: Uint8Array) => writeRequest({ kind: "get", key }),
  put: (key: Uint8Array, value: Uint8Array) => writeRequest({ kind: "put", key, value }),
  delete: (key: Uint8Array) => writeRequest({ kind: "delete", key }),
  /** `expected` null: only if there is no value. Both values together must fit one operation. */
  compareAndSwap: (key: Uint8Array, expected: Uint8Array | null, value: Uint8Array) =>
    writeRequest(
      expected === null ? { kind: "create", key, value } : { kind: "swap", key, expected, value },
    ),
  /** The amount wraps around at 64 bits, as the sum does. */
  add: (key: Uint8Array, amount: bigint) =>
    writeRequest({ kind: "add", key, amount: writeCounter(amount) }),
  append: (key: Uint8Array, value: Uint8Array) => writeRequest({ kind: "append", key, value }),
  range: (
    prefix: Uint8Array,
    limit: number = keyValueLimits.rangeEntries,
    after: Uint8Array = empty,
  ) => writeRequest({ kind: "range", prefix, after, limit }),
} as const;
