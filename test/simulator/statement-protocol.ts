// A small Byzantine protocol whose replicas prove what they say by their identities: replica 0
// orders for ever, everyone votes once for each order, and 2f+1 signed votes decide it and convince
// whoever was away. Replica 0 must be correct for it to go on. Its planted bugs are what lying
// replicas must find.

import {
  type Bundle,
  bundleOf,
  byteList,
  bytes32,
  container,
  digestOf,
  list,
  type MessageOf,
  proofSchema,
  type Request,
  requestSchema,
  uint16,
  uint32,
  uint53,
  union,
} from "../../src/codec/index.js";
import {
  type Claim,
  type ClaimContext,
  type Digest,
  type Effect,
  type Hash,
  type Input,
  type Protocol,
  type ReplicaAuthentication,
  type ReplicaContext,
  type ReplicaId,
  type ReplicaMachine,
  type ReplicaStatus,
  toHex,
} from "../../src/core/index.js";
import { quorumClient } from "../../src/parts/index.js";

const entry = { order: uint53, body: byteList(1 << 20), authenticator: byteList(4096) };
const vote = container({ replica: uint16, signature: proofSchema });
const decided = container({ ...entry, votes: list(vote, 64) });
const messageTable = {
  request: requestSchema,
  order: container({ ...entry, proof: proofSchema }),
  vote: container({ order: uint53, digest: bytes32, signature: proofSchema }),
  certificate: decided,
  status: container({ executed: uint53, proof: proofSchema }),
  reply: container({
    client: uint32,
    session: uint53,
    number: uint53,
    replica: uint16,
    results: list(byteList(1 << 20), 1024),
  }),
};
const recordTable = { stored: container(entry), decided };

export type StatementMessage = MessageOf<typeof messageTable>;
type StatementRecord = MessageOf<typeof recordTable>;
type Decided = Extract<StatementRecord, { readonly kind: "decided" }>;
type Entry = Pick<Decided, "order" | "body" | "authenticator">;

/** What can be wrong with it. */
export type Flaw =
  /** f+1 votes decide. */
  | "small-quorum"
  /** Nobody checks the votes in a certificate. */
  | "believes-votes"
  /** One replica's vote counts as often as it stands in a certificate. */
  | "counts-twice"
  /** Votes are authenticated, and passed on all the same. */
  | "passes-on-authenticators";

/** The protocol, with a flaw or without. */
export function statementProtocol(
  flaw: Flaw | null,
  replicaAuthentications: readonly ReplicaAuthentication[],
): Protocol<StatementMessage, StatementRecord> {
  return {
    name: "statements",
    faultModel: "byzantine",
    paper: "none",
    replicas: (f) => 3 * f + 1,
    replicasText: "3f+1",
    quorums: "2f+1 of 3f+1",
    delays: 3,
    order: "total",
    clientAuthentications: ["signature"],
    replicaAuthentications,
    usesTrustedCounter: false,
    messages: union(messageTable),
    records: union(recordTable),
    claims: (message, from, context) => claimsOf(message, from, context, flaw),
    replica: (context) => new StatementReplica(context, flaw),
    client: quorumClient<StatementMessage>({
      replyQuorum: (f) => f + 1,
      request: (body, authenticator) => ({ kind: "request", body, authenticator }),
      reply: (message) =>
        message.kind === "reply" ? { ...message, view: 0, outcome: "executed" } : null,
      leader: () => 0,
    }),
  };
}

/** What a proof is over: the kind of statement, an order, and perhaps a request. */
export function statement(hash: Hash, kind: string, order: number, request: Digest | null): Digest {
  return hash(
    new TextEncoder().encode(`${kind} ${order} ${request === null ? "" : toHex(request)}`),
  );
}

function claimsOf(
  message: StatementMessage,
  from: ReplicaId | null,
  context: ClaimContext,
  flaw: Flaw | null,
): Claim[] | null {
  const { hash } = context;
  if (message.kind === "request") return clientClaim(message, hash);
  if (from === null) return null;
  const said = { kind: "replica", replica: from } as const;
  switch (message.kind) {
    case "order": {
      const client = clientClaim(message, hash);
      if (client === null || from !== 0) return null;
      const digest = statement(hash, "order", message.order, hash(message.body));
      return [...client, { ...said, digest, proof: message.proof, isTransferable: false }];
    }
    case "vote": {
      const digest = statement(hash, "vote", message.order, message.digest);
      return [{ ...said, digest, proof: message.signature, ...transferable(flaw) }];
    }
    case "certificate":
      return claimsOfCertificate(message, context, flaw);
    case "status": {
      const digest = statement(hash, "status", message.executed, null);
      return [{ ...said, digest, proof: message.proof, isTransferable: false }];
    }
    case "reply":
      return null;
  }
}

const transferable = (flaw: Flaw | null) => ({
  isTransferable: flaw !== "passes-on-authenticators",
});

function clientClaim({ body, authenticator }: Request, hash: Hash): Claim[] | null {
  const request: Request = { body, authenticator };
  const bundle = bundleOf(request);
  if (bundle === null) return null;
  const { client } = bundle;
  return [{ kind: "client", client, digest: digestOf(request, hash), authenticator }];
}

function claimsOfCertificate(
  { order, body, authenticator, votes }: StatementMessage & { kind: "certificate" },
  { hash, f }: ClaimContext,
  flaw: Flaw | null,
): Claim[] | null {
  const client = clientClaim({ body, authenticator }, hash);
  const voters = flaw === "counts-twice" ? votes : new Set(votes.map(({ replica }) => replica));
  const count = "length" in voters ? voters.length : voters.size;
  if (client === null || count < quorum(f, flaw)) return null;
  if (flaw === "believes-votes") return client;
  const digest = statement(hash, "vote", order, hash(body));
  const proofs = votes.map(({ replica, signature: proof }) => {
    return { kind: "replica", replica, digest, proof, ...transferable(flaw) } as const;
  });
  return [...client, ...proofs];
}

const quorum = (f: number, flaw: Flaw | null): number =>
  flaw === "small-quorum" ? f + 1 : 2 * f + 1;

/** How far beyond what it executed a replica listens. */
const window = 64;

class StatementReplica implements ReplicaMachine<StatementMessage, StatementRecord> {
  private readonly context: ReplicaContext;
  private readonly flaw: Flaw | null;
  /** What it voted for. */
  private readonly stored = new Map<number, Entry>();
  private readonly decided = new Map<number, Decided>();
  private readonly votes = new Map<string, Map<ReplicaId, Uint8Array>>();
  private readonly ordered = new Set<string>();
  private readonly answers = new Map<string, StatementMessage>();
  private executed = 0;
  private effects: Effect<StatementMessage, StatementRecord>[] = [];

  constructor(context: ReplicaContext, flaw: Flaw | null) {
    this.context = context;
    this.flaw = flaw;
  }

  status(): ReplicaStatus {
    const role = this.context.replica === 0 ? "leader" : "follower";
    return { view: 0, role, executed: this.executed, stable: 0, operations: this.executed };
  }

  step(_now: number, input: Input<StatementMessage, StatementRecord>) {
    if (input.kind === "start") {
      for (const record of input.journal) this.remember(record);
      this.wait();
    } else if (input.kind === "timeout") {
      const { executed } = this;
      const digest = statement(this.context.hash, "status", executed, null);
      const proof = this.context.identity.authenticate(digest);
      this.broadcast({ kind: "status", executed, proof });
      this.wait();
    } else if (input.kind === "message") this.onMessage(input.from, input.message);
    this.execute();
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  private wait(): void {
    const afterMs = this.context.timing.statusMs;
    this.effects.push({ kind: "set-timer", timer: "status", afterMs });
  }

  private broadcast(message: StatementMessage): void {
    this.effects.push({ kind: "broadcast", message });
  }

  private remember(record: StatementRecord): void {
    if (record.kind === "decided") this.decided.set(record.order, record);
    else this.stored.set(record.order, record);
    this.ordered.add(keyOf(bundleOf({ ...record })!));
  }

  private onMessage(from: ReplicaId | null, message: StatementMessage): void {
    if (message.kind === "request") return this.onRequest(message);
    if (from === null) return;
    if (message.kind === "status") return this.onStatus(from, message.executed);
    if (message.kind === "reply") return;
    if (message.order <= this.executed || message.order > this.executed + window) return;
    if (message.kind === "order") this.store(message);
    else if (message.kind === "vote") this.count(message.order, message.digest, from, message);
    else if (!this.decided.has(message.order)) this.decide({ ...message, kind: "decided" });
  }

  private onRequest({ body, authenticator }: Request): void {
    const bundle = bundleOf({ body, authenticator })!;
    const key = keyOf(bundle);
    const answer = this.answers.get(key);
    if (answer !== undefined) this.effects.push({ kind: "reply", ...bundle, message: answer });
    if (this.context.replica !== 0 || this.ordered.has(key)) return;
    const order = Math.max(0, ...this.stored.keys()) + 1;
    this.store({ order, body, authenticator });
    this.broadcast(this.ordering(this.stored.get(order)!));
  }

  private ordering({ order, body, authenticator }: Entry): StatementMessage {
    const digest = statement(this.context.hash, "order", order, this.context.hash(body));
    const proof = this.context.identity.authenticate(digest);
    return { kind: "order", order, body, authenticator, proof };
  }

  private store({ order, body, authenticator }: Entry): void {
    if (!this.stored.has(order)) {
      const record = { kind: "stored", order, body, authenticator } as const;
      this.remember(record);
      this.effects.push({ kind: "persist", record });
    }
    this.broadcast(this.voting(this.stored.get(order)!));
  }

  private voting({ order, body }: Entry): StatementMessage {
    const { hash, identity, replica } = this.context;
    const digest = hash(body);
    const said = statement(hash, "vote", order, digest);
    const isSigned = this.flaw !== "passes-on-authenticators";
    const signature = isSigned ? identity.sign(said) : identity.authenticate(said);
    this.count(order, digest, replica, { signature });
    return { kind: "vote", order, digest, signature };
  }

  private count(
    order: number,
    digest: Digest,
    from: ReplicaId,
    { signature }: { readonly signature: Uint8Array },
  ): void {
    const key = `${order} ${toHex(digest)}`;
    const votes = this.votes.get(key) ?? new Map<ReplicaId, Uint8Array>();
    this.votes.set(key, votes.set(from, signature));
  }

  /** Who is behind gets what convinces it, or what it takes to decide. */
  private onStatus(from: ReplicaId, executed: number): void {
    for (let order = executed + 1; order <= executed + 8; order++) {
      const decided = this.decided.get(order);
      const stored = this.stored.get(order);
      const send = (message: StatementMessage): void => {
        this.effects.push({ kind: "send", to: from, message });
      };
      if (decided !== undefined) send({ ...decided, kind: "certificate" });
      else if (stored !== undefined) {
        if (this.context.replica === 0) send(this.ordering(stored));
        send(this.voting(stored));
      }
    }
  }

  private decide(record: Decided): void {
    this.remember(record);
    this.effects.push({ kind: "persist", record });
  }

  private execute(): void {
    const { hash, f } = this.context;
    for (;;) {
      const order = this.executed + 1;
      const stored = this.stored.get(order);
      const votes = stored && this.votes.get(`${order} ${toHex(hash(stored.body))}`);
      if (!this.decided.has(order) && votes !== undefined && votes.size >= quorum(f, this.flaw)) {
        const proofs = [...votes].map(([replica, signature]) => ({ replica, signature }));
        this.decide({ ...stored!, kind: "decided", votes: proofs });
      }
      const record = this.decided.get(order);
      if (record === undefined) return;
      this.executed = order;
      this.apply(record);
    }
  }

  private apply(record: Decided): void {
    const bundle = bundleOf({ ...record })!;
    const { client, session, number, operations } = bundle;
    const { hash, replica, service } = this.context;
    const digest = hash(record.body);
    const executed = { event: "executed", order: record.order, digest } as const;
    this.effects.push({ kind: "observe", event: { ...executed, operations: operations.length } });
    if (this.answers.has(keyOf(bundle))) return;
    this.effects.push({ kind: "observe", event: { event: "applied", client, session, number } });
    const results = operations.map((operation) => service.apply(operation, { client, session }));
    const message = { kind: "reply", client, session, number, replica, results } as const;
    this.answers.set(keyOf(bundle), message);
    this.effects.push({ kind: "reply", client, session, message });
  }
}

const keyOf = ({ client, session, number }: Bundle): string => `${client}/${session}/${number}`;
