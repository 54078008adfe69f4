// PBFT's messages (Castro and Liskov, OSDI 1999 and TOCS 2002), their schemas, and what each proof
// in them is over.

import {
  bytes32,
  container,
  encodeWith,
  list,
  type MessageOf,
  proofSchema,
  requestSchema,
  uint32,
  uint53,
  union,
  type ValueOf,
} from "../../codec/index.js";
import type { Digest, Hash } from "../../core/index.js";
import { clientMessages, stableSchema, stateMessages, stateRecords } from "../../parts/index.js";

const replicasMax = 64;
const windowMax = 8192;
const batchMax = 1024;

/** Different batches that one replica reports for one order: see `Ballots`. */
export const seenMax = 8;

/** ⟨view, order, digest⟩: what proposals and votes are about. */
const ballotContent = { view: uint53, order: uint53, batch: bytes32 };
const ballot = container(ballotContent);

const vote = container({ ...ballotContent, replica: uint32, proof: proofSchema });

const prePrepare = container({
  ...ballotContent,
  proof: proofSchema,
  requests: list(requestSchema, batchMax),
});

const checkpointContent = { order: uint53, digest: bytes32, replica: uint32 };
const checkpoint = container({ ...checkpointContent, proof: proofSchema });

const reportContent = {
  replica: uint32,
  to: uint53,
  stable: stableSchema(checkpoint),
  /** 𝒫: of each order the batch that this replica prepared last, and in which view. */
  prepared: list(ballot, windowMax),
  /** 𝒬: of each order the batches that it pre-prepared, and in which view last. */
  seen: list(ballot, windowMax * seenMax),
};
const report = container({ ...reportContent, proof: proofSchema });

const newViewContent = { view: uint53, reports: list(report, replicasMax) };
const newView = container({ ...newViewContent, proof: proofSchema });

const batch = container({ digest: bytes32, requests: list(requestSchema, batchMax) });

export const messages = union({
  ...clientMessages,
  "pre-prepare": prePrepare,
  prepare: vote,
  commit: vote,
  checkpoint,
  "view-change": report,
  "new-view": newView,
  /** Where a replica stands, said regularly. */
  status: container({
    view: uint53,
    entered: uint53,
    stable: uint53,
    executed: uint53,
    suspects: uint53,
  }),
  /** For a replica that missed it: this was decided. f+1 of them are believed. */
  decided: container({ order: uint53, batch: bytes32 }),
  "fetch-batch": container({ digest: bytes32 }),
  batch,
  ...stateMessages,
});

/** What a replica stores before it speaks, and what it needs to come back. */
export const records = union({
  /** A proposal, this replica's own or one that it voted for. */
  accepted: prePrepare,
  /** What this replica prepared, before it says so. */
  prepared: ballot,
  ...stateRecords(checkpoint),
  /** This replica's view change. */
  left: report,
  /** The new view that it entered. */
  entered: newView,
  /** A batch that this replica answers for and that no proposal holds. */
  batch,
  /** What it pre-prepared in views that are over. */
  seen: container({ ballots: list(ballot, windowMax * seenMax) }),
});

export type PbftMessage = MessageOf<(typeof messages)["table"]>;
export type PbftRecord = MessageOf<(typeof records)["table"]>;
export type Ballot = Readonly<ValueOf<typeof ballot>>;
export type Vote = Readonly<ValueOf<typeof vote>>;
export type PrePrepare = Readonly<ValueOf<typeof prePrepare>>;
export type Checkpoint = Readonly<ValueOf<typeof checkpoint>>;
export type Stable = PbftReport["stable"];
export type PbftReport = Readonly<ValueOf<typeof report>>;
export type PbftNewView = Readonly<ValueOf<typeof newView>>;
export type Status = Extract<PbftMessage, { kind: "status" }>;

/** The digest of tagged content: the tag keeps one kind of statement from being read as another. */
function tagged(tag: number, content: Uint8Array, hash: Hash): Digest {
  const bytes = new Uint8Array(1 + content.length);
  bytes[0] = tag;
  bytes.set(content, 1);
  return hash(bytes);
}

const checkpointStatement = container(checkpointContent);
const reportStatement = container(reportContent);
const newViewStatement = container(newViewContent);

/** What each proof is over. */
export const proven = {
  prePrepare: (content: Ballot, hash: Hash) => tagged(1, encodeWith(ballot, content), hash),
  prepare: (content: Ballot, hash: Hash) => tagged(2, encodeWith(ballot, content), hash),
  commit: (content: Ballot, hash: Hash) => tagged(3, encodeWith(ballot, content), hash),
  checkpoint: (content: Omit<Checkpoint, "proof">, hash: Hash) =>
    tagged(4, encodeWith(checkpointStatement, content), hash),
  report: (content: Omit<PbftReport, "proof">, hash: Hash) =>
    tagged(5, encodeWith(reportStatement, content), hash),
  newView: (content: Omit<PbftNewView, "proof">, hash: Hash) =>
    tagged(6, encodeWith(newViewStatement, content), hash),
};
