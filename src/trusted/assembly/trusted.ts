// The trusted module: TrInX (hybster.txt §5.1), and the way in to TruDep (dependencies.ts), a face
// that stays shut unless it is opened. ../README.md gives every byte and every rule. It imports
// random words for a boot id, and exports functions over numbers: no memory, no table, no global.
import { copyDecision, open, saidMac } from "./dependencies";
import {
  bytesField, COUNTERS, counters, domain, field, groupKey, isAbove, isSame, isWhole, limits, MAX,
  place, placeAll, POSITION, putWords,
} from "./instance";
import { begin, INSTANCES, isReading } from "./leases";
import { copy, hmac, prepareKey } from "./sha256";

export {
  accept, ack, certifies, checkpoint, decide, finalize, gather, isGenuine, leave, newView, propose,
  record, recover, show, standing, tell, touch, truncate,
} from "./dependencies";
export { ask, hear, isActive, receive, say } from "./leases";

@external("host", "entropy") declare function entropy(): u32;

const CLIENTS: u32 = 512; // prepared client keys that are remembered
const STORAGE: u32 = 0, LEASES: u32 = 2; // freshness; fail-stop is 1
const INDEPENDENT: u32 = 1, CONTINUING: u32 = 2, TRUSTED_MAC: u32 = 3;
const MULTI_INDEPENDENT: u32 = 4, MULTI_CONTINUING: u32 = 5;

// A part: next, previous, counter. A client: number + 1, prepared key.
const PART: u32 = 40, CLIENT: u32 = 72;
const digest = memory.data(96, 16); // what `put` fills: the digest, the MAC to verify, the secret
const mac = digest + 32, secret = digest + 64;
const computed = memory.data(32, 16);
const issuedMac = memory.data(32, 16);
const parts = memory.data(8 * 40, 16);
const clients = memory.data(512 * 72, 16);
const attestationInput = memory.data(448, 16);
const clientInput = memory.data(128, 16);
const clientKeyInput = memory.data(128, 16);
const firstBootInput = memory.data(128, 16);
const groupInput = memory.data(128, 16);
const attestationFields = domain(attestationInput, "troth/trinx/1");
const decisionInput = memory.data(512, 16);
const decisionFields = domain(decisionInput, "troth/decide/1");
const clientFields = domain(clientInput, "troth/client/1");
const clientKeyFields = domain(clientKeyInput, "troth/client-key/1");
const firstBootFields = domain(firstBootInput, "troth/first-boot/1");
const groupFields = domain(groupInput, "troth/group/1");

let isSetUp = false, hasIssued = false, instance: u32 = 0, freshness: u32 = 0;
let members: u32 = 0, faults: u32 = 0, isFirst = false;

@inline function counterOf(part: usize): usize { return counters + load<u32>(part, 32) * POSITION; }
@inline function limitOf(part: usize): usize { return limits + load<u32>(part, 32) * POSITION; }
@inline function isMac(): bool { return isSame(computed, mac); }
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
  putWords(digest + (slot % 3) * 32, w0, w1, w2, w3, w4, w5, w6, w7);
}
/**
 * Once: takes the secret, and as the MAC the first-boot token. Without it counters are retired or,
 * with leases, wait until others tell what they recorded.
 */
export function setup(id: u32, kind: u32, n: u32, f: u32): bool {
  const nonce0 = entropy64(), nonce1 = entropy64(); // first of all, for it calls the host
  const isGroup = kind < LEASES || (kind == LEASES && id < n && n <= INSTANCES && f - 1 < n - 1);
  if (isSetUp || !isGroup) return false;
  isSetUp = true;
  instance = id;
  freshness = kind;
  members = n;
  faults = f;
  takeSecret(n, f);
  hmac(groupKey, firstBootInput, field<u32>(firstBootFields, id), computed);
  isFirst = isMac();
  placeAll(counters, isFirst || kind == LEASES ? 0 : MAX);
  placeAll(limits, kind == LEASES ? 0 : MAX);
  if (kind == LEASES) begin(id, n, f, isFirst, nonce0, nonce1);
  return true;
}
/** The key of a group whose freshness is not the common one is its own: nobody else believes it. */
function takeSecret(n: u32, f: u32): void {
  prepareKey(groupKey, secret);
  memory.fill(secret, 0, 32);
  if (freshness == STORAGE) return;
  const terms = field<u16>(field<u16>(field<u8>(groupFields, <u8>freshness), <u16>n), <u16>f);
  hmac(groupKey, groupInput, terms, computed);
  prepareKey(groupKey, computed);
  memory.fill(computed, 0, 32);
}
function entropy64(): u64 { return <u64>entropy() | (<u64>entropy() << 32); }
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
    else if (seen & bit || !isAbove(part, counterOf(part)) || isAbove(part, limitOf(part))) {
      return false;
    }
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
  if (issuer != instance || kind == TRUSTED_MAC || isReading()) return true;
  for (let part = parts; part < parts + count * PART; part += PART) {
    if (isAbove(part, counterOf(part))) place(counterOf(part), MAX, MAX);
  }
  return true;
}
/** Before the first certificate: raises the counter of part 0 to a genuine one of our own. */
export function resume(kind: u32): bool {
  if (!isSetUp || freshness != STORAGE || hasIssued) return false;
  if (kind != INDEPENDENT && kind != CONTINUING) return false;
  certify(kind, instance, 1);
  if (!isMac()) return false;
  if (isAbove(parts, counterOf(parts))) copy(counterOf(parts), parts, POSITION);
  return true;
}
/**
 * Opens the spaces of TruDep, once. Not with storage: there a first boot may be shown again, and a
 * restarted instance would have forgotten what it committed to.
 */
export function openSpaces(slots: u32): bool {
  if (!isSetUp || freshness == STORAGE) return false;
  return open(instance, members, faults, slots, isFirst);
}
/** Makes, as the MAC to `tell`, the client's over the decision shown. */
export function vouch(client: u32): bool {
  const end = copyDecision(field<u32>(decisionFields, client));
  if (end) hmac(keyOf(client), decisionInput, end, saidMac);
  return end != 0;
}
/** Whether the client made the MAC over the digest. */
export function verifyClient(client: u32): bool {
  if (!isSetUp) return false;
  const end = bytesField(field<u32>(clientFields, client), digest, 32);
  hmac(keyOf(client), clientInput, end, computed);
  return isMac();
}
/** The prepared key of a client; it is derived here and kept. */
@inline function keyOf(client: u32): usize {
  const known = clients + (client % CLIENTS) * CLIENT;
  if (load<u64>(known) != <u64>client + 1) {
    store<u64>(known, 0);
    hmac(groupKey, clientKeyInput, field<u32>(clientKeyFields, client), computed);
    prepareKey(known + 8, computed);
    store<u64>(known, <u64>client + 1);
  }
  return known + 8;
}
/** Where the counters stand: of each the view, then the order. */
export function current(index: u32): f64 {
  return <f64>load<u64>(counters + (index % (2 * COUNTERS)) * 8);
}
/** How far the counters may go, as `current`. */
export function limit(index: u32): f64 {
  return <f64>load<u64>(limits + (index % (2 * COUNTERS)) * 8);
}
