// FaB's messages (Martin and Alvisi, TDSC 2006), their schemas, and what each proof is over.

import {
  container,
  encodeWith,
  list,
  type MessageOf,
  proofSchema,
  uint32,
  union,
  type ValueOf,
} from "../../codec/index.js";
import type { Hash } from "../../core/index.js";
import {
  type Ballot,
  ballotDigest,
  ballotFields,
  ballotSchema,
  type LeaderKind,
  leaderMessages,
  type LeaderRecordKind,
  leaderRecords,
  newViewFields,
  proposalSchema,
  reportFields,
  requestsSchema,
  tagged,
  voteSchema,
} from "../../parts/index.js";

const windowMax = 8192;
const replicasMax = 64;

/** That a replica accepted a ballot, signed. */
const acceptance = container({ replica: uint32, proof: proofSchema });

/** A commit proof: 2f+t+1 replicas accepted a batch in one view, so that none other was decided. */
const commitProof = container({ ...ballotFields, acceptances: list(acceptance, replicasMax) });

const reportContent = {
  ...reportFields,
  /** Of each order what this replica accepted last, and in which view. */
  accepted: list(ballotSchema, windowMax),
  /** Of each order the commit proof of the highest view that it has. */
  proofs: list(commitProof, windowMax),
};
const report = container({ ...reportContent, proof: proofSchema });

const newViewContent = newViewFields(report);
const newView = container({ ...newViewContent, proof: proofSchema });

export const messages = union({
  ...leaderMessages(report, newView),
  propose: proposalSchema,
  /** For the fast path. */
  accepted: voteSchema,
  /** The same, signed: what commit proofs are made of. Begins the slow path. */
  "signed-accepted": voteSchema,
  /** That its sender has a commit proof. */
  "commit-proof": voteSchema,
});

/** What a replica stores before it speaks, and what it needs to come back. */
export const records = union({
  ...leaderRecords(report, newView),
  /** A proposal that this replica accepted, its own or the leader's. */
  accepted: container({ ...ballotFields, requests: requestsSchema }),
  /** A commit proof, before this replica says that it has it. */
  proved: commitProof,
  /** What it accepted last of each order. */
  ballots: container({ ballots: list(ballotSchema, windowMax) }),
});

export type FabMessage = MessageOf<(typeof messages)["table"]>;
export type FabRecord = MessageOf<(typeof records)["table"]>;
export type Acceptance = Readonly<ValueOf<typeof acceptance>>;
export type CommitProof = Readonly<ValueOf<typeof commitProof>>;
export type FabReport = Readonly<ValueOf<typeof report>>;
export type FabNewView = Readonly<ValueOf<typeof newView>>;

/** What FaB says and stores beyond what every protocol with a leader does. */
export interface Fab {
  readonly message: Exclude<FabMessage, { kind: LeaderKind }>;
  readonly record: Exclude<FabRecord, { kind: LeaderRecordKind }>;
  readonly report: FabReport;
  readonly newView: FabNewView;
}

const reportStatement = container(reportContent);
const newViewStatement = container(newViewContent);

/** What each proof is over. */
export const proven = {
  propose: (content: Ballot, hash: Hash) => ballotDigest(16, content, hash),
  accepted: (content: Ballot, hash: Hash) => ballotDigest(17, content, hash),
  commitProof: (content: Ballot, hash: Hash) => ballotDigest(18, content, hash),
  report: (content: Omit<FabReport, "proof">, hash: Hash) =>
    tagged(19, encodeWith(reportStatement, content), hash),
  newView: (content: Omit<FabNewView, "proof">, hash: Hash) =>
    tagged(20, encodeWith(newViewStatement, content), hash),
};
