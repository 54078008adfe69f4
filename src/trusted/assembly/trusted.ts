// The trusted module: TrInX (hybster.txt §5.1). ../README.md gives every byte and every rule.
// It imports nothing and exports only functions over numbers: no memory, no table, no global.
import { copy, hmac, prepareKey } from "./sha256";

const COUNTERS: u32 = 8;
const CLIENTS: u32 = 512; // prepared client keys that are remembered
const MAX: u64 = 0x1fffffffffffff; // 2^53 - 1, a retired counter's view and order
const INDEPENDENT: u32 = 1, CONTINUING: u32 = 2, TRUSTED_MAC: u32 = 3;
const MULTI_INDEPENDENT: u32 = 4, MULTI_CONTINUING: u32 = 5;

// A position: view, order. A part: next, previous, counter. A client: number + 1, prepared key.
const POSITION: u32 = 16, PART: u32 = 40, CLIENT: u32 = 72;
const groupKey = memory.data(64, 16); // prepared
const digest = memory.data(96, 16); // what `put` fills: the digest, the MAC to verify, the secret
const mac = digest + 32, secret = digest + 64;
const computed = memory.data(32, 16);
const issuedMac = memory.data(32, 16);
const counters = memory.data(8 * 16, 16);
const parts = memory.data(8 * 40, 16);
const clients = memory.data(512 * 72, 16);
const attestationInput = memory.data(448, 16);
const clientInput = memory.data(128, 16);
const clientKeyInput = memory.data(128, 16);
const firstBootInput = memory.data(128, 16);
const attestationFields = domain(attestationInput, "troth/trinx/1");
const clientFields = domain(clientInput, "troth/client/1");
const clientKeyFields = domain(clientKeyInput, "troth/client-key/1");
const firstBootFields = domain(firstBootInput, "troth/first-boot/1");

let isSetUp = false, hasIssued = false, instance: u32 = 0;

function domain(at: usize, name: string): usize {
  store<u8>(at++, name.length);
  for (let i = 0; i < name.length; i++) store<u8>(at++, name.charCodeAt(i));
  return at;
}
/** A number as a field, its length before it, little-endian; returns where the field ends. */
@inline function field<T>(at: usize, value: T): usize {
  store<u8>(at, sizeof<T>());
  store<T>(at, value, 1);
  return at + 1 + sizeof<T>();
}
/** Bytes as a field: a multiple of eight, or none. */
@inline function bytesField(at: usize, from: usize, length: u32): usize {
  store<u8>(at, length);
  copy(at + 1, from, length);
  return at + 1 + length;
}
/** Constant time: where the difference is decides nothing. */
function isMac(): bool {
  let difference: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) difference |= load<u64>(computed + i) ^ load<u64>(mac + i);
  return difference == 0;
}
@inline function isWhole(value: f64): bool {
  return value >= 0 && value <= <f64>MAX && floor<f64>(value) == value;
}
@inline function isAbove(one: usize, other: usize): bool {
  const a = load<u64>(one), b = load<u64>(other);
  return a > b || (a == b && load<u64>(one, 8) > load<u64>(other, 8));
}
function place(position: usize, view: u64, order: u64): void {
  store<u64>(position, view);
  store<u64>(position, order, 8);
}
function placeAll(value: u64): void {
  for (let i: u32 = 0; i < COUNTERS; i++) place(counters + i * POSITION, value, value);
}
@inline function counterOf(part: usize): usize { return counters + load<u32>(part, 32) * POSITION; }
@inline function isShape(kind: u32, count: u32): bool {
  const limit: u32 = kind < MULTI_INDEPENDENT ? 1 : COUNTERS;
  return isSetUp && kind - 1 < MULTI_CONTINUING && count - 1 < limit;
}
/** Computes the MAC over the first `count` parts and the digest, as `issuer` would issue it. */
function certify(kind: u32, issuer: u32, count: u32): void {
  const discloses = kind != INDEPENDENT && kind != MULTI_INDEPENDENT;
  let at = field<u32>(field<u8>(attestationFields, <u8>kind), issuer);
  if (kind >= MULTI_INDEPENDENT) at = field<u8>(at, <u8>count);
  for (let part = parts; part < parts + count * PART; part += PART) {
    at = field<u8>(at, load<u8>(part, 32));
    at = field<u64>(field<u64>(at, load<u64>(part)), load<u64>(part, 8));
    at = bytesField(at, part + 16, discloses ? POSITION : 0);
  }
  hmac(groupKey, attestationInput, bytesField(at, digest, 32), computed);
}

/** Fills the 32 bytes of slot 0, the digest; 1, the MAC to verify; 2, the secret, at setup only. */
export function put(
  slot: u32, w0: u32, w1: u32, w2: u32, w3: u32, w4: u32, w5: u32, w6: u32, w7: u32,
): void {
  const at = digest + (slot % 3) * 32;
  store<u32>(at, w0); store<u32>(at, w1, 4); store<u32>(at, w2, 8); store<u32>(at, w3, 12);
  store<u32>(at, w4, 16); store<u32>(at, w5, 20); store<u32>(at, w6, 24); store<u32>(at, w7, 28);
}
/** Once: takes the secret, and as the MAC the first-boot token; without it counters are retired. */
export function setup(id: u32): bool {
  if (isSetUp) return false;
  isSetUp = true;
  instance = id;
  placeAll(MAX);
  prepareKey(groupKey, secret);
  memory.fill(secret, 0, 32);
  hmac(groupKey, firstBootInput, field<u32>(firstBootFields, id), computed);
  if (isMac()) placeAll(0);
  return true;
}
/** One counter of a certificate. False unless positions are whole numbers below 2^53. */
export function part(
  index: u32, counter: u32, view: f64, order: f64, previousView: f64, previousOrder: f64,
): bool {
  if (index >= COUNTERS || counter >= COUNTERS || !isWhole(view) || !isWhole(order)) return false;
  if (!isWhole(previousView) || !isWhole(previousOrder)) return false;
  const at = parts + index * PART;
  place(at, <u64>view, <u64>order);
  place(at + 16, <u64>previousView, <u64>previousOrder);
  store<u32>(at, counter, 32);
  return true;
}
/** Certifies the first `count` parts. Counters move first: a trap skips a value, never repeats. */
export function issue(kind: u32, count: u32): bool {
  if (!isShape(kind, count)) return false;
  const end = parts + count * PART;
  let seen: u32 = 0;
  for (let part = parts; part < end; part += PART) {
    const bit: u32 = 1 << load<u32>(part, 32);
    copy(part + 16, counterOf(part), POSITION);
    if (kind == TRUSTED_MAC) copy(part, counterOf(part), POSITION);
    else if (seen & bit || !isAbove(part, counterOf(part))) return false;
    seen |= bit;
  }
  hasIssued = true;
  for (let part = parts; part < end; part += PART) copy(counterOf(part), part, POSITION);
  certify(kind, instance, count);
  copy(issuedMac, computed, 32);
  return true;
}
/** A word of the MAC issued last. */
export function issued(index: u32): u32 {
  return load<u32>(issuedMac + ((index & 7) << 2));
}
/** Whether `issuer` certified the first `count` parts. One of ours from our future retires us. */
export function verify(kind: u32, issuer: u32, count: u32): bool {
  if (!isShape(kind, count)) return false;
  certify(kind, issuer, count);
  if (!isMac()) return false;
  if (issuer != instance || kind == TRUSTED_MAC) return true;
  for (let part = parts; part < parts + count * PART; part += PART) {
    if (isAbove(part, counterOf(part))) place(counterOf(part), MAX, MAX);
  }
  return true;
}
/** Before the first certificate: raises the counter of part 0 to a genuine one of our own. */
export function resume(kind: u32): bool {
  if (!isSetUp || hasIssued || (kind != INDEPENDENT && kind != CONTINUING)) return false;
  certify(kind, instance, 1);
  if (!isMac()) return false;
  if (isAbove(parts, counterOf(parts))) copy(counterOf(parts), parts, POSITION);
  return true;
}
/** Whether the client made the MAC over the digest. Its key is derived here and kept, prepared. */
export function verifyClient(client: u32): bool {
  if (!isSetUp) return false;
  const known = clients + (client % CLIENTS) * CLIENT;
  if (load<u64>(known) != <u64>client + 1) {
    store<u64>(known, 0);
    hmac(groupKey, clientKeyInput, field<u32>(clientKeyFields, client), computed);
    prepareKey(known + 8, computed);
    store<u64>(known, <u64>client + 1);
  }
  const end = bytesField(field<u32>(clientFields, client), digest, 32);
  hmac(known + 8, clientInput, end, computed);
  return isMac();
}
/** Where the counters stand: of each the view, then the order. */
export function current(index: u32): f64 {
  return <f64>load<u64>(counters + (index % (2 * COUNTERS)) * 8);
}
