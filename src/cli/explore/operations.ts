// Operations as a configuration writes them: "put a 1".

import { UsageError } from "../../core/index.js";
import { keyValue } from "../../services/index.js";
import { readAmount, readKey } from "../key-value/input.js";

const bytes = (text: string): Uint8Array => Buffer.from(text);

const usage =
  'write "get K", "put K V", "append K V", "delete K", "add K AMOUNT", "create K V" or ' +
  '"swap K OLD NEW"';

/** The bytes of an operation. @throws UsageError `OPERATION_UNFIT` */
export function readOperation(service: string, text: string): Uint8Array {
  if (service !== "kv") return bytes(text);
  const [kind, key, ...words] = text.split(" ");
  const [first = "", second = ""] = words;
  const is = (name: string, count: number) => kind === name && words.length === count;
  if (key !== undefined && is("get", 0)) return keyValue.get(readKey(key));
  if (key !== undefined && is("delete", 0)) return keyValue.delete(readKey(key));
  if (key !== undefined && is("put", 1)) return keyValue.put(readKey(key), bytes(first));
  if (key !== undefined && is("append", 1)) return keyValue.append(readKey(key), bytes(first));
  if (key !== undefined && is("add", 1)) return keyValue.add(readKey(key), readAmount(first));
  if (key !== undefined && is("create", 1)) {
    return keyValue.compareAndSwap(readKey(key), null, bytes(first));
  }
  if (key !== undefined && is("swap", 2)) {
    return keyValue.compareAndSwap(readKey(key), bytes(first), bytes(second));
  }
  throw new UsageError("OPERATION_UNFIT", `"${text}" is no operation of kv: ${usage}`);
}
