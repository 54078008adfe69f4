// TruDep (thesis §5.2, as docs/decisions/0009-trudep.md corrects it): one space of slots per
// replica. The instance computes a command's dependencies itself, and records the command in the
// call that certifies them; it tells what it recorded, and chooses by that in a new view.
// ../../simulator/model-dependencies.ts has the same rules in TypeScript.
import { domain, groupKey, isSame, isWhole, putWords } from "./instance";
import { copy, finish, hmac, initialState } from "./sha256";

export const SPACES: u32 = 31; // so that a field of dependencies has its length in one byte
const SLOTS: u32 = 4096, NAMES: u32 = 1024, BUCKETS: u32 = 16384;
const PROPOSE: u32 = 1, COMMIT: u32 = 2, DECIDE: u32 = 3, ACCEPT: u32 = 4, FINALIZE: u32 = 5;
const LEAVE: u32 = 6, RECORD: u32 = 7, NEW_VIEW: u32 = 8, CHECKPOINT: u32 = 9;
const READ: u32 = 0, ADD: u32 = 2, EVERYTHING: u32 = 3; // access; 1 is a write
// What is told of a slot, from the weakest to what counts before all.
const UNKNOWN: u32 = 0, COMMITTED: u32 = 1, SUPPORTED: u32 = 2, FINALIZED: u32 = 3,
  DECIDED: u32 = 4;

// A statement: where its fields begin, each after its length.
const KIND: u32 = 1, ISSUER: u32 = 3, SPACE: u32 = 6, VIEW: u32 = 9, SLOT: u32 = 18;
const SEQUENCE: u32 = 27, SINCE: u32 = 36, MARK: u32 = 45, DIGEST: u32 = 47, LISTED: u32 = 80;
const DEPENDENCIES: u32 = 113;
const MAC_BLOCK: u32 = 12; // of 32 bytes; the statement is in those before

@unmanaged class Space {
  view: u64; base: u64; // slots up to the base are below a stable checkpoint, and forgotten
  top: u64; barrier: u64; // the highest slot recorded; … of a command that touches everything
  next: u64; // the leader's next fresh slot; 0 where it may propose nothing yet
  boundary: u64; // slots up to here are older than the view, and fresh above
}
/** Of one slot. Its flags but `isDecided` are those of its view. */
@unmanaged class Entry {
  view: u64; sequence: u64;
  freed: u64; // the view in which it may be proposed once more
  partner: u32; // of our own proposal
  isCommitted: bool; isSupported: bool; isFinalized: bool; isDecided: bool;
  digest0: u64; digest1: u64; digest2: u64; digest3: u64; // and its dependencies behind
}
const ENTRY: u32 = offsetof<Entry>();

const spaces = memory.data(31 * 48, 16);
const names = memory.data(1024 * 8 + 72, 16);
const listed = memory.data(32, 16);
const heardMac = memory.data(32, 16);
export const saidMac = memory.data(32, 16);
const computed = memory.data(32, 16);
const heardInput = memory.data(15 + 12 * 32 + 72, 16); // and room for a padding
const saidInput = memory.data(15 + 12 * 32 + 72, 16);
const pool = memory.data(12 * 32, 16); // what was gathered, as one statement
const heard = domain(heardInput, "troth/trudep/1"), said = domain(saidInput, "troth/trudep/1");

let own: u32 = 0, n: u32 = 0, f: u32 = 0, window: u32 = 0, mayCertify = false;
let entries: usize = 0, cells: usize = 0;
let touched: u32 = 0, nameCount: u32 = 0, highest: u64 = 0;
let gathered: u32 = 0, supporters: u32 = 0; // a set of issuers; how many of them support

/** Once: with 2f+1 spaces, of so many slots each above its base. */
export function open(instance: u32, members: u32, faults: u32, slots: u32, isFirst: bool): bool {
  if (n || instance >= members || members != 2 * faults + 1 || members - 3 > SPACES - 3) {
    return false;
  }
  if (slots - 1 >= SLOTS) return false;
  const table = members * slots * (ENTRY + 8 * members), index = BUCKETS * members * 24;
  const grown = memory.grow((table + index + 0xffff) >>> 16);
  if (grown < 0) return false;
  entries = <usize>grown << 16;
  cells = entries + table;
  own = instance; n = members; f = faults; window = slots;
  mayCertify = isFirst;
  spaceOf(own).next = 1;
  return true;
}
/** Whether it ever will: it does in its first life. */
export function certifies(): bool { return mayCertify; }
/** 32 bytes of a statement, or its MAC. */
export function show(
  block: u32, w0: u32, w1: u32, w2: u32, w3: u32, w4: u32, w5: u32, w6: u32, w7: u32,
): void {
  if (block > MAC_BLOCK) return;
  const at = block < MAC_BLOCK ? heard + block * 32 : heardMac;
  putWords(at, w0, w1, w2, w3, w4, w5, w6, w7);
}
/** A word of the statement made last, or of its MAC. */
export function tell(index: u32): u32 {
  if (index >= 8 * MAC_BLOCK) return load<u32>(saidMac + ((index & 7) << 2));
  return index < (lengthOf() + 3) >>> 2 ? load<u32>(said + (index << 2)) : 0;
}
/** Where a space stands: view, base, next. */
export function standing(space: u32, what: u32): f64 {
  if (space >= n) return 0;
  const at = spaceOf(space);
  return <f64>(what == 0 ? at.view : what == 1 ? at.base : at.next);
}
/** Whether an instance of the group made the statement shown. */
export function isGenuine(): bool {
  if (!n) return false;
  hmac(groupKey, heardInput, heard + lengthOf(), computed);
  return isSame(computed, heardMac);
}
/** … and it is a decision, which is copied; where it ends, else 0. */
export function copyDecision(to: usize): usize {
  if (!mayCertify || load<u8>(heard, KIND) != DECIDE || !isGenuine()) return 0;
  memory.copy(to, heard, lengthOf());
  return to + lengthOf();
}

// The fast path and the slow path

/** Adds to what the next command touches: a name's hash, but for two bits that are the access. */
export function touch(low: u32, high: u32): void {
  if (touched > NAMES) return;
  if (touched < NAMES) store<u64>(names + (touched << 3), <u64>low | (<u64>high << 32));
  touched++;
}
/** At the leader, once per view and slot: the draft shown, with its dependencies. */
export function propose(): bool {
  const space: u32 = load<u16>(heard, SPACE), slot = load<u64>(heard, SLOT);
  const partner: u32 = load<u8>(heard, MARK);
  if (!takeNames() || !isLeader(space) || !isHeld(space, slot)) return false;
  const at = spaceOf(space), entry = entryOf(space, slot);
  const isFree = slot <= at.boundary && entry.freed == at.view && !isActive(entry, at.view);
  if (!at.next || (slot != at.next && !isFree)) return false;
  if (f == 1 ? partner - 1 >= n || partner - 1 == own : partner != 0) return false;
  begin(PROPOSE, space, at.view, slot);
  copy(said + DIGEST, heard + DIGEST, 32);
  copy(said + LISTED, listed, 32);
  store<u8>(said, partner, MARK);
  // All that a checkpoint covers comes before, whether or not this instance has heard of it.
  for (let i: u32 = 0; i < n; i++) raise(said + DEPENDENCIES + 8 * i, spaceOf(i).base);
  depend(said + DEPENDENCIES);
  store<u64>(said, ++highest, SEQUENCE);
  if (slot == at.next) at.next++;
  recordNames(space, slot);
  keep(entry, at.view, said);
  entry.isCommitted = true;
  entry.partner = partner - 1;
  return seal();
}
/** Once per view and slot: records the proposal shown, and adds what came before it here. */
export function ack(): bool {
  if (!takeNames() || !isCurrent(PROPOSE) || !isEqual(listed, heard + LISTED, 32)) return false;
  const space: u32 = load<u16>(heard, SPACE), slot = load<u64>(heard, SLOT);
  const view = load<u64>(heard, VIEW), entry = entryOf(space, slot);
  if (entry.view == view && entry.isCommitted) return false;
  begin(COMMIT, space, view, slot);
  copyValue(said, heard);
  depend(said + DEPENDENCIES);
  if (load<u64>(heard, SEQUENCE) > highest) highest = load<u64>(heard, SEQUENCE);
  recordNames(space, slot);
  keep(entry, view, said);
  entry.isCommitted = true;
  entry.isSupported = f == 1
    ? load<u8>(heard, MARK) == own + 1
    : isEqual(said + DEPENDENCIES, heard + DEPENDENCIES, 8 * n);
  return seal();
}
/** At the leader: the partner's commit (f = 1), or 2f-1 that name nothing more, decide. */
export function decide(): bool {
  const entry = undecided();
  if (!entry) return false;
  const isFast = f == 1
    ? gathered == 1 << entry.partner
    : <u32>popcnt(gathered) >= 2 * f - 1 &&
      isEqual(pool + DEPENDENCIES, dependenciesOf(entry), 8 * n);
  if (!isFast) return false;
  choose(DECIDE, entry);
  entry.isDecided = true;
  return seal();
}
/** At the leader, instead: commits of f others; the value is then to be finalized. */
export function accept(): bool {
  const entry = undecided();
  if (!entry || <u32>popcnt(gathered) < f) return false;
  choose(ACCEPT, entry);
  entry.isFinalized = true;
  return seal();
}
/** Once per view and slot: records the value of the ACCEPT shown. */
export function finalize(): bool {
  if (!isCurrent(ACCEPT)) return false;
  const space: u32 = load<u16>(heard, SPACE), slot = load<u64>(heard, SLOT);
  const view = load<u64>(heard, VIEW), entry = entryOf(space, slot);
  if (entry.view == view && entry.isFinalized) return false;
  begin(FINALIZE, space, view, slot);
  copyValue(said, heard);
  settle(entry, space, view, slot);
  return seal();
}

// New views

/** Leaves the views of a space before this one for good, and tells the highest slot recorded. */
export function leave(space: u32, view: f64): bool {
  if (!mayCertify || space >= n || !isWhole(view) || view < 1) return false;
  const at = spaceOf(space);
  if (<u64>view < at.view) return false;
  if (<u64>view > at.view) {
    at.view = <u64>view;
    at.next = at.boundary = 0;
  }
  begin(LEAVE, space, at.view, at.top);
  return seal();
}
/** Tells what was recorded for a slot in the views before the present one. */
export function record(space: u32, slot: f64): bool {
  if (!mayCertify || space >= n || !isWhole(slot) || !isHeld(space, <u64>slot)) return false;
  const view = spaceOf(space).view, entry = entryOf(space, <u64>slot);
  if (!view || isActive(entry, view)) return false;
  begin(RECORD, space, view, <u64>slot);
  const state = stateOf(entry);
  if (state != UNKNOWN) {
    store<u8>(said, <u8>state, MARK);
    store<u64>(said, entry.view, SINCE);
    store<u64>(said, entry.sequence, SEQUENCE);
    copy(said + DIGEST, digestOf(entry), 32);
    copy(said + DEPENDENCIES, dependenciesOf(entry), 8 * n);
  }
  return seal();
}
/** At the leader, once per view: f+1 have left for it. Slots above all of theirs are fresh. */
export function newView(): bool {
  const space: u32 = load<u16>(pool, SPACE);
  if (!isGathered(LEAVE) || !isLeader(space)) return false;
  const at = spaceOf(space);
  if (at.next || load<u64>(pool, VIEW) != at.view) return false;
  const top = load<u64>(pool, SLOT);
  at.boundary = top > at.base ? top : at.base;
  at.next = at.boundary + 1;
  begin(NEW_VIEW, space, at.view, at.boundary);
  return seal();
}
/** At the leader, once per view and slot, from f+1 records: 1 accepts a value, 2 frees the slot. */
export function recover(): u32 {
  const space: u32 = load<u16>(pool, SPACE), slot = load<u64>(pool, SLOT);
  if (!isGathered(RECORD) || !isLeader(space) || !isHeld(space, slot)) return 0;
  const at = spaceOf(space), entry = entryOf(space, slot);
  if (!at.next || slot > at.boundary || load<u64>(pool, VIEW) != at.view) return 0;
  if (entry.freed == at.view || isActive(entry, at.view)) return 0;
  if (!isFixed(space)) {
    entry.freed = at.view;
    return 2;
  }
  begin(ACCEPT, space, at.view, slot);
  copyValue(said, pool);
  settle(entry, space, at.view, slot);
  seal();
  return 1;
}
/** Whether the slot may have been decided, and then only as the pool has it. */
function isFixed(space: u32): bool {
  const state: u32 = load<u8>(pool, MARK);
  if (state >= FINALIZED) return true;
  // Its leader then is among those who tell, and did not decide; nor will it, for it has left.
  if (state == UNKNOWN || gathered & (1 << leaderOf(space, load<u64>(pool, SINCE)))) return false;
  return f == 1 ? state == SUPPORTED : supporters >= f;
}

// Checkpoints

/** Says what the host says: the digest of the state that the draft's frontier leads to. */
export function checkpoint(): bool {
  if (!mayCertify) return false;
  begin(CHECKPOINT, 0, 0, 0);
  copy(said + DIGEST, heard + DIGEST, 32);
  copy(said + DEPENDENCIES, heard + DEPENDENCIES, 8 * n);
  return seal();
}
/** f+1 have said it: forgets the slots up to the frontier. */
export function truncate(): bool {
  if (!isGathered(CHECKPOINT)) return false;
  gathered = 0;
  for (let space: u32 = 0; space < n; space++) {
    const at = spaceOf(space), frontier = load<u64>(pool + DEPENDENCIES + 8 * space);
    if (frontier <= at.base) continue;
    const end = at.base + window < frontier ? at.base + window : frontier;
    for (let slot = at.base + 1; slot <= end; slot++) {
      memory.fill(changetype<usize>(entryOf(space, slot)), 0, ENTRY + 8 * n);
    }
    at.base = frontier;
    if (at.top < frontier) at.top = frontier;
    if (at.next && at.next <= frontier) at.next = frontier + 1;
  }
  return true;
}

// Several statements of one kind, by different instances

/** Adds the statement shown to those gathered, which agree on what they are about. */
export function gather(isFirst: bool): bool {
  if (isFirst) gathered = 0;
  if (!mayCertify || !isGenuine()) return false;
  const bit: u32 = 1 << load<u16>(heard, ISSUER);
  if (gathered & bit || (gathered && !isAlike())) return false;
  const isNew = !gathered;
  gathered |= bit;
  if (load<u8>(heard, KIND) == RECORD) weigh(isNew);
  else if (isNew) copy(pool, heard, 12 * 32);
  else unite();
  return true;
}
/** Leaving may tell of different slots, and records of different values. */
function isAlike(): bool {
  const kind: u32 = load<u8>(heard, KIND);
  if (kind != load<u8>(pool, KIND) || load<u16>(heard, SPACE) != load<u16>(pool, SPACE) ||
    load<u64>(heard, VIEW) != load<u64>(pool, VIEW)) return false;
  if (kind != LEAVE && load<u64>(heard, SLOT) != load<u64>(pool, SLOT)) return false;
  if (kind != RECORD && !isEqual(heard + DIGEST, pool + DIGEST, 32)) return false;
  return kind != CHECKPOINT || isEqual(heard + DEPENDENCIES, pool + DEPENDENCIES, 8 * n);
}
function unite(): void {
  raise(pool + SLOT, load<u64>(heard, SLOT));
  for (let i: u32 = 0; i < n; i++) {
    raise(pool + DEPENDENCIES + 8 * i, load<u64>(heard + DEPENDENCIES + 8 * i));
  }
}
/** A decision counts before all, then the latest view, and in it the strongest. */
function weigh(isNew: bool): void {
  const state: u32 = load<u8>(heard, MARK), since = load<u64>(heard, SINCE);
  const best: u32 = load<u8>(pool, MARK), latest = load<u64>(pool, SINCE);
  if (isNew || since > latest) supporters = 0;
  if ((isNew || since >= latest) && state == SUPPORTED) supporters++;
  const isStronger = state == DECIDED || since > latest || (since == latest && state > best);
  if (isNew || (best != DECIDED && isStronger)) copy(pool, heard, 12 * 32);
}
function isGathered(kind: u32): bool {
  return load<u8>(pool, KIND) == kind && <u32>popcnt(gathered) > f;
}
/** Our own proposal that the gathered commits are for, if neither path was taken yet. */
function undecided(): Entry | null {
  if (!gathered || load<u8>(pool, KIND) != COMMIT) return null;
  const space: u32 = load<u16>(pool, SPACE), slot = load<u64>(pool, SLOT);
  const view = load<u64>(pool, VIEW);
  if (!isLeader(space) || spaceOf(space).view != view || !isHeld(space, slot)) return null;
  const entry = entryOf(space, slot);
  const isOpen = entry.view == view && entry.isCommitted && !entry.isFinalized;
  return isOpen && !entry.isDecided ? entry : null;
}
/** Says and keeps the union of the gathered commits, which all contain the proposal's. */
function choose(kind: u32, entry: Entry): void {
  begin(kind, load<u16>(pool, SPACE), entry.view, load<u64>(pool, SLOT));
  copyValue(said, pool);
  copy(dependenciesOf(entry), said + DEPENDENCIES, 8 * n);
  gathered = 0;
}

// Spaces, slots and names

@inline function spaceOf(space: u32): Space {
  return changetype<Space>(spaces + space * offsetof<Space>());
}
function entryOf(space: u32, slot: u64): Entry {
  const index = space * window + <u32>(slot % window);
  return changetype<Entry>(entries + index * (ENTRY + 8 * n));
}
@inline function digestOf(entry: Entry): usize {
  return changetype<usize>(entry) + offsetof<Entry>("digest0");
}
@inline function dependenciesOf(entry: Entry): usize { return changetype<usize>(entry) + ENTRY; }
function leaderOf(space: u32, view: u64): u32 { return <u32>((view + space) % n); }
function isLeader(space: u32): bool {
  return mayCertify && space < n && leaderOf(space, spaceOf(space).view) == own;
}
function isHeld(space: u32, slot: u64): bool {
  const base = spaceOf(space).base;
  return slot > base && slot - base <= window;
}
function isActive(entry: Entry, view: u64): bool {
  return entry.view == view && (entry.isCommitted || entry.isFinalized);
}
/** Whether the statement shown is a leader's, of the present view of its space. */
function isCurrent(kind: u32): bool {
  if (!mayCertify || load<u8>(heard, KIND) != kind || !isGenuine()) return false;
  const space: u32 = load<u16>(heard, SPACE);
  return load<u64>(heard, VIEW) == spaceOf(space).view && isHeld(space, load<u64>(heard, SLOT));
}
function stateOf(entry: Entry): u32 {
  if (entry.isDecided) return DECIDED;
  if (entry.isFinalized) return FINALIZED;
  return entry.isSupported ? SUPPORTED : entry.isCommitted ? COMMITTED : UNKNOWN;
}
/** Keeps the value of a statement for the view, unless a stronger one is kept already. */
function keep(entry: Entry, view: u64, statement: usize): void {
  if (entry.view != view) {
    entry.view = view;
    entry.isCommitted = entry.isSupported = entry.isFinalized = false;
  }
  if (entry.isFinalized || entry.isDecided) return;
  entry.sequence = load<u64>(statement, SEQUENCE);
  copy(digestOf(entry), statement + DIGEST, 32);
  copy(dependenciesOf(entry), statement + DEPENDENCIES, 8 * n);
}
function settle(entry: Entry, space: u32, view: u64, slot: u64): void {
  keep(entry, view, said);
  entry.isFinalized = true;
  if (spaceOf(space).top < slot) spaceOf(space).top = slot;
}
/** Takes the names touched, and hashes them as a statement lists them. */
function takeNames(): bool {
  nameCount = touched;
  touched = 0;
  if (!n || nameCount > NAMES) return false;
  finish(initialState, 0, names, names + (nameCount << 3), listed);
  return true;
}
/** Of a name's bucket and a space, the highest slot that reads, writes, adds. */
@inline function cellsOf(name: u64, space: u32): usize {
  return cells + ((<u32>(name >> 2) & (BUCKETS - 1)) * n + space) * 24;
}
/** Raises dependencies to all that was recorded and interferes with the names. */
function depend(dependencies: usize): void {
  for (let space: u32 = 0; space < n; space++) {
    const at = dependencies + 8 * space;
    raise(at, spaceOf(space).barrier);
    for (let i: u32 = 0; i < nameCount; i++) {
      const name = load<u64>(names + (i << 3)), access = <u32>name & 3;
      const cell = cellsOf(name, space);
      if (access == EVERYTHING) { raise(at, spaceOf(space).top); continue; }
      if (access != READ) raise(at, load<u64>(cell));
      raise(at, load<u64>(cell, 8));
      if (access != ADD) raise(at, load<u64>(cell, 16));
    }
  }
}
function recordNames(space: u32, slot: u64): void {
  const at = spaceOf(space);
  if (at.top < slot) at.top = slot;
  for (let i: u32 = 0; i < nameCount; i++) {
    const name = load<u64>(names + (i << 3)), access = <u32>name & 3;
    if (access != EVERYTHING) raise(cellsOf(name, space) + 8 * access, slot);
    else if (at.barrier < slot) at.barrier = slot;
  }
}
@inline function raise(at: usize, to: u64): void { if (load<u64>(at) < to) store<u64>(at, to); }
function isEqual(one: usize, other: usize, length: u32): bool {
  for (let i: usize = 0; i < length; i += 8) {
    if (load<u64>(one + i) != load<u64>(other + i)) return false;
  }
  return true;
}

// Statements

@inline function lengthOf(): u32 { return DEPENDENCIES + 8 * n; }
/** A statement of our own; the fields that are not given here are zero. */
function begin(kind: u32, space: u32, view: u64, slot: u64): void {
  memory.fill(said, 0, lengthOf());
  length(KIND, 1); length(ISSUER, 2); length(SPACE, 2); length(VIEW, 8); length(SLOT, 8);
  length(SEQUENCE, 8); length(SINCE, 8); length(MARK, 1); length(DIGEST, 32);
  length(LISTED, 32); length(DEPENDENCIES, 8 * n);
  store<u8>(said, <u8>kind, KIND); store<u16>(said, <u16>own, ISSUER);
  store<u16>(said, <u16>space, SPACE); store<u64>(said, view, VIEW);
  store<u64>(said, slot, SLOT);
}
@inline function length(field: u32, bytes: u32): void { store<u8>(said + field - 1, <u8>bytes); }
function copyValue(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from, SEQUENCE), SEQUENCE);
  copy(to + DIGEST, from + DIGEST, 32);
  copy(to + DEPENDENCIES, from + DEPENDENCIES, 8 * n);
}
function seal(): bool {
  hmac(groupKey, saidInput, said + lengthOf(), saidMac);
  return true;
}
