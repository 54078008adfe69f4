// The bytes of TruDep's certificates: what their MACs are over, and what crosses into the trusted
// module and out of it. src/trusted/README.md has the table.

import {
  type ClientId,
  type DependencyCertificate,
  recordStates,
  type Touches,
  touchesMax,
} from "../core/index.js";

type Kind = DependencyCertificate["kind"];
type Unsealed<C> = C extends DependencyCertificate ? Omit<C, "mac"> : never;
/** A certificate without its MAC. */
export type DependencyStatement = Unsealed<DependencyCertificate>;

const kinds: readonly Kind[] = [
  "propose",
  "commit",
  "decide",
  "accept",
  "finalize",
  "leave",
  "record",
  "new-view",
  "checkpoint",
];

/** Where the fields begin, each after a byte with its length. */
const at = {
  kind: 1,
  issuer: 3,
  space: 6,
  view: 9,
  slot: 18,
  sequence: 27,
  since: 36,
  mark: 45,
  digest: 47,
  names: 80,
  dependencies: 113,
} as const;

/** Bytes of a statement in a group of n. */
export const dependencyStatementBytes = (n: number): number => at.dependencies + 8 * n;

/** Null if the statement is none of a group of n: no bytes stand for two statements. */
export function encodeDependencyStatement(
  statement: DependencyStatement,
  n: number,
): Uint8Array | null {
  const { kind, issuer } = statement;
  const bytes = emptyStatement(n);
  bytes[at.kind] = kinds.indexOf(kind) + 1;
  if (bytes[at.kind] === 0 || !setReplica(bytes, at.issuer, issuer, n)) return null;
  if (kind === "checkpoint") {
    const { digest, frontier } = statement;
    return setDigest(bytes, at.digest, digest) && setSlots(bytes, frontier, n) ? bytes : null;
  }
  const { space, view } = statement;
  if (!setReplica(bytes, at.space, space, n) || !setNumber(bytes, at.view, view)) return null;
  if (kind === "leave") return setNumber(bytes, at.slot, statement.top) ? bytes : null;
  if (kind === "new-view") return setNumber(bytes, at.slot, statement.boundary) ? bytes : null;
  const { slot, sequence, digest, dependencies } = statement;
  if (!setNumber(bytes, at.slot, slot) || !setNumber(bytes, at.sequence, sequence)) return null;
  if (!setDigest(bytes, at.digest, digest) || !setSlots(bytes, dependencies, n)) return null;
  if (kind === "propose") {
    if (!setDigest(bytes, at.names, statement.names)) return null;
    const { partner } = statement;
    if (partner === null) return bytes;
    if (!isReplica(partner, n)) return null;
    bytes[at.mark] = partner + 1;
  } else if (kind === "record") {
    const state = recordStates.indexOf(statement.state);
    if (state < 0 || !setNumber(bytes, at.since, statement.since)) return null;
    bytes[at.mark] = state;
  }
  return bytes;
}

/** What a trusted instance of a group of n has said; its own bytes are always well-formed. */
export function decodeDependencyStatement(bytes: Uint8Array, n: number): DependencyStatement {
  const kind = kinds[bytes[at.kind]! - 1]!;
  const issuer = bytes[at.issuer]!;
  const digest = bytes.slice(at.digest, at.digest + 32);
  const dependencies = Array.from({ length: n }, (_, i) =>
    numberAt(bytes, at.dependencies + 8 * i),
  );
  if (kind === "checkpoint") return { kind, issuer, digest, frontier: dependencies };
  const inView = { issuer, space: bytes[at.space]!, view: numberAt(bytes, at.view) };
  const slot = numberAt(bytes, at.slot);
  if (kind === "leave") return { kind, ...inView, top: slot };
  if (kind === "new-view") return { kind, ...inView, boundary: slot };
  const sequence = numberAt(bytes, at.sequence);
  const inSlot = { ...inView, slot, digest, dependencies, sequence };
  const mark = bytes[at.mark]!;
  if (kind === "propose") {
    const names = bytes.slice(at.names, at.names + 32);
    return { kind, ...inSlot, names, partner: mark === 0 ? null : mark - 1 };
  }
  if (kind !== "record") return { kind, ...inSlot };
  return { kind, ...inSlot, state: recordStates[mark]!, since: numberAt(bytes, at.since) };
}

/** All fields with their lengths, and zero. */
function emptyStatement(n: number): Uint8Array {
  const bytes = new Uint8Array(dependencyStatementBytes(n));
  bytes[at.kind - 1] = bytes[at.mark - 1] = 1;
  bytes[at.issuer - 1] = bytes[at.space - 1] = 2;
  bytes[at.view - 1] = bytes[at.slot - 1] = bytes[at.sequence - 1] = bytes[at.since - 1] = 8;
  bytes[at.digest - 1] = bytes[at.names - 1] = 32;
  bytes[at.dependencies - 1] = 8 * n;
  return bytes;
}

const isReplica = (value: number, n: number): boolean =>
  Number.isSafeInteger(value) && value >= 0 && value < n;

// They set a field, or refuse a value that it cannot have.

function setReplica(bytes: Uint8Array, at: number, value: number, n: number): boolean {
  if (!isReplica(value, n)) return false;
  bytes[at] = value;
  return true;
}

function setDigest(bytes: Uint8Array, at: number, value: Uint8Array): boolean {
  if (value.length !== 32) return false;
  bytes.set(value, at);
  return true;
}

function setSlots(bytes: Uint8Array, slots: readonly number[], n: number): boolean {
  if (slots.length !== n) return false;
  return slots.every((slot, i) => setNumber(bytes, at.dependencies + 8 * i, slot));
}

function setNumber(bytes: Uint8Array, at: number, value: number): boolean {
  if (!Number.isSafeInteger(value) || value < 0) return false;
  setWord(bytes, at, value % 2 ** 32);
  setWord(bytes, at + 4, Math.floor(value / 2 ** 32));
  return true;
}

function setWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;

const numberAt = (bytes: Uint8Array, at: number): number =>
  wordAt(bytes, at) + wordAt(bytes, at + 4) * 2 ** 32;

const domainOf = (name: string): Uint8Array =>
  Uint8Array.from([name.length, ...Array.from(name, (character) => character.charCodeAt(0))]);
const domain = domainOf("troth/trudep/1");
const decisionDomain = domainOf("troth/decide/1");

/** What a certificate's MAC under the group's key is over, given its statement. */
export const dependencyMacInput = (statement: Uint8Array): Uint8Array =>
  Uint8Array.from([...domain, ...statement]);

/** What a client's MAC over a decision is over, given the decision's statement. */
export function decisionMacInput(client: ClientId, statement: Uint8Array): Uint8Array {
  const field = Uint8Array.of(4, client, client >>> 8, client >>> 16, client >>> 24);
  return Uint8Array.from([...decisionDomain, ...field, ...statement]);
}

/**
 * What a command touches as the trusted module takes it: two words a name, of which the two lowest
 * bits are the access. A proposal's `names` is their hash.
 */
export function namesOf(touches: Touches): Uint8Array {
  if (touches === "everything" || touches.length > touchesMax) {
    return Uint8Array.of(everything, 0, 0, 0, 0, 0, 0, 0);
  }
  const bytes = new Uint8Array(8 * touches.length);
  for (const [i, { name, access }] of touches.entries()) {
    bytes.set(name.subarray(0, 8), 8 * i);
    bytes[8 * i] = (bytes[8 * i]! & ~3) | accesses.indexOf(access);
  }
  return bytes;
}

const accesses = ["read", "write", "add"] as const;
const everything = 3;
