// A model of TruDep: the rules of core/trusted-dependencies.ts (decision 0009) with symbolic MACs,
// in the order of the module's own source. A rule that a test takes out is a method of its own.

import { type DependencyStatement, encodeDependencyStatement, namesOf } from "../codec/index.js";
import {
  assert,
  type CertificateOf,
  type CheckpointCertificate,
  type ClientId,
  type DependencyCertificate,
  type Digest,
  equalBytes,
  type Hash,
  type LeaveCertificate,
  type NewViewCertificate,
  type OrderedCommand,
  type Proposal,
  type ProposeCertificate,
  type RecordCertificate,
  type RecordState,
  recordStates,
  type ReplicaId,
  type SpaceStanding,
  type SpaceTerms,
  type Touches,
  type TrustedDependencies,
  type VoteCertificate,
} from "../core/index.js";

/** What one instance's spaces are opened with. */
export interface DependencyOptions extends SpaceTerms {
  /** The group's MAC over a statement's bytes. */
  readonly seal: (statement: Uint8Array) => Uint8Array;
  /** A client's MAC over a decision's bytes. */
  readonly sealFor: (client: ClientId, statement: Uint8Array) => Uint8Array;
  readonly hash: Hash;
}

/** How an instance keeps dependencies; tests replace it by one that breaks a rule. */
export type DependencyRules = new (options: DependencyOptions) => ModelDependencies;

type Commit = VoteCertificate<"commit">;
type Kind = DependencyCertificate["kind"];

interface Space {
  view: number;
  /** Slots up to here are below a stable checkpoint, and forgotten. */
  base: number;
  /** The highest slot recorded. */
  top: number;
  /** … of a command that touches everything. */
  barrier: number;
  /** The leader's next fresh slot; 0 where it may propose nothing yet. */
  next: number;
  /** Slots up to here are older than the view, and fresh above. */
  boundary: number;
}

/** Of one slot. Its flags but `isDecided` are those of its view. */
export interface SlotEntry {
  view: number;
  /** The view in which the slot may be proposed once more. */
  freed: number;
  /** Of this instance's own proposal. */
  partner: ReplicaId | null;
  isCommitted: boolean;
  isSupported: boolean;
  isFinalized: boolean;
  isDecided: boolean;
  value: OrderedCommand;
}

const buckets = 16_384;
const access = { read: 0, write: 1, add: 2, everything: 3 } as const;
const noDigest = new Uint8Array(32);
const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const union = (one: readonly number[], other: readonly number[]): number[] =>
  one.map((slot, i) => Math.max(slot, other[i]!));
const isSame = (one: readonly number[], other: readonly number[]): boolean =>
  one.every((slot, i) => slot === other[i]);

export class ModelDependencies implements TrustedDependencies {
  readonly instance: ReplicaId;
  readonly n: number;
  readonly f: number;
  readonly slots: number;
  readonly isActive: boolean;
  readonly #options: DependencyOptions;
  protected readonly spaces: Space[];
  private readonly entries: Map<number, SlotEntry>[];
  /** Of a name's bucket: of each space the highest slots that read, write and add. */
  private readonly cells = new Map<number, number[]>();
  private highest = 0;

  constructor(options: DependencyOptions) {
    const { instance, n, f, slots, isActive } = options;
    assert(f >= 1 && n === 2 * f + 1 && instance < n, `no instance ${instance} of ${n}, f = ${f}`);
    this.#options = options;
    this.instance = instance;
    this.n = n;
    this.f = f;
    this.slots = slots;
    this.isActive = isActive;
    const fresh = { view: 0, base: 0, top: 0, barrier: 0, next: 0, boundary: 0 };
    this.spaces = Array.from({ length: n }, () => ({ ...fresh }));
    this.entries = Array.from({ length: n }, () => new Map<number, SlotEntry>());
    this.spaces[instance]!.next = 1;
  }

  standing(space: ReplicaId): SpaceStanding {
    const { view, base, next } = this.spaces[space]!;
    return { view, base, next };
  }

  // The fast path and the slow path

  propose({ space, slot, digest, touches, partner }: Proposal): ProposeCertificate | null {
    const names = namesOf(touches);
    const draft = { kind: "propose", issuer: this.instance, space, view: 0, slot } as const;
    // All that a checkpoint covers comes before, whether or not this instance has heard of it.
    const dependencies = this.spaces.map(({ base }) => base);
    const listed = { names: this.#options.hash(names), partner };
    const value = { digest, dependencies, sequence: this.highest + 1 };
    if (this.#encoded({ ...draft, ...value, ...listed }) === null) return null;
    if (!this.#isLeader(space) || !this.isHeld(space, slot)) return null;
    const at = this.spaces[space]!;
    const entry = this.entryOf(space, slot);
    if (!this.mayPropose(at, entry, slot) || !this.isPartner(partner)) return null;
    value.dependencies = this.interfering(names, dependencies);
    this.highest++;
    if (slot === at.next) at.next++;
    this.recordNames(names, space, slot);
    this.#keep(entry, at.view, value);
    entry.isCommitted = true;
    entry.partner = partner;
    return this.#made<"propose">({ ...draft, view: at.view, ...value, ...listed });
  }

  ack(proposal: ProposeCertificate, touches: Touches): Commit | null {
    const names = namesOf(touches);
    if (proposal.kind !== "propose" || !this.isCurrent(proposal)) return null;
    if (!this.isListed(names, proposal)) return null;
    const { space, view, slot, digest, sequence, partner } = proposal;
    const entry = this.entryOf(space, slot);
    if (entry.view === view && entry.isCommitted) return null;
    const dependencies = this.interfering(names, proposal.dependencies);
    this.highest = Math.max(this.highest, sequence);
    this.recordNames(names, space, slot);
    const value = { digest, dependencies, sequence };
    this.#keep(entry, view, value);
    entry.isCommitted = true;
    const isEqual = isSame(dependencies, proposal.dependencies);
    entry.isSupported = this.f === 1 ? partner === this.instance : isEqual;
    return this.#made<"commit">({ kind: "commit", ...this.#in(space, view, slot), ...value });
  }

  decide(commits: readonly Commit[]): VoteCertificate<"decide"> | null {
    const found = this.undecided(commits, "decide");
    if (found === null) return null;
    const { entry, space, slot } = found;
    if (!this.isFast(entry, commits)) return null;
    this.#choose(entry, commits);
    entry.isDecided = true;
    const at = this.#in(space, entry.view, slot);
    return this.#made<"decide">({ kind: "decide", ...at, ...entry.value });
  }

  accept(commits: readonly Commit[]): VoteCertificate<"accept"> | null {
    const found = this.undecided(commits, "accept");
    if (found === null || !this.isEnough(commits)) return null;
    const { entry, space, slot } = found;
    this.#choose(entry, commits);
    entry.isFinalized = true;
    const at = this.#in(space, entry.view, slot);
    return this.#made<"accept">({ kind: "accept", ...at, ...entry.value });
  }

  finalize(accepted: VoteCertificate<"accept">): VoteCertificate<"finalize"> | null {
    if (accepted.kind !== "accept" || !this.isCurrent(accepted)) return null;
    const { space, view, slot, digest, dependencies, sequence } = accepted;
    const entry = this.entryOf(space, slot);
    if (entry.view === view && entry.isFinalized) return null;
    const value = { digest, dependencies, sequence };
    this.#settle(entry, space, view, slot, value);
    return this.#made<"finalize">({ kind: "finalize", ...this.#in(space, view, slot), ...value });
  }

  // New views

  leave(space: ReplicaId, view: number): LeaveCertificate | null {
    const at = this.spaces[space];
    if (!this.isActive || at === undefined || !isWhole(view) || view < 1) return null;
    if (view < at.view) return null;
    if (view > at.view) Object.assign(at, { view, next: 0, boundary: 0 });
    const { instance: issuer } = this;
    return this.#made<"leave">({ kind: "leave", issuer, space, view, top: at.top });
  }

  record(space: ReplicaId, slot: number): RecordCertificate | null {
    const at = this.spaces[space];
    if (!this.isActive || at === undefined || !isWhole(slot)) return null;
    if (!this.isHeld(space, slot) || at.view === 0) return null;
    const entry = this.entryOf(space, slot);
    if (this.#isOrdered(entry, at.view)) return null;
    const state = this.stateOf(entry);
    const told = state === "unknown" ? { ...this.#nothing(), since: 0 } : this.#told(entry);
    const inSlot = this.#in(space, at.view, slot);
    return this.#made<"record">({ kind: "record", ...inSlot, state, ...told });
  }

  newView(left: readonly LeaveCertificate[]): NewViewCertificate | null {
    if (!this.isGathered("leave", left) || !this.isQuorum(left)) return null;
    const { space, view } = left[0]!;
    const at = this.spaces[space]!;
    if (!this.#isLeader(space) || at.next !== 0 || view !== at.view) return null;
    at.boundary = Math.max(at.base, this.boundaryOf(left));
    at.next = at.boundary + 1;
    const { boundary } = at;
    const { instance: issuer } = this;
    return this.#made<"new-view">({ kind: "new-view", issuer, space, view, boundary });
  }

  recover(records: readonly RecordCertificate[]): VoteCertificate<"accept"> | "free" | null {
    if (!this.isGathered("record", records) || !this.isQuorum(records)) return null;
    const { space, view, slot } = records[0]!;
    const at = this.spaces[space]!;
    if (!this.#isLeader(space) || !this.isHeld(space, slot)) return null;
    if (at.next === 0 || slot > at.boundary || view !== at.view) return null;
    const entry = this.entryOf(space, slot);
    if (entry.freed === view || this.#isOrdered(entry, view)) return null;
    const best = this.weigh(records);
    if (!this.isFixed(records, best)) {
      entry.freed = view;
      return "free";
    }
    const { digest, dependencies, sequence } = best;
    const value = { digest, dependencies, sequence };
    this.#settle(entry, space, view, slot, value);
    return this.#made<"accept">({ kind: "accept", ...this.#in(space, view, slot), ...value });
  }

  // Checkpoints

  checkpoint(digest: Digest, frontier: readonly number[]): CheckpointCertificate | null {
    const statement = { kind: "checkpoint", issuer: this.instance, digest, frontier } as const;
    if (!this.isActive || this.#encoded(statement) === null) return null;
    return this.#made<"checkpoint">(statement);
  }

  truncate(checkpoints: readonly CheckpointCertificate[]): boolean {
    if (!this.isGathered("checkpoint", checkpoints) || !this.isQuorum(checkpoints)) return false;
    for (const [space, frontier] of checkpoints[0]!.frontier.entries()) {
      const at = this.spaces[space]!;
      if (frontier <= at.base) continue;
      for (const slot of this.entries[space]!.keys()) {
        if (slot <= frontier) this.entries[space]!.delete(slot);
      }
      at.base = frontier;
      at.top = Math.max(at.top, frontier);
      if (at.next !== 0) at.next = Math.max(at.next, frontier + 1);
    }
    return true;
  }

  verify(certificate: DependencyCertificate): boolean {
    const bytes = this.#encoded(certificate);
    return bytes !== null && equalBytes(this.#options.seal(bytes), certificate.mac);
  }

  vouch(decision: VoteCertificate<"decide">, client: ClientId): Uint8Array | null {
    if (!this.isActive || decision.kind !== "decide" || !this.verify(decision)) return null;
    if (client >>> 0 !== client) return null;
    return this.#options.sealFor(client, this.#encoded(decision)!);
  }

  // Rules

  protected mayPropose(at: Space, entry: SlotEntry, slot: number): boolean {
    if (at.next === 0) return false;
    const isFree = entry.freed === at.view && !this.#isOrdered(entry, at.view);
    return slot === at.next || (slot <= at.boundary && isFree);
  }

  protected isPartner(partner: ReplicaId | null): boolean {
    return this.f === 1 ? partner !== null && partner !== this.instance : partner === null;
  }

  /** A liar's host may not choose what its instance records: the proposal does. */
  protected isListed(names: Uint8Array, proposal: ProposeCertificate): boolean {
    return equalBytes(this.#options.hash(names), proposal.names);
  }

  /** Whether a leader said it in the view that this instance is in, of a slot that it keeps. */
  protected isCurrent(certificate: ProposeCertificate | VoteCertificate<"accept">): boolean {
    if (!this.isActive || !this.verify(certificate)) return false;
    const { space, view, slot } = certificate;
    return this.isPresent(space, view) && this.isHeld(space, slot);
  }

  protected isPresent(space: ReplicaId, view: number): boolean {
    return this.spaces[space]!.view === view;
  }

  /** f = 1: the partner's commit, whatever it adds; else 2f-1 that add nothing. Never both. */
  protected isFast(entry: SlotEntry, commits: readonly Commit[]): boolean {
    if (this.f === 1) return commits.length === 1 && commits[0]!.issuer === entry.partner;
    if (commits.length < 2 * this.f - 1) return false;
    return commits.every((commit) => isSame(commit.dependencies, entry.value.dependencies));
  }

  /** The slow path takes f+1, the leader's own included. */
  protected isEnough(commits: readonly Commit[]): boolean {
    return commits.length >= this.f;
  }

  /** Whether neither path was taken yet. */
  protected mayChoose({ isFinalized, isDecided }: SlotEntry, _path: "decide" | "accept"): boolean {
    return !isFinalized && !isDecided;
  }

  protected stateOf(entry: SlotEntry): RecordState {
    if (entry.isDecided) return "decided";
    if (entry.isFinalized) return "finalized";
    if (entry.isSupported) return "supported";
    return entry.isCommitted ? "committed" : "unknown";
  }

  /** f+1: one of any other f+1 is among them. */
  protected isQuorum(certificates: readonly DependencyCertificate[]): boolean {
    return certificates.length > this.f;
  }

  protected boundaryOf(left: readonly LeaveCertificate[]): number {
    return Math.max(...left.map(({ top }) => top));
  }

  /** What counts most: a decision before all, then the latest view, and in it the strongest. */
  protected weigh(records: readonly RecordCertificate[]): RecordCertificate {
    const strength = ({ state }: RecordCertificate) => recordStates.indexOf(state);
    const isStronger = (one: RecordCertificate, other: RecordCertificate): boolean => {
      if (other.state === "decided") return false;
      if (one.state === "decided" || one.since > other.since) return true;
      return one.since === other.since && strength(one) > strength(other);
    };
    return records.reduce((best, one) => (isStronger(one, best) ? one : best));
  }

  /** Whether the slot may have been decided, and then only as the best record has it. */
  protected isFixed(records: readonly RecordCertificate[], best: RecordCertificate): boolean {
    const { space, state, since } = best;
    if (state === "decided" || state === "finalized") return true;
    // Its leader then is among those who tell, and did not decide; nor will it, for it has left.
    const leader = this.leaderOf(space, since);
    if (state === "unknown" || records.some(({ issuer }) => issuer === leader)) return false;
    return this.isSupportedBy(records, best);
  }

  protected isSupportedBy(
    records: readonly RecordCertificate[],
    { state, since }: RecordCertificate,
  ): boolean {
    if (this.f === 1) return state === "supported";
    const supporters = records.filter((one) => one.since === since && one.state === "supported");
    return supporters.length >= this.f;
  }

  protected recordNames(names: Uint8Array, space: ReplicaId, slot: number): void {
    const at = this.spaces[space]!;
    at.top = Math.max(at.top, slot);
    for (const { kind, bucket } of listedIn(names)) {
      if (kind === access.everything) {
        at.barrier = Math.max(at.barrier, slot);
        continue;
      }
      const cells = this.cells.get(bucket) ?? new Array<number>(3 * this.n).fill(0);
      cells[3 * space + kind] = Math.max(cells[3 * space + kind]!, slot);
      this.cells.set(bucket, cells);
    }
  }

  // Helpers

  /** The dependencies, raised to all that was recorded and interferes with the names. */
  protected interfering(names: Uint8Array, dependencies: readonly number[]): number[] {
    const result = union(
      dependencies,
      this.spaces.map(({ barrier }) => barrier),
    );
    for (const { kind, bucket } of listedIn(names)) {
      for (const [space, { top }] of this.spaces.entries()) {
        const cells = this.cells.get(bucket)?.slice(3 * space, 3 * space + 3) ?? [0, 0, 0];
        if (kind === access.read) cells[access.read] = 0;
        if (kind === access.add) cells[access.add] = 0;
        const highest = kind === access.everything ? top : Math.max(...cells);
        result[space] = Math.max(result[space]!, highest);
      }
    }
    return result;
  }

  protected leaderOf(space: ReplicaId, view: number): ReplicaId {
    return (space + view) % this.n;
  }

  protected isHeld(space: ReplicaId, slot: number): boolean {
    const { base } = this.spaces[space]!;
    return slot > base && slot - base <= this.slots;
  }

  protected entryOf(space: ReplicaId, slot: number): SlotEntry {
    let entry = this.entries[space]!.get(slot);
    if (entry === undefined) {
      const flags = { isCommitted: false, isSupported: false, isFinalized: false };
      const value = this.#nothing();
      entry = { view: 0, freed: 0, partner: null, ...flags, isDecided: false, value };
      this.entries[space]!.set(slot, entry);
    }
    return entry;
  }

  /** Whether they are genuine, of one kind, about one thing, and by different instances. */
  protected isGathered(kind: Kind, certificates: readonly DependencyCertificate[]): boolean {
    const [first] = certificates;
    if (!this.isActive || first === undefined) return false;
    if (new Set(certificates.map(({ issuer }) => issuer)).size !== certificates.length)
      return false;
    return certificates.every(
      (one) => one.kind === kind && this.verify(one) && isAlike(one, first),
    );
  }

  /** Its own proposal that the commits are for, if neither path was taken yet. */
  protected undecided(
    commits: readonly Commit[],
    path: "decide" | "accept",
  ): { readonly entry: SlotEntry; readonly space: ReplicaId; readonly slot: number } | null {
    if (!this.isGathered("commit", commits)) return null;
    const { space, view, slot } = commits[0]!;
    if (!this.isPresent(space, view) || this.leaderOf(space, view) !== this.instance) return null;
    if (!this.isHeld(space, slot)) return null;
    const entry = this.entryOf(space, slot);
    if (entry.view !== view || !entry.isCommitted || !this.mayChoose(entry, path)) return null;
    return { entry, space, slot };
  }

  /** Keeps the union of the commits, which all contain the proposal's. */
  #choose(entry: SlotEntry, commits: readonly Commit[]): void {
    const dependencies = commits
      .map((commit) => commit.dependencies)
      .reduce(union, entry.value.dependencies);
    entry.value = { ...entry.value, dependencies };
  }

  #isLeader(space: ReplicaId): boolean {
    return this.isActive && this.leaderOf(space, this.spaces[space]!.view) === this.instance;
  }

  #isOrdered(entry: SlotEntry, view: number): boolean {
    return entry.view === view && (entry.isCommitted || entry.isFinalized);
  }

  /** Keeps the value for the view, unless a stronger one is kept already. */
  #keep(entry: SlotEntry, view: number, value: OrderedCommand): void {
    if (entry.view !== view) {
      Object.assign(entry, { view, isCommitted: false, isSupported: false, isFinalized: false });
    }
    if (!entry.isFinalized && !entry.isDecided) entry.value = value;
  }

  #settle(
    entry: SlotEntry,
    space: ReplicaId,
    view: number,
    slot: number,
    value: OrderedCommand,
  ): void {
    this.#keep(entry, view, value);
    entry.isFinalized = true;
    this.spaces[space]!.top = Math.max(this.spaces[space]!.top, slot);
  }

  #told({ value, view: since }: SlotEntry) {
    return { ...value, since };
  }

  #nothing(): OrderedCommand {
    return { digest: noDigest, dependencies: new Array<number>(this.n).fill(0), sequence: 0 };
  }

  #in(space: ReplicaId, view: number, slot: number) {
    return { issuer: this.instance, space, view, slot };
  }

  #encoded(statement: DependencyStatement): Uint8Array | null {
    return encodeDependencyStatement(statement, this.n);
  }

  #made<K extends Kind>(statement: Omit<CertificateOf<K>, "mac">): CertificateOf<K> {
    const bytes = this.#encoded(statement as DependencyStatement);
    assert(bytes !== null, "an instance says what is well-formed");
    return { ...statement, mac: this.#options.seal(bytes) } as CertificateOf<K>;
  }
}

/** Leaving may tell of different slots, and records of different values. */
function isAlike(one: DependencyCertificate, other: DependencyCertificate): boolean {
  if (one.kind === "checkpoint" || other.kind === "checkpoint") {
    if (one.kind !== "checkpoint" || other.kind !== "checkpoint") return false;
    return equalBytes(one.digest, other.digest) && isSame(one.frontier, other.frontier);
  }
  if (one.space !== other.space || one.view !== other.view) return false;
  if (one.kind === "commit" && other.kind === "commit") {
    return one.slot === other.slot && equalBytes(one.digest, other.digest);
  }
  return one.kind !== "record" || (other.kind === "record" && one.slot === other.slot);
}

/** The names of a list, each with its access and the bucket that it falls into. */
function listedIn(names: Uint8Array): { readonly kind: number; readonly bucket: number }[] {
  return Array.from({ length: names.length / 8 }, (_, i) => {
    const low = names[8 * i]! | (names[8 * i + 1]! << 8) | (names[8 * i + 2]! << 16);
    return { kind: low & 3, bucket: (low >>> 2) & (buckets - 1) };
  });
}
