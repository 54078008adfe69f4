// What the operations of a measurement are.

import { keyValue } from "../../services/index.js";
import type { BenchSettings } from "./settings.js";

/** A source of bundles for the settings: `null` gets zero bytes, `kv` puts to random keys. */
export function bundleSource(settings: BenchSettings): () => readonly Uint8Array[] {
  const payload = new Uint8Array(settings.payload).fill(0x61);
  if (settings.service === "null") {
    const bundle = new Array<Uint8Array>(settings.bundle).fill(payload);
    return () => bundle;
  }
  return () => Array.from({ length: settings.bundle }, () => randomPut(settings.keys, payload));
}

/** Keys are 16 bytes long. */
function randomPut(keys: number, value: Uint8Array): Uint8Array {
  const number = Math.floor(Math.random() * keys);
  return keyValue.put(Buffer.from(`key-${String(number).padStart(12, "0")}`), value);
}
