// Zyzzyva's messages (Kotla et al., SOSP 2007 and TOCS 2009), their schemas, and what each proof in
// them is over.

import {
  bytes32,
  byteList,
  container,
  encodeWith,
  list,
  type MessageOf,
  proofSchema,
  uint8,
  uint32,
  uint53,
  union,
  type ValueOf,
  wireLimits,
} from "../../codec/index.js";
import type { Digest, Hash, Reply } from "../../core/index.js";
import {
  extendHistory,
  fromReplyMessage,
  type LeaderKind,
  leaderMessages,
  type LeaderRecordKind,
  leaderRecords,
  newViewFields,
  reportFields,
  requestsSchema,
  tagged,
} from "../../parts/index.js";

const windowMax = 8192;
const replicasMax = 64;

/** ⟨v, n, hₙ⟩: a place in a view's order, and the hash of everything up to it. */
const pointContent = { view: uint53, order: uint53, history: bytes32 };
const point = container(pointContent);

/** What a leader signs of an order: its place, and the batch that takes the history there. */
const orderContent = { ...pointContent, batch: bytes32 };
const order = container(orderContent);
const signedOrderContent = { ...orderContent, proof: proofSchema };
const signedOrder = container(signedOrderContent);

/** One replica's signature under something that others sign too. */
const signatureContent = { replica: uint32, proof: proofSchema };
const signature = container(signatureContent);

/** A point that 2f+1 replicas signed: a commit certificate, or that of an established view. */
const certificate = container({ ...pointContent, signatures: list(signature, replicasMax) });

const orderReq = container({ ...orderContent, proof: proofSchema, requests: requestsSchema });

const bundleName = { client: uint32, session: uint53, number: uint53 };

const reportContent = {
  ...reportFields,
  /** EC(e): that of the highest established view. */
  established: certificate,
  /** The history at the stable checkpoint. */
  start: bytes32,
  /** What the view began with, from there on: the batch of each order. */
  base: list(bytes32, windowMax),
  /** What its leader ordered after that, as it signed it. */
  ordered: list(container({ batch: bytes32, proof: proofSchema }), windowMax),
  /** The longest commit certificate of that view; at most one. */
  commit: list(certificate, 1),
};
const report = container({ ...reportContent, proof: proofSchema });

const newViewContent = newViewFields(report);
const newView = container({ ...newViewContent, proof: proofSchema });

export const messages = union({
  ...leaderMessages(report, newView),
  /** ORDER-REQ: the leader's word for what comes next. */
  "order-req": orderReq,
  /**
   * SPEC-RESPONSE: a replica's answer to one bundle, and the point it executed it at, signed. The
   * leader's signature comes along: two of them for one order prove it a liar.
   */
  "spec-response": container({
    ...signedOrderContent,
    ...bundleName,
    outcome: uint8,
    results: list(byteList(wireLimits.operationBytes), wireLimits.bundleOperations),
    replica: uint32,
    signature: proofSchema,
  }),
  /** COMMIT: a client's commit certificate. */
  commit: container({ ...bundleName, certificate }),
  /** LOCAL-COMMIT: this replica has stored a commit certificate of the point. */
  "local-commit": container({ ...bundleName, ...pointContent }),
  /** Said between replicas at times: this one executed up to a point, signed as for clients. */
  reached: container({ ...pointContent, ...signatureContent }),
  /** … and has stored a commit certificate of it. */
  certified: point,
  /** FILL-HOLE: the sender lacks these orders of the view. */
  "fill-hole": container({ view: uint53, from: uint53, to: uint53 }),
  /** Proof of misbehaviour: two orders of one leader for one place. */
  misbehaviour: container({ one: signedOrder, other: signedOrder }),
  /** VIEW-CONFIRM: the view begins with this history. */
  "view-confirm": container({ ...pointContent, ...signatureContent }),
  /** EC: what establishes a view. */
  established: certificate,
});

/** What a replica stores before it speaks, and what it needs to come back. */
export const records = union({
  ...leaderRecords(report, newView),
  /** An ORDER-REQ, this replica's own or one that it executed. */
  accepted: orderReq,
  /** The longest commit certificate. */
  certified: certificate,
  /** A view was established: with which orders after `after`, where the history was `start`. */
  established: container({
    certificate,
    after: uint53,
    start: bytes32,
    base: list(bytes32, windowMax),
  }),
});

export type ZyzzyvaMessage = MessageOf<(typeof messages)["table"]>;
export type ZyzzyvaRecord = MessageOf<(typeof records)["table"]>;
export type Point = Readonly<ValueOf<typeof point>>;
export type Order = Readonly<ValueOf<typeof order>>;
export type SignedOrder = Readonly<ValueOf<typeof signedOrder>>;
export type OrderReq = Readonly<ValueOf<typeof orderReq>>;
export type Signature = Readonly<ValueOf<typeof signature>>;
export type SignedPoint = Point & Signature;
export type Certificate = Readonly<ValueOf<typeof certificate>>;
export type Report = Readonly<ValueOf<typeof report>>;
export type ZyzzyvaNewView = Readonly<ValueOf<typeof newView>>;
export type SpecResponse = Extract<ZyzzyvaMessage, { kind: "spec-response" }>;

/** What a replica answers to a bundle; null if a message is no answer. */
export function answerOf(message: ZyzzyvaMessage): Reply | null {
  if (message.kind === "reply") return fromReplyMessage(message);
  if (message.kind !== "spec-response") return null;
  const reply = fromReplyMessage({ ...message, kind: "reply" });
  return reply && { ...reply, isTentative: true };
}

/** What Zyzzyva says and stores beyond what every protocol with a leader does. */
export interface Zyzzyva {
  readonly message: Exclude<ZyzzyvaMessage, { kind: LeaderKind }>;
  readonly record: Exclude<ZyzzyvaRecord, { kind: LeaderRecordKind }>;
  readonly report: Report;
  readonly newView: ZyzzyvaNewView;
}

const reportStatement = container(reportContent);
const newViewStatement = container(newViewContent);

/** What each proof is over. */
export const proven = {
  order: (content: Order, hash: Hash) => tagged(16, encodeWith(order, content), hash),
  reached: (content: Point, hash: Hash) => tagged(17, encodeWith(point, content), hash),
  confirm: (content: Point, hash: Hash) => tagged(18, encodeWith(point, content), hash),
  report: (content: Omit<Report, "proof">, hash: Hash) =>
    tagged(19, encodeWith(reportStatement, content), hash),
  newView: (content: Omit<ZyzzyvaNewView, "proof">, hash: Hash) =>
    tagged(20, encodeWith(newViewStatement, content), hash),
};

/** The certificate of view 0, which needs no establishing. */
export const firstView: Certificate = {
  view: 0,
  order: 0,
  history: new Uint8Array(32),
  signatures: [],
};

/** One order of a history. */
export interface Entry {
  readonly order: number;
  readonly batch: Digest;
  /** The history after it. */
  readonly history: Digest;
  /** The leader's signature; null if the view began with it. */
  readonly proof: Uint8Array | null;
}

/** The orders that a report tells of, with their histories. */
export function entriesOf(report: Omit<Report, "proof">, hash: Hash): Entry[] {
  const { stable, start, base, ordered } = report;
  const entries: Entry[] = [];
  const add = (batch: Digest, proof: Uint8Array | null) => {
    const history = extendHistory(entries.at(-1)?.history ?? start, batch, hash);
    entries.push({ order: stable.order + entries.length + 1, batch, history, proof });
  };
  for (const batch of base) add(batch, null);
  for (const { batch, proof } of ordered) add(batch, proof);
  return entries;
}
