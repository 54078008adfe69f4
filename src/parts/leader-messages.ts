// What replicas of a protocol with a leader say and store whatever that protocol is: requests and
// replies, checkpoints, where they stand, what was decided, batches, states, view changes. What its
// own phases say comes on top.

import {
  bytes32,
  container,
  encodeWith,
  list,
  type MessageOf,
  proofSchema,
  requestSchema,
  type Schema,
  uint32,
  uint53,
  type ValueOf,
} from "../codec/index.js";
import type { Digest, Hash, ReplicaId, Tagged } from "../core/index.js";
import { clientMessages } from "./client-messages.js";
import { stableSchema, stateRecords } from "./replicated-state.js";
import { stateMessages } from "./state-messages.js";
import { tagged } from "./tagged.js";

const replicasMax = 64;
const batchMax = 1024;

/** Who leads a view. */
export const leaderOf = (view: number, n: number): ReplicaId => view % n;

const checkpointContent = { order: uint53, digest: bytes32, replica: uint32 };

/** CHECKPOINT: one replica's statement about its state after an order, signed. */
export const checkpointSchema = container({ ...checkpointContent, proof: proofSchema });
export type Checkpoint = Readonly<ValueOf<typeof checkpointSchema>>;

/** A stable checkpoint, and what proves it. */
export const stableCheckpointSchema = stableSchema(checkpointSchema);
export type StableCheckpoint = Readonly<ValueOf<typeof stableCheckpointSchema>>;

/** The fields of a view change, without its proof; a protocol adds a report of its phases. */
export const reportFields = { replica: uint32, to: uint53, stable: stableCheckpointSchema };

/** The fields of a new view, without its proof. */
export const newViewFields = <R>(report: Schema<R>) => ({
  view: uint53,
  reports: list(report, replicasMax),
});

export const requestsSchema = list(requestSchema, batchMax);
const batch = container({ digest: bytes32, requests: requestsSchema });

/** ⟨view, order, batch⟩: what proposals and votes are about. */
export const ballotFields = { view: uint53, order: uint53, batch: bytes32 };
export const ballotSchema = container(ballotFields);
export type Ballot = Readonly<ValueOf<typeof ballotSchema>>;

/** One replica's vote. */
export const voteSchema = container({ ...ballotFields, replica: uint32, proof: proofSchema });
export type Vote = Readonly<ValueOf<typeof voteSchema>>;

/** The leader's proposal, with its batch. */
export const proposalSchema = container({
  ...ballotFields,
  proof: proofSchema,
  requests: requestsSchema,
});
export type Proposal = Readonly<ValueOf<typeof proposalSchema>>;

const common = {
  ...clientMessages,
  checkpoint: checkpointSchema,
  /** Where a replica stands, said regularly. */
  status: container({
    /** The view it is in or wants to be in. */
    view: uint53,
    /** The last view it entered. */
    entered: uint53,
    stable: uint53,
    executed: uint53,
    /** SUSPECT: the view it wants to be in, or beyond. */
    suspects: uint53,
  }),
  /** For a replica that missed it: this was decided. f+1 of them are believed. */
  decided: container({ order: uint53, batch: bytes32 }),
  "fetch-batch": container({ digest: bytes32 }),
  batch,
  ...stateMessages,
};

const commonRecords = {
  ...stateRecords(checkpointSchema),
  /** A batch that this replica answers for and that no proposal of the view holds. */
  batch,
};

/** The messages of every protocol with a leader, from the schemas of its view changes. */
export const leaderMessages = <R, N>(report: Schema<R>, newView: Schema<N>) => ({
  ...common,
  "view-change": report,
  "new-view": newView,
});

/** The records of every protocol with a leader. */
export const leaderRecords = <R, N>(report: Schema<R>, newView: Schema<N>) => ({
  ...commonRecords,
  /** This replica's view change. */
  left: report,
  /** The new view that it entered. */
  entered: newView,
});

export type CommonMessage = MessageOf<typeof common>;
export type LeaderMessage<R, N> =
  | CommonMessage
  | (R & { readonly kind: "view-change" })
  | (N & { readonly kind: "new-view" });
export type LeaderRecord<R, N> =
  | MessageOf<typeof commonRecords>
  | (R & { readonly kind: "left" })
  | (N & { readonly kind: "entered" });
export type Status = Extract<CommonMessage, { kind: "status" }>;

/** The kinds that are not a protocol's own. */
export type LeaderKind = LeaderMessage<object, object>["kind"];
export type LeaderRecordKind = LeaderRecord<object, object>["kind"];

const messageKinds = new Set<string>([...Object.keys(common), "view-change", "new-view"]);
const recordKinds = new Set<string>([...Object.keys(commonRecords), "left", "entered"]);

/** Whether a message is one that every protocol with a leader has. */
export const isLeaderMessage = (message: Tagged): message is Tagged & { kind: LeaderKind } =>
  messageKinds.has(message.kind);

/** Whether a record is one that every protocol with a leader has. */
export const isLeaderRecord = (record: Tagged): record is Tagged & { kind: LeaderRecordKind } =>
  recordKinds.has(record.kind);

/** The digest of a statement about a ballot: what the proof of a vote or a proposal is over. */
export const ballotDigest = (tag: number, content: Ballot, hash: Hash): Digest =>
  tagged(tag, encodeWith(ballotSchema, content), hash);

const checkpointStatement = container(checkpointContent);

/** What the proof of a CHECKPOINT is over. */
export const checkpointDigest = (content: Omit<Checkpoint, "proof">, hash: Hash): Digest =>
  tagged(1, encodeWith(checkpointStatement, content), hash);
