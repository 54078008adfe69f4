// The smallest protocols that use everything a host offers: a replica notes each request durably,
// has every other replica note it too, and then answers. It agrees on nothing. What it tells the
// others is certified by its trusted counter in one, and proved by its identity in the other.

import {
  attestationSchema,
  bundleOf,
  container,
  digestOf,
  fromWire,
  list,
  byteList,
  type MessageOf,
  proofSchema,
  type Request,
  requestSchema,
  toWire,
  uint32,
  uint53,
  union,
} from "../../src/codec/index.js";
import type {
  Claim,
  ClaimContext,
  Effect,
  Input,
  Page,
  Protocol,
  ReplicaContext,
  ReplicaMachine,
  ReplicaStatus,
  Service,
  SavedImage,
} from "../../src/core/index.js";
import { quorumClient } from "../../src/parts/index.js";
import { page } from "./records.js";

const messageTable = {
  request: requestSchema,
  note: container({ request: requestSchema, attestation: attestationSchema }),
  /** A note in the other protocol: authenticated, and signed as well. */
  said: container({ request: requestSchema, proof: proofSchema, signature: proofSchema }),
  noted: container({ client: uint32, session: uint53, number: uint53 }),
  reply: container({
    client: uint32,
    session: uint53,
    number: uint53,
    view: uint53,
    results: list(byteList(1 << 10), 16),
  }),
};
export type EchoMessage = MessageOf<typeof messageTable>;

const recordTable = { noted: container({ client: uint32, session: uint53, number: uint53 }) };
export type EchoRecord = MessageOf<typeof recordTable>;

type EchoEffect = Effect<EchoMessage, EchoRecord>;

const counterForNotes = 0;
/** Notes between checkpoints. */
const checkpointNotes = 64;

function claimsOfRequest(request: Request, { hash }: ClaimContext): Claim[] | null {
  const bundle = bundleOf(request);
  if (bundle === null) return null;
  const { client } = bundle;
  const { authenticator } = request;
  return [{ kind: "client", client, digest: digestOf(request, hash), authenticator }];
}

function claims(message: EchoMessage, from: number | null, context: ClaimContext): Claim[] | null {
  if (message.kind === "request") return claimsOfRequest(message, context);
  if (message.kind === "said") return claimsOfSaid(message, from, context);
  if (message.kind !== "note") return from === null ? null : [];
  const attestation = fromWire(message.attestation);
  const inner = claimsOfRequest(message.request, context);
  if (attestation === null || inner === null || attestation.instance !== from) return null;
  const digest = digestOf(message.request, context.hash);
  return [...inner, { kind: "attestation", attestation, digest }];
}

function claimsOfSaid(
  { request, proof, signature }: EchoMessage & { kind: "said" },
  from: number | null,
  context: ClaimContext,
): Claim[] | null {
  const inner = claimsOfRequest(request, context);
  if (inner === null || from === null) return null;
  const said = { kind: "replica", replica: from, digest: digestOf(request, context.hash) } as const;
  return [
    ...inner,
    { ...said, proof, isTransferable: false },
    { ...said, proof: signature, isTransferable: true },
  ];
}

class EchoReplica implements ReplicaMachine<EchoMessage, EchoRecord> {
  readonly #context: ReplicaContext;
  readonly #pending = new Map<string, number>();
  #notes = 0;
  #stable = 0;
  #effects: EchoEffect[] = [];

  constructor(context: ReplicaContext) {
    this.#context = context;
  }

  step(_now: number, input: Input<EchoMessage, EchoRecord>): EchoEffect[] {
    this.#effects = [];
    if (input.kind === "start") this.#onStart(input.snapshot, input.journal);
    else if (input.kind === "message") this.#onMessage(input.from, input.message);
    return this.#effects;
  }

  status(): ReplicaStatus {
    const { replica } = this.#context;
    const role = replica === 0 ? "leader" : "follower";
    return { view: 0, role, executed: this.#notes, stable: this.#stable, operations: this.#notes };
  }

  #onStart(snapshot: SavedImage | null, journal: Iterable<EchoRecord>): void {
    this.#notes = this.#stable = snapshot?.order ?? 0;
    for (const _ of journal) this.#notes++;
  }

  #onMessage(from: number | null, message: EchoMessage): void {
    if (message.kind === "request") this.#onRequest(message);
    else if (message.kind === "note" || message.kind === "said") {
      if (from !== null) this.#onNote(from, message.request);
    } else if (message.kind === "noted") this.#onNoted(message);
  }

  #onRequest(request: Request): void {
    const message = this.#telling(request);
    if (message === null) return;
    const place = this.#note(request);
    this.#pending.set(keyOf(place), 1);
    this.#effects.push({ kind: "broadcast", message });
  }

  /** What the others are told; null if the counter refuses. */
  #telling(request: Request): EchoMessage | null {
    const { counter, identity, hash, replicaAuthentication } = this.#context;
    const digest = digestOf(request, hash);
    if (replicaAuthentication !== null) {
      const proof = identity.authenticate(digest);
      return { kind: "said", request, proof, signature: identity.sign(digest) };
    }
    const next = { view: 0, order: this.#notes + 1 };
    const attestation = counter.independent(counterForNotes, next, digest);
    return attestation && { kind: "note", request, attestation: toWire(attestation) };
  }

  #onNote(from: number, request: Request): void {
    const place = this.#note(request);
    this.#effects.push({ kind: "send", to: from, message: { kind: "noted", ...place } });
  }

  #onNoted(message: EchoMessage & { kind: "noted" }): void {
    const { client, session, number } = message;
    const key = keyOf(message);
    const noted = (this.#pending.get(key) ?? 0) + 1;
    this.#pending.set(key, noted);
    if (noted < this.#context.n) return;
    this.#pending.delete(key);
    const reply: EchoMessage = { kind: "reply", client, session, number, view: 0, results: [] };
    this.#effects.push({ kind: "reply", client, session, message: reply });
  }

  #note(request: Request): { client: number; session: number; number: number } {
    const { client, session, number } = bundleOf(request)!;
    const place = { client, session, number };
    this.#notes++;
    this.#effects.push({ kind: "persist", record: { kind: "noted", ...place } });
    if (this.#notes % checkpointNotes === 0) {
      const image = { order: this.#notes, pages: this.#context.service.pages() };
      this.#effects.push({ kind: "checkpoint", image, retain: [], required: false });
    }
    return place;
  }
}

const keyOf = (place: { client: number; session: number; number: number }): string =>
  `${place.client}/${place.session}/${place.number}`;

export const echoProtocol: Protocol<EchoMessage, EchoRecord> = {
  name: "echo",
  faultModel: "hybrid",
  paper: "none",
  replicas: (f) => 2 * f + 1,
  replicasText: "2f+1",
  quorums: "all",
  delays: 4,
  order: "partial",
  clientAuthentications: ["trusted-mac", "signature", "mac"],
  replicaAuthentications: [],
  usesTrustedCounter: true,
  messages: union(messageTable),
  records: union(recordTable),
  claims,
  replica: (context) => new EchoReplica(context),
  client: quorumClient<EchoMessage>({
    replyQuorum: () => 1,
    request: (body, authenticator) => ({ kind: "request", body, authenticator }),
    reply: (message) => (message.kind === "reply" ? { ...message, outcome: "executed" } : null),
    leader: () => 0,
  }),
};

/** The same without a trusted counter. */
export const sayingProtocol: Protocol<EchoMessage, EchoRecord> = {
  ...echoProtocol,
  replicaAuthentications: ["signature", "mac", "trusted-mac"],
  usesTrustedCounter: false,
};

const emptyPage: Page = page(Uint8Array.of(0));

/** A service without a state. */
export const emptyService: Service = {
  order: "partial",
  apply: () => new Uint8Array(0),
  footprint: () => {},
  mark: () => 0,
  rewind: () => {},
  settle: () => {},
  pages: () => [emptyPage],
  readPage: (bytes) => page(Uint8Array.from(bytes)),
  restore: () => {},
};
