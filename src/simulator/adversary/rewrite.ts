// Rewrites a message so that it still agrees with itself: one value is another everywhere, lists
// change with it, parts come from another message; and every certificate over what changed is
// promised anew, in the liar's own name. So are proofs: when it is sent, they are made.

import type { WireAttestation } from "../../codec/index.js";
import { equalBytes, type ReplicaId, type Tagged } from "../../core/index.js";
import type { Random } from "../random.js";
import { isWireAttestation } from "./notary.js";

type Fields = Record<string, unknown>;
/** What stands in place of a field; itself where nothing changes. */
type Edit = (name: string, field: unknown) => unknown;
/** How what others said becomes the liar's own. */
export interface Pledge {
  readonly self: ReplicaId;
  /** A certificate like that one, in the liar's name. */
  certificate(wire: WireAttestation): WireAttestation;
  /** Whose proof a field is; undefined: nobody's. */
  speakerOf(field: unknown): ReplicaId | undefined;
}

/** Names of fields that say who speaks, where a message says it. */
const speaks = /replica|speaker|sender|signer|voter|from|by/i;

/** Who made a certificate, and how: no content. */
const formal = new Set(["kind", "type", "instance", "counter", "mac"]);

const isComposite = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !(value instanceof Uint8Array);

/** The value with that edit everywhere; certificates over what changed are pledged again. */
function edited<T extends object>(value: T, edit: Edit, pledge: Pledge): T {
  let copy: Fields | null = null;
  for (const [name, field] of Object.entries(value)) {
    if (formal.has(name)) continue;
    const first = edit(name, field);
    const other = isComposite(first) ? edited(first, edit, pledge) : first;
    if (other === field) continue;
    copy ??= (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as unknown as Fields;
    copy[name] = other;
  }
  return copy === null ? value : (repledged(copy, pledge) as T);
}

/** The object with its own certificates and proofs pledged again, not those of its parts. */
function repledged<T extends object>(value: T, pledge: Pledge): T {
  const speakers = Object.values(value).map((field) => pledge.speakerOf(field));
  const again = Object.entries(value).flatMap(([name, field]): [string, unknown][] => {
    if (isCertificate(field)) return [[name, pledge.certificate(field)]];
    const names = typeof field === "number" && speaks.test(name) && speakers.includes(field);
    return names ? [[name, pledge.self]] : [];
  });
  return again.length === 0 ? value : { ...value, ...Object.fromEntries(again) };
}

const isWire = (value: object): value is WireAttestation => isWireAttestation(value);

/** The message as if the liar had said it. */
export const usurped = (message: Tagged, pledge: Pledge): Tagged => repledged(message, pledge);

/** The message with each of its fields from one of the two, numbers from itself rather. */
export function spliced(message: Tagged, donor: Tagged, pledge: Pledge, random: Random): Tagged {
  const keepsNumbers = random.chance(0.7);
  const from = donor as unknown as Fields;
  const fields = Object.entries(message).map(([name, field]): [string, unknown] => {
    const isKept = typeof field === "number" ? keepsNumbers : random.chance(0.15);
    const isFixed = formal.has(name) || isCertificate(field);
    return [name, isFixed || isKept || !(name in from) ? field : from[name]];
  });
  return repledged(Object.fromEntries(fields) as unknown as Tagged, pledge);
}

/** The message with one or two things rewritten in it. */
export function rewritten(message: Tagged, donor: Tagged, pledge: Pledge, random: Random): Tagged {
  let changed = message;
  for (let count = random.pick([1, 1, 2, 3]); count > 0; count--) {
    const edit = random.pick(edits)(changed, donor, pledge, random);
    if (edit !== null) changed = edited(changed, edit, pledge);
  }
  return changed === message ? message : usurped(changed, pledge);
}

type MakeEdit = (message: Tagged, donor: Tagged, pledge: Pledge, random: Random) => Edit | null;

const edits: readonly MakeEdit[] = [shiftNumber, shiftNumber, otherBytes, cutList, ballots];

/** One number is another wherever it stands, or wherever it stands under that name. */
function shiftNumber(message: Tagged, _donor: Tagged, _pledge: Pledge, random: Random) {
  const found = fieldsOf(message, (field) => typeof field === "number");
  if (found.length === 0) return null;
  const [meant, old] = random.pick(found);
  const value = Math.max(0, (old as number) + random.pick([1, 1, -1, -1, 2, 4, 64]));
  const isEverywhere = random.chance(0.4);
  return (name: string, field: unknown) =>
    field === old && (isEverywhere || name === meant) ? value : field;
}

/** Some bytes are others wherever they stand: of that length, from elsewhere or from nowhere. */
function otherBytes(message: Tagged, donor: Tagged, pledge: Pledge, random: Random) {
  const found = fieldsOf(
    message,
    (field) => field instanceof Uint8Array && pledge.speakerOf(field) === undefined,
  );
  if (found.length === 0) return null;
  const [, meant] = random.pick(found);
  const old = meant as Uint8Array;
  const known = fieldsOf(
    donor,
    (field) => field instanceof Uint8Array && field.length === old.length,
  );
  const value =
    known.length > 0 && random.chance(0.7) ? random.pick(known)[1] : random.bytes(old.length);
  return (_name: string, field: unknown) =>
    field instanceof Uint8Array && equalBytes(field, old) ? value : field;
}

/** A list is empty, shorter, or has an element twice. */
function cutList(message: Tagged, _donor: Tagged, _pledge: Pledge, random: Random) {
  const found = fieldsOf(message, (field) => Array.isArray(field) && field.length > 0);
  if (found.length === 0) return null;
  const list = random.pick(found)[1] as readonly unknown[];
  const from = random.below(list.length);
  const other = random.pick([
    [],
    list.slice(0, from),
    list.slice(from),
    [...list, list[from]],
    list.map(() => list[from]),
  ]);
  return (_name: string, field: unknown) => (field === list ? other : field);
}

/** In place of the votes of several, as many of the liar's own. */
function ballots(message: Tagged, _donor: Tagged, pledge: Pledge, random: Random) {
  const isProof = (field: unknown): boolean =>
    isCertificate(field) || pledge.speakerOf(field) !== undefined;
  const isVotes = (field: unknown): boolean =>
    Array.isArray(field) && isComposite(field[0]) && Object.values(field[0]).some(isProof);
  const found = fieldsOf(message, isVotes);
  if (found.length === 0) return null;
  const list = random.pick(found)[1] as readonly object[];
  const isOne = random.chance(0.5);
  const vote = repledged(random.pick(list), pledge);
  const other = list.map((one) => (isOne ? vote : repledged(one, pledge)));
  return (_name: string, field: unknown) => (field === list ? other : field);
}

const isCertificate = (field: unknown): field is WireAttestation =>
  isComposite(field) && isWire(field);

/** Fields of the message, however deep, that are of that sort. */
function fieldsOf(value: object, isMeant: (field: unknown) => boolean): [string, unknown][] {
  return Object.entries(value).flatMap(([name, field]): [string, unknown][] => {
    if (formal.has(name)) return [];
    const deeper = isComposite(field) && !isWire(field) ? fieldsOf(field, isMeant) : [];
    return isMeant(field) ? [[name, field], ...deeper] : deeper;
  });
}
