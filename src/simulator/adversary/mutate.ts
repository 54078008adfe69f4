// Changes one thing in a message, whatever its schema: a number, some bytes, the elements of a
// list.

import type { Codec, Tagged } from "../../core/index.js";
import type { Random } from "../random.js";

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
