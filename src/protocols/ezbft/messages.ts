// ezBFT's messages (thesis §4.3), their schemas, and what each proof in them is over.

import {
  byteList,
  bytes32,
  container,
  encodeWith,
  list,
  type MessageOf,
  numberList,
  proofSchema,
  uint8,
  uint32,
  uint53,
  union,
  type ValueOf,
  wireLimits,
} from "../../codec/index.js";
import {
  type Digest,
  equalBytes,
  type Hash,
  type ReplicaId,
  type Reply,
} from "../../core/index.js";
import {
  checkpointSchema,
  clientMessages,
  fromReplyMessage,
  requestsSchema,
  stableCheckpointSchema,
  stateMessages,
  stateRecords,
  tagged,
} from "../../parts/index.js";

const replicasMax = 64;
const windowMax = 8192;

/** Of each space a slot. */
const slots = numberList(uint53, replicasMax);

/** An instance: a slot of a space. */
const placeFields = { space: uint32, slot: uint53 };

/** What is decided of an instance: its batch, what comes before it, and its sequence number. */
const valueFields = { batch: bytes32, dependencies: slots, sequence: uint53 };
const value = container(valueFields);

/**
 * A value for an instance, said under a view of its space: owner number O of the thesis is
 * `space + view`, and O mod n is the owner.
 */
const ballotFields = { ...placeFields, view: uint53, ...valueFields };
const ballot = container(ballotFields);

const orderFields = { ...ballotFields, proof: proofSchema };
const order = container(orderFields);
const specOrder = container({ ...orderFields, requests: requestsSchema });

/** What one replica says of dependencies and sequence number. */
const opinion = container({
  replica: uint32,
  dependencies: slots,
  sequence: uint53,
  proof: proofSchema,
});

const signature = container({ replica: uint32, proof: proofSchema });

/** PREPAREs of 2f+1 for one value. */
const certificate = container({ ...ballotFields, signatures: list(signature, replicasMax) });

/** What a replica knows of a slot. */
const entry = container({
  slot: uint53,
  /** Its answer to the owner's SPECORDER, at most one, and that order's view. */
  acked: list(container({ view: uint53, ...valueFields }), 1),
  /** The prepared certificate of the highest view, at most one. */
  prepared: list(certificate, 1),
});

/** A stable checkpoint, and the frontier that its digest covers. */
const shown = container({
  stable: stableCheckpointSchema,
  /** The digest of the rest of its state. */
  rest: bytes32,
  frontier: byteList(replicasMax * 32),
});

const reportContent = {
  replica: uint32,
  space: uint32,
  to: uint53,
  shown,
  /** Every slot up to here is to be settled: recorded, or waited for. */
  top: uint53,
  entries: list(entry, windowMax),
};
const report = container({ ...reportContent, proof: proofSchema });

const newViewContent = { space: uint32, view: uint53, reports: list(report, replicasMax) };
const newView = container({ ...newViewContent, proof: proofSchema });

const standing = container({
  view: uint53,
  entered: uint53,
  suspects: uint53,
  /** Every slot up to here is decided. */
  decided: uint53,
});

const bundleName = { client: uint32, session: uint53, number: uint53 };
const batch = container({ digest: bytes32, requests: requestsSchema });

export const messages = union({
  ...clientMessages,
  ...stateMessages,
  checkpoint: checkpointSchema,
  /** SPECORDER: an owner's word for what stands at a slot. */
  "spec-order": specOrder,
  /** SPECREPLY to the client: the answer, if all that comes before it is executed. */
  "spec-reply": container({
    ...bundleName,
    order,
    dependencies: slots,
    sequence: uint53,
    outcome: uint8,
    results: list(byteList(wireLimits.operationBytes), wireLimits.bundleOperations),
  }),
  /** SPECREPLY to the owner: what comes before it here. */
  ack: container({ ...ballotFields, replica: uint32, proof: proofSchema }),
  /** The slow path's proposal: what 2f+1 said. */
  propose: container({
    ...placeFields,
    view: uint53,
    batch: bytes32,
    opinions: list(opinion, replicasMax),
  }),
  prepare: container({ ...ballotFields, replica: uint32, proof: proofSchema }),
  commit: ballot,
  /** For a replica that missed it: this was decided. f+1 of them are believed. */
  decided: container({ ...placeFields, ...valueFields }),
  /** Asks for a SPECORDER … */
  "fetch-order": container({ ...placeFields }),
  /** … and for a batch. */
  "fetch-batch": container({ digest: bytes32 }),
  batch,
  /** Where a replica stands, said regularly: space by space. STARTOWNERCHANGE is `suspects`. */
  status: container({ stable: uint53, spaces: list(standing, replicasMax) }),
  /** OWNERCHANGE. */
  "view-change": report,
  /** NEWOWNER. */
  "new-view": newView,
  /** POM: two orders of one owner for one place. */
  misbehaviour: container({ one: order, other: order }),
});

/** What a replica stores before it speaks. */
export const records = union({
  ...stateRecords(checkpointSchema),
  batch,
  /** A SPECORDER that this replica answered, or its own; and its answer. */
  acked: container({ order, dependencies: slots, sequence: uint53 }),
  /** Its answer in a space's new view. */
  again: ballot,
  /** As an owner: what it proposed. */
  proposed: container({
    ...placeFields,
    view: uint53,
    batch: bytes32,
    opinions: list(opinion, replicasMax),
  }),
  /** Its PREPARE. */
  prepared: ballot,
  /** What it sent COMMIT for. */
  certified: certificate,
  decided: container({ ...placeFields, ...valueFields }),
  left: report,
  entered: newView,
});

export type EzbftMessage = MessageOf<(typeof messages)["table"]>;
export type EzbftRecord = MessageOf<(typeof records)["table"]>;
export type Message<K extends EzbftMessage["kind"]> = Extract<EzbftMessage, { kind: K }>;
export type Value = Readonly<ValueOf<typeof value>>;
export type Ballot = Readonly<ValueOf<typeof ballot>>;
export type Order = Readonly<ValueOf<typeof order>>;
export type SpecOrder = Readonly<ValueOf<typeof specOrder>>;
export type Opinion = Readonly<ValueOf<typeof opinion>>;
export type Signature = Readonly<ValueOf<typeof signature>>;
export type Certificate = Readonly<ValueOf<typeof certificate>>;
export type Entry = Readonly<ValueOf<typeof entry>>;
export type Shown = Readonly<ValueOf<typeof shown>>;
export type Report = Readonly<ValueOf<typeof report>>;
export type NewOwner = Readonly<ValueOf<typeof newView>>;
export type Standing = Readonly<ValueOf<typeof standing>>;
export type Proposal = Omit<Message<"propose">, "kind">;
export type SpecReply = Message<"spec-reply">;

/** What a replica answers to a bundle; null if a message is no answer. */
export function answerOf(message: EzbftMessage): Reply | null {
  if (message.kind === "reply") return fromReplyMessage(message);
  if (message.kind !== "spec-reply") return null;
  const reply = fromReplyMessage({ ...message, kind: "reply", view: 0 });
  return reply && { ...reply, isTentative: true };
}

/** Who owns a space in a view of it. */
export const ownerOf = (space: number, view: number, n: number): ReplicaId => (space + view) % n;

const reportStatement = container(reportContent);
const newViewStatement = container(newViewContent);

/** The value in something that says more. */
export const valueIn = ({ batch: digest, dependencies, sequence }: Value): Value => ({
  batch: digest,
  dependencies,
  sequence,
});

/** The ballot in something that says more. */
export const ballotIn = ({ space, slot, view, ...rest }: Ballot): Ballot => ({
  space,
  slot,
  view,
  ...valueIn(rest),
});

/** What each proof is over. */
export const proven = {
  order: (content: Ballot, hash: Hash) => tagged(16, encodeWith(ballot, ballotIn(content)), hash),
  ack: (content: Ballot, hash: Hash) => tagged(17, encodeWith(ballot, ballotIn(content)), hash),
  prepare: (content: Ballot, hash: Hash) => tagged(18, encodeWith(ballot, ballotIn(content)), hash),
  report: (content: Omit<Report, "proof">, hash: Hash) =>
    tagged(19, encodeWith(reportStatement, content), hash),
  newView: (content: Omit<NewOwner, "proof">, hash: Hash) =>
    tagged(20, encodeWith(newViewStatement, content), hash),
};

/** Whether two say the same: votes are counted so. */
export const isSame = (one: Value, other: Value): boolean =>
  one.sequence === other.sequence &&
  equalBytes(one.batch, other.batch) &&
  areSame(one.dependencies, other.dependencies);

export const areSame = (one: readonly number[], other: readonly number[]): boolean =>
  one.length === other.length && one.every((slot, space) => slot === other[space]);

/** In place of a batch: it interferes with everything, and states are compared there. */
export const barrierDigest = (hash: Hash): Digest => tagged(22, new Uint8Array(0), hash);

const frontierSchema = container({ done: slots, sequences: slots, checkpoints: uint53 });

/**
 * What a state holds of each space: its slots up to `done`, whose highest sequence number is in
 * `sequences`; and the number of checkpoints so far, by which the next one's owner is chosen.
 */
export type Frontier = Readonly<ValueOf<typeof frontierSchema>>;
export { frontierSchema };
