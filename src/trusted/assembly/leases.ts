// Leases among trusted instances (protocols.md §7.1 B2): an instance certifies only what others
// have recorded beforehand, and after a restart asks them. docs/decisions/0008-freshness.md has the
// rules and the bytes; ../../simulator/model-leases.ts has the same rules in TypeScript.
import {
  COUNTERS, counters, domain, groupKey, isAbove, isSame, isWhole, limits, MAX, place, POSITION,
  putWords,
} from "./instance";
import { copy, hmac } from "./sha256";

export const INSTANCES: u32 = 64;
const PROBE: u32 = 0, REPORT: u32 = 1, CLAIM: u32 = 2;
const ACCEPT: u32 = 3, ASK: u32 = 4, GRANT: u32 = 5;
const OFF: u32 = 0, PROBING: u32 = 1, CLAIMING: u32 = 2, ACTIVE: u32 = 3;

// A life of an instance: epoch, nonce. A row: the last known life, the limits recorded of each
// counter. A grant: by which life, up to where; none if that is the origin.
const BOOT: u32 = 24, ROW: u32 = 24 + 8 * 16, GRANTED: u32 = 24 + 16, MAC: u32 = 32;
const ENVELOPE: u32 = 1 + 2 + 24, ADDRESS: u32 = 2 + 24;
const STATEMENT: u32 = 27 + 26 + 64 * 152 + 32; // the longest: an accept among 64 instances

const boot = memory.data(24, 16); // this life
const table = memory.data(64 * 152, 16); // a row for each instance, this one included
const accepts = memory.data(64 * 24, 16); // the life that accepted ours, of each in `accepted`
const grants = memory.data(8 * 64 * 40, 16); // of each counter, by each instance
const wanted = memory.data(16, 16);
const heardMac = memory.data(32, 16);
const computed = memory.data(32, 16);
const heardInput = memory.data(14 + 9824 + 72, 16); // whole blocks, and room for a padding
const saidInput = memory.data(14 + 9824 + 72, 16);
const heard = domain(heardInput, "troth/lease/1"), said = domain(saidInput, "troth/lease/1");

let phase: u32 = OFF, own: u32 = 0, n: u32 = 0, f: u32 = 0;
let reported: u64 = 0, highest: u64 = 0, accepted: u64 = 0; // sets of instances; the highest epoch
let saidLength: u32 = 0;

/** Begins a life: active with the first-boot token, and knowing nothing without. */
export function begin(
  instance: u32, members: u32, faults: u32, isFirst: bool, nonce0: u64, nonce1: u64,
): void {
  own = instance;
  n = members;
  f = faults;
  phase = isFirst ? ACTIVE : PROBING;
  place(boot + 8, nonce0, nonce1);
  if (isFirst) copy(row(own), boot, BOOT);
}
/** Whether it may certify at all. */
export function isActive(): bool { return phase == ACTIVE; }
/** Whether it lived before and does not know yet where it stood. */
export function isReading(): bool { return phase == PROBING || phase == CLAIMING; }

/** The statement that makes it active, or raises a counter's limit; its length, 0 if none does. */
export function ask(counter: u32, view: f64, order: f64): u32 {
  if (phase == OFF) return 0;
  if (phase != ACTIVE) return seal(envelope(phase == PROBING ? PROBE : CLAIM));
  if (counter >= COUNTERS || !isWhole(view) || !isWhole(order)) return 0;
  place(wanted, <u64>view, <u64>order);
  // Before anybody grants it: who reads this instance learns all that it may certify.
  raise(limitOf(own, counter), wanted);
  if (!isAbove(wanted, limits + counter * POSITION)) return 0;
  return seal(leaseAt(envelope(ASK), counter, wanted));
}
/** 32 bytes of a statement to receive. */
export function hear(
  block: u32, w0: u32, w1: u32, w2: u32, w3: u32, w4: u32, w5: u32, w6: u32, w7: u32,
): void {
  if (block <= STATEMENT / 32) putWords(heard + block * 32, w0, w1, w2, w3, w4, w5, w6, w7);
}
/** A word of the statement made last. */
export function say(index: u32): u32 {
  return index < (saidLength + 3) >>> 2 ? load<u32>(said + (index << 2)) : 0;
}
/** Takes the statement heard, of that length; the answer's length, 0 if it needs none. */
export function receive(length: u32): u32 {
  if (phase == OFF || !isGenuine(length)) return 0;
  const kind = load<u8>(heard), from: u32 = load<u16>(heard, 1);
  if (kind == PROBE || kind == CLAIM || kind == ASK) {
    return phase == ACTIVE ? answer(kind, from) : 0;
  }
  // An answer to a question of this life: its nonce is fresh.
  const to = heard + ENVELOPE;
  if (load<u16>(to) != own || !isNonce(to + 2)) return 0;
  if (kind == REPORT) onReport(from, load<u64>(to + ADDRESS));
  else if (load<u64>(to, 2) != load<u64>(boot)) return 0;
  else if (kind == ACCEPT && phase == CLAIMING) onAccept(from, to + ADDRESS);
  else if (kind == GRANT && phase == ACTIVE) onGrant(from, to + ADDRESS);
  return 0;
}

// For others. Only who is active answers: another does not know what it had recorded.

function answer(kind: u32, from: u32): u32 {
  const known = row(from), asker = heard + 3;
  const order = compareBoots(asker, known);
  if (kind == PROBE || (kind == CLAIM && order < 0)) {
    const at = address(REPORT, from);
    copy(at, known, 8);
    return seal(at + 8);
  }
  if (order < 0) return 0; // superseded
  copy(known, asker, BOOT);
  if (kind == CLAIM) {
    const at = address(ACCEPT, from);
    copy(at, table, n * ROW);
    return seal(at + n * ROW);
  }
  const counter: u32 = load<u8>(heard + ENVELOPE), limit = heard + ENVELOPE + 1;
  if (counter >= COUNTERS) return 0;
  raise(limitOf(from, counter), limit);
  let at = leaseAt(address(GRANT, from), counter, limit);
  for (let i: u32 = 0; i < n; i++) {
    copy(at, row(i), BOOT);
    at += BOOT;
  }
  return seal(at);
}

// For itself

function onReport(from: u32, epoch: u64): void {
  if (phase == PROBING) {
    reported |= 1 << <u64>from;
    if (epoch > highest) highest = epoch;
    if (<u32>popcnt<u64>(reported) <= f) return;
    phase = CLAIMING;
    claim(highest);
  } else if (phase == CLAIMING && epoch >= load<u64>(boot)) claim(epoch);
}
/** This life comes after all of those epochs. */
function claim(epoch: u64): void {
  if (epoch >= MAX) return;
  store<u64>(boot, epoch + 1);
  accepted = 0;
}
/** Takes over what another has recorded, of all: this instance holds their leases again. */
function onAccept(from: u32, rows: usize): void {
  note(from, heard + 3);
  for (let i: u32 = 0; i < n; i++) {
    note(i, rows + i * ROW);
    for (let counter: u32 = 0; counter < COUNTERS; counter++) {
      raise(limitOf(i, counter), rows + i * ROW + BOOT + counter * POSITION);
    }
  }
  accepted |= 1 << <u64>from;
  copy(accepts + from * BOOT, heard + 3, BOOT);
  let count: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    if ((accepted >> i) & 1 && isLatest(i, accepts + i * BOOT)) count++;
  }
  if (count > f) activate();
}
function activate(): void {
  phase = ACTIVE;
  copy(row(own), boot, BOOT);
  copy(limits, limitOf(own, 0), COUNTERS * POSITION);
  copy(counters, limits, COUNTERS * POSITION); // all stood at the origin
}
function onGrant(from: u32, at: usize): void {
  const by = heard + 3, counter: u32 = load<u8>(at), boots = at + 1 + POSITION;
  if (counter >= COUNTERS) return;
  note(from, by);
  for (let i: u32 = 0; i < n; i++) note(i, boots + i * BOOT);
  const grant = grantOf(counter, from);
  const order = compareBoots(by, grant);
  if (order < 0) return;
  if (order > 0) place(grant + BOOT, 0, 0);
  copy(grant, by, BOOT);
  raise(grant + BOOT, at + 1);
  extend(counter);
}
/** A counter's limit becomes the highest that f others, in their last known lives, granted. */
function extend(counter: u32): void {
  for (let i: u32 = 0; i < n; i++) {
    const limit = grantOf(counter, i) + BOOT;
    let count: u32 = 0;
    for (let j: u32 = 0; j < n; j++) {
      const other = grantOf(counter, j);
      if (isLatest(j, other) && !isAbove(limit, other + BOOT)) count++;
    }
    if (count >= f) raise(limits + counter * POSITION, limit);
  }
}

// Lives, rows and grants

@inline function row(instance: u32): usize { return table + instance * ROW; }
@inline function limitOf(instance: u32, counter: u32): usize {
  return row(instance) + BOOT + counter * POSITION;
}
@inline function grantOf(counter: u32, instance: u32): usize {
  return grants + (counter * INSTANCES + instance) * GRANTED;
}
function raise(position: usize, to: usize): void {
  if (isAbove(to, position)) copy(position, to, POSITION);
}
/** By epoch, then by nonce, byte by byte. */
function compareBoots(one: usize, other: usize): i32 {
  for (let i: usize = 0; i < BOOT; i += 8) {
    const a = load<u64>(one + i), b = load<u64>(other + i);
    if (a != b) return (i == 0 ? a > b : bswap(a) > bswap(b)) ? 1 : -1;
  }
  return 0;
}
function isNonce(life: usize): bool {
  return load<u64>(life, 8) == load<u64>(boot, 8) && load<u64>(life, 16) == load<u64>(boot, 16);
}
function note(instance: u32, life: usize): void {
  if (compareBoots(life, row(instance)) > 0) copy(row(instance), life, BOOT);
}
/** An answer counts only while its maker is not known to have restarted since. */
function isLatest(instance: u32, life: usize): bool {
  return compareBoots(life, row(instance)) == 0;
}

// Bytes

/** The beginning of a statement: kind, who says it, in which life. */
function envelope(kind: u32): usize {
  store<u8>(said, kind);
  store<u16>(said, own, 1);
  copy(said + 3, boot, BOOT);
  return said + ENVELOPE;
}
/** … and to which life of which other it is said. */
function address(kind: u32, to: u32): usize {
  const at = envelope(kind);
  store<u16>(at, to);
  copy(at + 2, heard + 3, BOOT);
  return at + ADDRESS;
}
function leaseAt(at: usize, counter: u32, limit: usize): usize {
  store<u8>(at, counter);
  copy(at + 1, limit, POSITION);
  return at + 1 + POSITION;
}
/** Ends the statement with its MAC; its length. */
function seal(end: usize): u32 {
  hmac(groupKey, saidInput, end, end);
  return saidLength = <u32>(end - said) + MAC;
}
/** Whether another instance of the group made what was heard, of that length. */
function isGenuine(length: u32): bool {
  if (length < ENVELOPE + MAC || length > STATEMENT) return false;
  const from: u32 = load<u16>(heard, 1), end = heard + length - MAC;
  if (length != lengthOf(load<u8>(heard)) || from >= n || from == own) return false;
  copy(heardMac, end, MAC);
  hmac(groupKey, heardInput, end, computed);
  return isSame(computed, heardMac);
}
/** How long statements of a kind are. */
function lengthOf(kind: u32): u32 {
  switch (kind) {
    case PROBE: case CLAIM: return ENVELOPE + MAC;
    case ASK: return ENVELOPE + 1 + POSITION + MAC;
    case REPORT: return ENVELOPE + ADDRESS + 8 + MAC;
    case ACCEPT: return ENVELOPE + ADDRESS + n * ROW + MAC;
    case GRANT: return ENVELOPE + ADDRESS + 1 + POSITION + n * BOOT + MAC;
    default: return 0;
  }
}
