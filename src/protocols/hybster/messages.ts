// Hybster's messages (hybster.txt §5.2), their schemas, and what each certificate in them is over.

import {
  attestationSchema,
  bytes32,
  container,
  encodeWith,
  list,
  type MessageOf,
  requestSchema,
  union,
  uint53,
  type ValueOf,
} from "../../codec/index.js";
import type { Digest, Hash } from "../../core/index.js";
import {
  clientMessages,
  stableSchema,
  stateMessages,
  stateRecords,
  tagged,
} from "../../parts/index.js";

const replicasMax = 64;
const windowMax = 8192;
const batchMax = 1024;

/** The counters of each replica's trusted instance. */
export const counters = {
  /** 𝔒: order messages and view changes, at [view|order]. */
  order: 0,
  /** 𝔐: trusted MACs, never moved. */
  mac: 1,
  /** New-view messages, at [view|0]: at most one a view. */
  newView: 2,
} as const;

/**
 * A proposal without its requests: PREPARE ⟨view, order, batch⟩ with the leader's certificate at
 * [view|order].
 */
const header = container({
  view: uint53,
  order: uint53,
  batch: bytes32,
  attestation: attestationSchema,
});

const checkpoint = container({ order: uint53, digest: bytes32, attestation: attestationSchema });

const stable = stableSchema(checkpoint);

/**
 * NEW-VIEW-ACK: a replica verified the new-view message of `view`, whose plan covers (base, last].
 */
const acknowledgement = container({
  view: uint53,
  base: uint53,
  last: uint53,
  plan: bytes32,
  attestation: attestationSchema,
});

/** A view that f+1 acknowledged, and what it was to order first. View 0 needs no proof. */
const established = container({
  view: uint53,
  base: uint53,
  last: uint53,
  plan: list(bytes32, windowMax),
  acknowledgements: list(acknowledgement, replicasMax),
});

const viewChangeContent = {
  to: uint53,
  established,
  stable,
  prepares: list(header, windowMax),
};

const viewChange = container({ ...viewChangeContent, attestation: attestationSchema });

const newViewContent = { view: uint53, viewChanges: list(viewChange, replicasMax) };

const prepare = container({
  view: uint53,
  order: uint53,
  batch: bytes32,
  attestation: attestationSchema,
  /** Empty where the receivers have the batch: proposals of a new view's plan. */
  requests: list(requestSchema, batchMax),
});

const commit = container({
  view: uint53,
  order: uint53,
  batch: bytes32,
  attestation: attestationSchema,
});

const newView = container({ ...newViewContent, attestation: attestationSchema });

const batch = container({ digest: bytes32, requests: list(requestSchema, batchMax) });

export const messages = union({
  ...clientMessages,
  prepare,
  commit,
  checkpoint,
  /**
   * Where clients use MAC authenticators: the sender found its part of a request's authenticator
   * valid.
   */
  endorsement: container({ request: bytes32, attestation: attestationSchema }),
  /**
   * Where a replica stands, said regularly; `suspects` is SUSPECT: the view it wants to be in, or
   * beyond.
   */
  status: container({
    view: uint53,
    established: uint53,
    stable: uint53,
    executed: uint53,
    /** The last order of the view it certified a message for: it needs the proposals beyond. */
    acted: uint53,
    suspects: uint53,
  }),
  "view-change": viewChange,
  /** A view-change certificate: a quorum of view changes to one view, for a replica left behind. */
  certificate: container({ viewChanges: list(viewChange, replicasMax) }),
  "new-view": newView,
  acknowledgement,
  /** A view and its proof, for a replica that missed how it came about. */
  established,
  "fetch-batch": container({ digest: bytes32 }),
  batch,
  ...stateMessages,
});

/** What a replica stores before it speaks (thesis §6.5), and what it needs to come back. */
export const records = union({
  /** A proposal as leader, or one that could not be certified because the counter is retired. */
  proposed: prepare,
  /** A proposal accepted as follower, with this replica's COMMIT. */
  accepted: container({ prepare, commit }),
  ...stateRecords(checkpoint),
  /** This replica's view change. */
  left: viewChange,
  /** The certificate with which it left an unestablished view: only that lets others follow. */
  ticket: container({ viewChanges: list(viewChange, replicasMax) }),
  /** A view this replica takes part in. */
  established,
  /** A batch of a plan that this replica acknowledged and had not stored with a proposal. */
  batch,
  /** This replica's last certificate of a counter, where no other record shows it. */
  position: container({ attestation: attestationSchema, digest: bytes32 }),
});

export type HybsterMessage = MessageOf<(typeof messages)["table"]>;
export type HybsterRecord = MessageOf<(typeof records)["table"]>;
export type Header = Readonly<ValueOf<typeof header>>;
export type Prepare = Readonly<ValueOf<typeof prepare>>;
export type Commit = Readonly<ValueOf<typeof commit>>;
export type Checkpoint = Readonly<ValueOf<typeof checkpoint>>;
export type Stable = Readonly<ValueOf<typeof stable>>;
export type Acknowledgement = Readonly<ValueOf<typeof acknowledgement>>;
export type Established = Readonly<ValueOf<typeof established>>;
export type ViewChange = Readonly<ValueOf<typeof viewChange>>;
export type NewView = Readonly<ValueOf<typeof newView>>;
export type Endorsement = Extract<HybsterMessage, { kind: "endorsement" }>;
export type Status = Extract<HybsterMessage, { kind: "status" }>;

/** The view before any view change. */
export const genesis: Established = { view: 0, base: 0, last: 0, plan: [], acknowledgements: [] };

const checkpointContent = container({ order: uint53, digest: bytes32 });
const acknowledgementContent = container({
  view: uint53,
  base: uint53,
  last: uint53,
  plan: bytes32,
});
const viewChangeSchema = container(viewChangeContent);
const newViewSchema = container(newViewContent);

/**
 * What each certificate is over. View and order of proposals stand in the certificate's position.
 */
export const certified = {
  prepare: (batch: Digest, hash: Hash) => tagged(1, batch, hash),
  commit: (batch: Digest, hash: Hash) => tagged(2, batch, hash),
  checkpoint: (message: Omit<Checkpoint, "attestation">, hash: Hash) =>
    tagged(3, encodeWith(checkpointContent, message), hash),
  viewChange: (message: Omit<ViewChange, "attestation">, hash: Hash) =>
    tagged(4, encodeWith(viewChangeSchema, message), hash),
  newView: (message: Omit<NewView, "attestation">, hash: Hash) =>
    tagged(5, encodeWith(newViewSchema, message), hash),
  endorsement: (request: Digest, hash: Hash) => tagged(7, request, hash),
  acknowledgement: (message: Omit<Acknowledgement, "attestation">, hash: Hash) =>
    tagged(6, encodeWith(acknowledgementContent, message), hash),
};

/** The digest of a plan: the batches a new view orders first. */
export function planDigest(plan: readonly Digest[], hash: Hash): Digest {
  const bytes = new Uint8Array(32 * plan.length);
  plan.forEach((digest, index) => bytes.set(digest, 32 * index));
  return hash(bytes);
}
