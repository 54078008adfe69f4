// The port to the trusted subsystem's other face, TruDep (thesis §5.2, as decision 0009 corrects
// it): a space of slots per replica, whose dependencies the trusted instances compute and record.

import type { ClientId, Digest, ReplicaId } from "./ids.js";
import type { Access } from "./service.js";

/** A name that a command touches: 8 bytes or more of its hash, of which the first 62 bits count. */
export interface Touch {
  readonly name: Uint8Array;
  readonly access: Access;
}

/**
 * What a command touches, in an order that depends on the command only. `everything` interferes
 * with every command: a barrier, or a command of more than {@link touchesMax} names.
 */
export type Touches = readonly Touch[] | "everything";

export const touchesMax = 1024;
/** Spaces of a group, 2f+1 of them, are at most so many; slots above a base too. */
export const spacesMax = 31;
export const slotsMax = 4096;

/** What a slot is decided on. */
export interface OrderedCommand {
  /** Of the command; which digest stands for a no-op is the protocol's affair. */
  readonly digest: Digest;
  /** Of each space the highest slot that the command depends on, and all that interfere below. */
  readonly dependencies: readonly number[];
  /** Only orders commands that depend on each other in a cycle. */
  readonly sequence: number;
}

interface Issued {
  readonly issuer: ReplicaId;
  /** HMAC-SHA-256 over the typed, length-prefixed fields: 32 bytes. */
  readonly mac: Uint8Array;
}

interface InView extends Issued {
  /** Its leader in view v is (space + v) mod n. */
  readonly space: ReplicaId;
  readonly view: number;
}

interface InSlot extends InView {
  /** From 1. */
  readonly slot: number;
}

/** The leader's, one for a view and slot: its dependencies are what it had recorded. */
export interface ProposeCertificate extends InSlot, OrderedCommand {
  readonly kind: "propose";
  /** Binds what the command touches, so that every instance records the same. */
  readonly names: Digest;
  /** Whose commit decides, if f = 1; else null. */
  readonly partner: ReplicaId | null;
}

/**
 * - `commit`: the issuer recorded the proposal; its dependencies are united with those it knew.
 * - `decide`: the leader's: decided on the fast path.
 * - `accept`: the leader's: the slow path. It counts as the leader's `finalize`.
 * - `finalize`: the issuer recorded the accepted value; f+1 of one view decide.
 */
export interface VoteCertificate<Kind extends VoteKind> extends InSlot, OrderedCommand {
  readonly kind: Kind;
}
export type VoteKind = "commit" | "decide" | "accept" | "finalize";

/** The issuer signs nothing more in lower views of the space. It recorded no slot above `top`. */
export interface LeaveCertificate extends InView {
  readonly kind: "leave";
  readonly top: number;
}

/**
 * What an instance tells of a slot, by what counts most there: nothing; it committed; and was the
 * partner, or had nothing to add to the proposal; it finalized; it decided.
 */
export type RecordState = (typeof recordStates)[number];
export const recordStates = ["unknown", "committed", "supported", "finalized", "decided"] as const;

/** What the issuer had recorded for a slot when it left for `view`. */
export interface RecordCertificate extends InSlot, OrderedCommand {
  readonly kind: "record";
  readonly state: RecordState;
  /** The view it was recorded in. */
  readonly since: number;
}

/** f+1 have left for the view; what they recorded lies at or below the boundary. */
export interface NewViewCertificate extends InView {
  readonly kind: "new-view";
  readonly boundary: number;
}

/** The issuer's host has executed all slots up to the frontier, and got this state. */
export interface CheckpointCertificate extends Issued {
  readonly kind: "checkpoint";
  readonly digest: Digest;
  readonly frontier: readonly number[];
}

/** Each kind has its own domain in the MAC (protocols.md H1). */
export type DependencyCertificate =
  | ProposeCertificate
  | VoteCertificate<"commit">
  | VoteCertificate<"decide">
  | VoteCertificate<"accept">
  | VoteCertificate<"finalize">
  | LeaveCertificate
  | RecordCertificate
  | NewViewCertificate
  | CheckpointCertificate;

/** A certificate of one kind. */
export type CertificateOf<Kind extends DependencyCertificate["kind"]> = Extract<
  DependencyCertificate,
  { readonly kind: Kind }
>;

/** What its host asks an instance to propose. */
export interface Proposal {
  readonly space: ReplicaId;
  readonly slot: number;
  readonly digest: Digest;
  readonly touches: Touches;
  readonly partner: ReplicaId | null;
}

/** Where a space stands in one instance. */
export interface SpaceStanding {
  readonly view: number;
  /** Slots up to here are below a stable checkpoint, and forgotten. */
  readonly base: number;
  /** The next fresh slot of its leader; 0 where this instance may not propose in the view. */
  readonly next: number;
}

/** What the spaces of an instance were opened with. */
export interface SpaceTerms {
  readonly instance: ReplicaId;
  readonly n: number;
  readonly f: number;
  /** How many slots of each space may be above its base. */
  readonly slots: number;
  /** False after a restart: then it verifies, and never certifies again. */
  readonly isActive: boolean;
}

/**
 * The spaces of one trusted instance. Every call checks the MACs of what it is given; null or false
 * means that it was refused, and that nothing changed. An instance that has left a view signs
 * nothing in it, and none signs for slots at or below the base, or more than `slots` above it.
 */
export interface TrustedDependencies extends SpaceTerms {
  standing(space: ReplicaId): SpaceStanding;

  /**
   * At the leader, once per view and slot: computes the dependencies, records and certifies. Slots
   * are proposed one after the other; in a later view also those that `recover` freed.
   */
  propose(proposal: Proposal): ProposeCertificate | null;
  /**
   * Once per view and slot: adds what this instance recorded before, records and certifies. The
   * touches must be those proposed; a correct host asks only after comparing them with the command.
   */
  ack(proposal: ProposeCertificate, touches: Touches): VoteCertificate<"commit"> | null;
  /**
   * At the leader: the partner's commit alone if f = 1; else 2f-1 of others that all equal the
   * proposal. Of `decide` and `accept` one succeeds per view and slot, once.
   */
  decide(commits: readonly VoteCertificate<"commit">[]): VoteCertificate<"decide"> | null;
  /** At the leader: the union of f commits of others, or more. */
  accept(commits: readonly VoteCertificate<"commit">[]): VoteCertificate<"accept"> | null;
  /** Once per view and slot. */
  finalize(accepted: VoteCertificate<"accept">): VoteCertificate<"finalize"> | null;

  /** Raises the space's view, or tells again that it is there. */
  leave(space: ReplicaId, view: number): LeaveCertificate | null;
  /** Null once the slot is ordered in the present view. */
  record(space: ReplicaId, slot: number): RecordCertificate | null;
  /** At the leader, once per view, from f+1 that left for it. */
  newView(left: readonly LeaveCertificate[]): NewViewCertificate | null;
  /**
   * At the leader, once per view and slot at or below the boundary, from f+1 records: accepts the
   * value that may have been decided, or frees the slot for a new proposal.
   */
  recover(records: readonly RecordCertificate[]): VoteCertificate<"accept"> | "free" | null;

  checkpoint(digest: Digest, frontier: readonly number[]): CheckpointCertificate | null;
  /** f+1 equal checkpoints: forgets the slots up to their frontier. */
  truncate(checkpoints: readonly CheckpointCertificate[]): boolean;

  /** Whether an instance of this group issued it. */
  verify(certificate: DependencyCertificate): boolean;
  /** The client's own MAC over a decision: clients do not know the group's key. */
  vouch(decision: VoteCertificate<"decide">, client: ClientId): Uint8Array | null;
}
