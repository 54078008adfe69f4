// The bytes of TruDep's certificates: what their MACs are over, and what crosses into the trusted
// module and out of it. src/trusted/README.md has the table.

import {
  type ClientId,
  type DependencyCertificate,
  type RecordState,
  recordStates,
  spacesMax,
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

/** All fields that any kind has; those that a kind does not have are zero. */
interface Fields {
  readonly kind: Kind;
  readonly issuer: number;
  readonly space: number;
  readonly view: number;
  readonly slot: number;
  readonly sequence: number;
  readonly since: number;
  readonly mark: number;
  readonly digest: Uint8Array;
  readonly names: Uint8Array;
  readonly dependencies: readonly number[];
}

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

const lengths = { kind: 1, issuer: 2, space: 2, view: 8, slot: 8, sequence: 8, since: 8, mark: 1 };
const zeros = new Uint8Array(32);

/** Bytes of a statement in a group of n. */
export const dependencyStatementBytes = (n: number): number => at.dependencies + 8 * n;

/** Null if the statement is none of a group of n: no bytes stand for two statements. */
export function encodeDependencyStatement(
  statement: DependencyStatement,
  n: number,
): Uint8Array | null {
  const fields = fieldsOf(statement, n);
  if (!isSound(fields, n)) return null;
  const bytes = new Uint8Array(dependencyStatementBytes(n));
  for (const [name, length] of Object.entries(lengths)) bytes[at[name as "kind"] - 1] = length;
  bytes[at.digest - 1] = bytes[at.names - 1] = 32;
  bytes[at.dependencies - 1] = 8 * n;
  const view = new DataView(bytes.buffer);
  bytes[at.kind] = kinds.indexOf(fields.kind) + 1;
  view.setUint16(at.issuer, fields.issuer, true);
  view.setUint16(at.space, fields.space, true);
  bytes[at.mark] = fields.mark;
  for (const name of ["view", "slot", "sequence", "since"] as const) {
    setNumber(view, at[name], fields[name]);
  }
  bytes.set(fields.digest, at.digest);
  bytes.set(fields.names, at.names);
  for (const [i, slot] of fields.dependencies.entries()) {
    setNumber(view, at.dependencies + 8 * i, slot);
  }
  return bytes;
}

/** What a trusted instance of a group of n has said; its own bytes are always well-formed. */
export function decodeDependencyStatement(bytes: Uint8Array, n: number): DependencyStatement {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return statementOf({
    kind: kinds[bytes[at.kind]! - 1]!,
    issuer: view.getUint16(at.issuer, true),
    space: view.getUint16(at.space, true),
    view: numberAt(view, at.view),
    slot: numberAt(view, at.slot),
    sequence: numberAt(view, at.sequence),
    since: numberAt(view, at.since),
    mark: bytes[at.mark]!,
    digest: bytes.slice(at.digest, at.digest + 32),
    names: bytes.slice(at.names, at.names + 32),
    dependencies: Array.from({ length: n }, (_, i) => numberAt(view, at.dependencies + 8 * i)),
  });
}

function fieldsOf(statement: DependencyStatement, n: number): Fields {
  const { kind, issuer } = statement;
  const nothing = { sequence: 0, since: 0, mark: 0, digest: zeros, names: zeros };
  const none = { ...nothing, dependencies: new Array<number>(n).fill(0) };
  switch (kind) {
    case "checkpoint": {
      const { digest, frontier: dependencies } = statement;
      return { ...none, kind, issuer, space: 0, view: 0, slot: 0, digest, dependencies };
    }
    case "leave":
      return { ...none, ...statement, slot: statement.top };
    case "new-view":
      return { ...none, ...statement, slot: statement.boundary };
    case "propose":
      return { ...nothing, ...statement, mark: markOf(statement.partner) };
    case "record":
      return { ...nothing, ...statement, mark: recordStates.indexOf(statement.state) };
    default:
      return { ...nothing, ...statement };
  }
}

/** -1, which is no mark, for what is no replica. */
function markOf(partner: number | null): number {
  if (partner === null) return 0;
  return partner < 0 ? -1 : partner + 1;
}

function statementOf(fields: Fields): DependencyStatement {
  const { kind, issuer, space, view, slot, digest, dependencies, sequence } = fields;
  const inView = { issuer, space, view };
  const inSlot = { ...inView, slot, digest, dependencies, sequence };
  switch (kind) {
    case "checkpoint":
      return { kind, issuer, digest, frontier: dependencies };
    case "leave":
      return { kind, ...inView, top: slot };
    case "new-view":
      return { kind, ...inView, boundary: slot };
    case "propose": {
      const partner = fields.mark === 0 ? null : fields.mark - 1;
      return { kind, ...inSlot, names: fields.names, partner };
    }
    case "record": {
      const state = recordStates[fields.mark] as RecordState;
      return { kind, ...inSlot, state, since: fields.since };
    }
    default:
      return { kind, ...inSlot };
  }
}

const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

function isSound(fields: Fields, n: number): boolean {
  const { kind, issuer, space, mark, digest, names, dependencies } = fields;
  if (!kinds.includes(kind) || digest.length !== 32 || names.length !== 32) return false;
  if (![issuer, space].every((id) => isWhole(id) && id < n && id < spacesMax)) return false;
  if (![fields.view, fields.slot, fields.sequence, fields.since].every(isWhole)) return false;
  if (!isWhole(mark) || mark > (kind === "propose" ? n : recordStates.length)) return false;
  return dependencies.length === n && dependencies.every(isWhole);
}

function setNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

const numberAt = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;

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
