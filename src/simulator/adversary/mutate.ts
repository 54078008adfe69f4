// Changes a message, whatever its schema: a number, some bytes, the elements of a list, a part that
// another message has too.

import type { Codec, Tagged } from "../../core/index.js";
import type { Random } from "../random.js";
import { isWireAttestation } from "./notary.js";

/** One place in a decoded message, and how to put something else there. */
interface Place {
  readonly value: unknown;
  readonly put: (value: unknown) => void;
}

/** A copy that shares nothing with the message, its memos left out. */
export function copyOf<M extends Tagged>(codec: Codec<M>, message: M): M {
  return codec.decode(codec.encode(message)) ?? message;
}

/**
 * The message with one thing changed, still of its schema; unchanged if a few attempts fit no
 * schema.
 */
export function mutate<M extends Tagged>(codec: Codec<M>, message: M, random: Random): M {
  for (let attempt = 0; attempt < 4; attempt++) {
    const copy = copyOf(codec, message);
    const all = places(copy);
    if (all.length === 0) return message;
    const place = random.pick(all);
    place.put(altered(place.value, random));
    const read = tryRoundTrip(codec, copy);
    if (read !== null) return read;
  }
  return message;
}

/** The message with the end of one of its lists cut off, an outer one rather than one inside. */
export function shorten<M extends Tagged>(codec: Codec<M>, message: M, random: Random): M {
  const copy = copyOf(codec, message);
  const isList = ({ value }: Place): boolean => Array.isArray(value) && value.length > 0;
  const inner = places(copy).filter(isList);
  const outer = inner.filter(({ value }) => Object.values(copy).includes(value));
  const lists = outer.length > 0 && random.chance(0.7) ? outer : inner;
  if (lists.length === 0) return message;
  const { value, put } = random.pick(lists);
  const list = value as readonly unknown[];
  put(list.slice(0, random.below(list.length)));
  return tryRoundTrip(codec, copy) ?? message;
}

/** The message with all its own lists empty. */
export function emptied<M extends Tagged>(message: M): M {
  const lists = Object.entries(message).filter(([, field]) => Array.isArray(field));
  return lists.length === 0
    ? message
    : { ...message, ...Object.fromEntries(lists.map(([name]) => [name, []])) };
}

/** The message with one of its lists shuffled, or with elements of its own or of a donor added. */
export function disarranged<M extends Tagged>(
  codec: Codec<M>,
  message: M,
  donor: Tagged,
  random: Random,
): M {
  const lists = listsOf(message);
  if (lists.length === 0) return message;
  const [name, list] = random.pick(lists);
  const old = (donor as unknown as Record<string, unknown>)[name];
  const more = Array.isArray(old) && random.chance(0.6) ? (old as unknown[]) : list;
  const added = random.chance(0.3) ? [] : random.shuffled(more).slice(0, 1 + random.below(2));
  const all = random.chance(0.5) ? [...added, ...list] : [...list, ...added];
  const changed = random.chance(0.5) ? random.shuffled(all) : all;
  return tryRoundTrip(codec, { ...message, [name]: changed }) ?? message;
}

/** The message with a part of a donor that has one of the same name. */
export function transplanted<M extends Tagged>(
  codec: Codec<M>,
  message: M,
  donors: readonly Tagged[],
  random: Random,
): M {
  const parts = donors.flatMap((donor) =>
    [donor, ...Object.values(donor)]
      .filter(isObject)
      .flatMap((from) =>
        Object.entries(from).filter(
          ([name, part]) => name in message && isObject(part) && !isWireAttestation(part),
        ),
      ),
  );
  if (parts.length === 0) return message;
  const [name, part] = random.pick(parts);
  return tryRoundTrip(codec, { ...message, [name]: part }) ?? message;
}

/** The message with its lists repeated up to so many elements, if it may be that long. */
export function inflated<M extends Tagged>(codec: Codec<M>, message: M, length: number): M {
  const longer = listsOf(message).map(([name, list]) => [
    name,
    Array.from({ length }, (_, index) => list[index % list.length]),
  ]);
  if (longer.length === 0) return message;
  return tryRoundTrip(codec, { ...message, ...Object.fromEntries(longer) }) ?? message;
}

/** Whether a message is nothing but numbers and own proofs: nobody else's word is needed for it. */
export function isBare(message: Tagged, isOwnProof: (field: unknown) => boolean): boolean {
  return Object.entries(message).every(
    ([name, field]) => name === "kind" || typeof field === "number" || isOwnProof(field),
  );
}

/** Whether a message holds neither a certificate nor anything else that is made of parts. */
export const isSimple = (message: Tagged): boolean => !Object.values(message).some(isObject);

/** The message with other numbers in its own fields, if it may hold them. */
export function numbersChanged<M extends Tagged>(
  codec: Codec<M>,
  message: M,
  change: (name: string, value: number) => number,
): M {
  const changed = Object.entries(message).map(([name, field]) => [
    name,
    typeof field === "number" ? Math.min(change(name, field), 2 ** 52) : (field as unknown),
  ]);
  return tryRoundTrip(codec, Object.fromEntries(changed) as M) ?? message;
}

const listsOf = (message: Tagged): [string, readonly unknown[]][] =>
  Object.entries(message).filter(([, field]) => Array.isArray(field) && field.length > 0);

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !(value instanceof Uint8Array);

function tryRoundTrip<M extends Tagged>(codec: Codec<M>, message: M): M | null {
  try {
    return codec.decode(codec.encode(message));
  } catch {
    return null; // out of the schema's bounds: not something that could be sent
  }
}

/** Every number, byte string and list in a value, however deep. */
export function places(value: object): Place[] {
  const found: Place[] = [];
  for (const [name, field] of Object.entries(value)) {
    if (name === "kind") continue;
    const put = (replacement: unknown): void => {
      (value as Record<string, unknown>)[name] = replacement;
    };
    if (typeof field === "number" || field instanceof Uint8Array) found.push({ value: field, put });
    else if (typeof field === "object" && field !== null) {
      if (Array.isArray(field)) found.push({ value: field, put });
      found.push(...places(field));
    }
  }
  return found;
}

function altered(value: unknown, random: Random): unknown {
  if (typeof value === "number") {
    return random.pick([value + 1, Math.max(0, value - 1), 0, value + random.below(100), 2 ** 52]);
  }
  if (value instanceof Uint8Array) return alteredBytes(value, random);
  return alteredList(value as readonly unknown[], random);
}

function alteredBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const way = random.below(bytes.length === 32 ? 2 : 4);
  if (way === 0 && copy.length > 0) copy[random.below(copy.length)]! ^= 1 << random.below(8);
  else if (way === 1) return random.bytes(copy.length);
  else if (way === 2) return copy.subarray(0, random.below(copy.length + 1));
  else if (way === 3) return Uint8Array.from([...copy, random.below(256)]);
  return copy;
}

function alteredList(list: readonly unknown[], random: Random): unknown[] {
  const copy = [...list];
  const index = random.below(Math.max(1, copy.length));
  switch (random.below(4)) {
    case 0:
      copy.splice(index, 1);
      return copy;
    case 1:
      return copy.length === 0 ? copy : [...copy, copy[index]];
    case 2:
      return copy.slice(0, index);
    default:
      return random.shuffled(copy);
  }
}
