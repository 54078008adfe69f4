// PBFT's messages (Castro and Liskov, OSDI 1999 and TOCS 2002), their schemas, and what each proof
// in them is over.

import {
  container,
  encodeWith,
  list,
  type MessageOf,
  proofSchema,
  union,
  type ValueOf,
} from "../../codec/index.js";
import type { Hash } from "../../core/index.js";
import {
  type Ballot,
  ballotDigest,
  ballotSchema,
  type LeaderKind,
  leaderMessages,
  type LeaderRecordKind,
  leaderRecords,
  newViewFields,
  proposalSchema,
  reportFields,
  tagged,
  voteSchema,
} from "../../parts/index.js";

const windowMax = 8192;

/** Different batches that one replica reports for one order: see `Ballots`. */
export const seenMax = 8;

const reportContent = {
  ...reportFields,
  /** 𝒫: of each order the batch that this replica prepared last, and in which view. */
  prepared: list(ballotSchema, windowMax),
  /** 𝒬: of each order the batches that it pre-prepared, and in which view last. */
  seen: list(ballotSchema, windowMax * seenMax),
};
const report = container({ ...reportContent, proof: proofSchema });

const newViewContent = newViewFields(report);
const newView = container({ ...newViewContent, proof: proofSchema });

export const messages = union({
  ...leaderMessages(report, newView),
  "pre-prepare": proposalSchema,
  prepare: voteSchema,
  commit: voteSchema,
});

/** What a replica stores before it speaks, and what it needs to come back. */
export const records = union({
  ...leaderRecords(report, newView),
  /** A proposal, this replica's own or one that it voted for. */
  accepted: proposalSchema,
  /** What this replica prepared, before it says so. */
  prepared: ballotSchema,
  /** What it pre-prepared in views that are over. */
  seen: container({ ballots: list(ballotSchema, windowMax * seenMax) }),
});

export type PbftMessage = MessageOf<(typeof messages)["table"]>;
export type PbftRecord = MessageOf<(typeof records)["table"]>;
export type PbftReport = Readonly<ValueOf<typeof report>>;
export type PbftNewView = Readonly<ValueOf<typeof newView>>;

/** What PBFT says and stores beyond what every protocol with a leader does. */
export interface Pbft {
  readonly message: Exclude<PbftMessage, { kind: LeaderKind }>;
  readonly record: Exclude<PbftRecord, { kind: LeaderRecordKind }>;
  readonly report: PbftReport;
  readonly newView: PbftNewView;
}

const reportStatement = container(reportContent);
const newViewStatement = container(newViewContent);

/** What each proof is over. */
export const proven = {
  prePrepare: (content: Ballot, hash: Hash) => ballotDigest(16, content, hash),
  prepare: (content: Ballot, hash: Hash) => ballotDigest(17, content, hash),
  commit: (content: Ballot, hash: Hash) => ballotDigest(18, content, hash),
  report: (content: Omit<PbftReport, "proof">, hash: Hash) =>
    tagged(19, encodeWith(reportStatement, content), hash),
  newView: (content: Omit<PbftNewView, "proof">, hash: Hash) =>
    tagged(20, encodeWith(newViewStatement, content), hash),
};
