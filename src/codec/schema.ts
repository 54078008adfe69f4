// Message schemas: one declaration gives the type, the canonical bytes (SSZ) and the text.

import {
  ByteListType,
  ByteVectorType,
  type CompositeType,
  ContainerType,
  ListBasicType,
  ListCompositeType,
  type Type,
  UintNumberType,
} from "@chainsafe/ssz";
import { type Codec, InvariantError, type Tagged, toHex } from "../core/index.js";

type ByteViews = Parameters<Type<number>["value_deserializeFromBytes"]>[0];

/** A whole number below 2^53 in eight bytes. Larger ones are refused, not rounded. */
export class Uint53Type extends UintNumberType {
  constructor() {
    super(8, { typeName: "uint53" });
  }

  override value_deserializeFromBytes(data: ByteViews, start: number, end: number): number {
    const value = super.value_deserializeFromBytes(data, start, end);
    if (!Number.isSafeInteger(value)) throw new RangeError("a number of 2^53 or more");
    return value;
  }
}

export const uint8 = new UintNumberType(1);
export const uint16 = new UintNumberType(2);
export const uint32 = new UintNumberType(4);
export const uint53 = new Uint53Type();
export const bytes32: Schema<Uint8Array> = new ByteVectorType(32);

/** Bytes up to a limit. */
export const byteList = (limit: number): Schema<Uint8Array> => new ByteListType(limit);

/** The schema of a compound value. */
export type Schema<Value> = CompositeType<Value, unknown, unknown>;

/** A record of named fields, encoded in the order they are written here. */
export const container = <Fields extends Record<string, Type<unknown>>>(
  fields: Fields,
): Schema<{ [Name in keyof Fields]: ValueOf<Fields[Name]> }> =>
  new ContainerType(fields) as unknown as Schema<{ [Name in keyof Fields]: ValueOf<Fields[Name]> }>;

/** A list of containers or byte strings up to a limit. */
export const list = <Value>(element: Schema<Value>, limit: number): Schema<Value[]> =>
  new ListCompositeType(element as never, limit) as unknown as Schema<Value[]>;

/** A list of numbers up to a limit. */
export const numberList = (element: UintNumberType, limit: number) =>
  new ListBasicType(element, limit);

/** The plain value a schema describes. */
export type ValueOf<S> = S extends Type<infer V> ? V : never;

/** The tagged union of a table of schemas: `{ kind: "commit", view, … } | …`. */
export type MessageOf<Table extends Record<string, Type<unknown>>> = {
  [Kind in keyof Table & string]: { readonly kind: Kind } & Readonly<ValueOf<Table[Kind]>>;
}[keyof Table & string];

/**
 * The codec of a tagged union. A message is one byte, the position of its kind in the table, and
 * the SSZ of the rest: append to a table, never reorder it.
 */
export function union<Table extends Record<string, Type<unknown>>>(
  table: Table,
): Codec<MessageOf<Table>> & { readonly table: Table } {
  return Object.assign(new UnionCodec<MessageOf<Table>>(table), { table });
}

class UnionCodec<Message extends Tagged> implements Codec<Message> {
  readonly #selectors = new Map<string, number>();
  readonly #kinds: string[] = [];
  readonly #types: Type<unknown>[] = [];

  constructor(table: Record<string, Type<unknown>>) {
    for (const [kind, type] of Object.entries(table)) {
      this.#selectors.set(kind, this.#types.push(type) - 1);
      this.#kinds.push(kind);
    }
  }

  #selector(value: Message): number {
    const selector = this.#selectors.get(value.kind);
    if (selector === undefined)
      throw new InvariantError(`no schema for a message of kind ${value.kind}`);
    return selector;
  }

  size(value: Message): number {
    return 1 + this.#types[this.#selector(value)]!.value_serializedSize(value);
  }

  encode(value: Message): Uint8Array {
    const bytes = new Uint8Array(this.size(value));
    this.encodeInto(value, bytes, 0);
    return bytes;
  }

  encodeInto(value: Message, into: Uint8Array, offset: number): number {
    const selector = this.#selector(value);
    into[offset] = selector;
    const dataView = new DataView(into.buffer, into.byteOffset, into.byteLength);
    return this.#types[selector]!.value_serializeToBytes(
      { uint8Array: into, dataView },
      offset + 1,
      value,
    );
  }

  decode(bytes: Uint8Array): Message | null {
    const type = this.#types[bytes[0] ?? 255];
    if (type === undefined) return null;
    const value = decodeWith(type, bytes, 1);
    if (value === null) return null;
    return Object.assign(value as object, { kind: this.#kinds[bytes[0]!] }) as unknown as Message;
  }

  describe(value: Message): string {
    return describe(value);
  }
}

/** The canonical bytes of a value. */
export function encodeWith<V>(type: Type<V>, value: V): Uint8Array {
  const uint8Array = new Uint8Array(type.value_serializedSize(value));
  const dataView = new DataView(uint8Array.buffer);
  type.value_serializeToBytes({ uint8Array, dataView }, 0, value);
  return uint8Array;
}

/**
 * The value whose canonical encoding stands in `bytes` from `start` to the end; null if none.
 * Shares memory.
 */
export function decodeWith<V>(type: Type<V>, bytes: Uint8Array, start = 0): V | null {
  const dataView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return type.value_deserializeFromBytes(
      { uint8Array: bytes, dataView },
      start,
      bytes.length,
      true,
    );
  } catch {
    // SSZ throws on anything that is not canonical or over a limit: a sender's fault, not ours
    return null;
  }
}

/**
 * A short line: numbers in full, bytes as the first digits of their hexadecimal form, lists by
 * their length.
 */
export function describe(value: Tagged): string {
  const parts = Object.entries(value)
    .filter(([name]) => name !== "kind")
    .map(([name, field]) => `${name}=${describeField(field)}`);
  return `${value.kind}(${parts.join(" ")})`;
}

function describeField(field: unknown): string {
  if (field instanceof Uint8Array) {
    return field.length === 0
      ? "∅"
      : `${toHex(field.subarray(0, 4))}${field.length > 4 ? "…" : ""}`;
  }
  if (Array.isArray(field)) return `[${field.length}]`;
  if (typeof field === "object" && field !== null) return "{…}";
  return String(field);
}
