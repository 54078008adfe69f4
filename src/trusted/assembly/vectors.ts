// For tests only, never in the product's module: the same SHA-256 and HMAC, their memory open.
import { finish, hmac, initialState, prepareKey } from "./sha256";

const pads = memory.data(64);
const key = memory.data(32);

export function sha256(message: usize, length: u32, to: usize): void {
  finish(initialState, 0, message, message + length, to);
}
/** The key is 32 bytes; a shorter one ends in zeros. */
export function hmacSha256(keyAt: usize, message: usize, length: u32, to: usize): void {
  memory.copy(key, keyAt, 32);
  prepareKey(pads, key);
  hmac(pads, message, message + length, to);
}
/** The first address that the test may use. */
export function free(): usize {
  return __heap_base;
}
