// A small protocol to try the simulator on: replica 0 orders for ever, and a request executes once
// f+1 replicas stored it. Its planted bugs are what the simulator must find.

import {
  type Bundle,
  bundleOf,
  byteList,
  bytes32,
  container,
  digestOf,
  list,
  type MessageOf,
  type Request,
  requestSchema,
  uint16,
  uint32,
  uint53,
  union,
} from "../../src/codec/index.js";
import type {
  Effect,
  Input,
  Protocol,
  ReplicaContext,
  ReplicaMachine,
  ReplicaStatus,
} from "../../src/core/index.js";
import { toHex } from "../../src/core/index.js";
import { quorumClient } from "../../src/parts/index.js";

const entry = { order: uint53, body: byteList(1 << 20), authenticator: byteList(4096) };
const messageTable = {
  request: requestSchema,
  order: container(entry),
  ack: container({ order: uint53, digest: bytes32 }),
  status: container({ executed: uint53 }),
  reply: container({
    client: uint32,
    session: uint53,
    number: uint53,
    replica: uint16,
    results: list(byteList(1 << 20), 1024),
  }),
};
const recordTable = { stored: container(entry) };

export type ToyMessage = MessageOf<typeof messageTable>;
type Stored = MessageOf<typeof recordTable>;

/** What can be wrong with a toy replica. */
export type Bug =
  | "skips-persist"
  | "forgets-replies"
  | "never-resends"
  | "lies-about-state"
  | "skips-a-bundle"
  | "throws";

/** The toy, with a bug or without. */
export function toyProtocol(bug: Bug | null = null): Protocol<ToyMessage, Stored> {
  return {
    name: "toy",
    faultModel: "hybrid",
    paper: "none",
    replicas: (f) => 2 * f + 1,
    replicasText: "2f+1",
    quorums: "f+1 of 2f+1",
    delays: 3,
    order: "total",
    clientAuthentications: ["trusted-mac", "signature"],
    replicaAuthentications: [],
    usesTrustedCounter: false,
    messages: union(messageTable),
    records: union(recordTable),
    claims(message, from, { hash }) {
      if (message.kind !== "request" && message.kind !== "order") return from === null ? null : [];
      if (message.kind === "order" && from !== 0) return null;
      const request: Request = { body: message.body, authenticator: message.authenticator };
      const bundle = bundleOf(request);
      if (bundle === null) return null;
      const { authenticator } = message;
      const { client } = bundle;
      return [{ kind: "client", client, digest: digestOf(request, hash), authenticator }];
    },
    replica: (context) => new ToyReplica(context, bug),
    client: quorumClient<ToyMessage>({
      replyQuorum: (f) => f + 1,
      request: (body, authenticator) => ({ kind: "request", body, authenticator }),
      reply: (message) =>
        message.kind === "reply" ? { ...message, view: 0, outcome: "executed" } : null,
      leader: () => 0,
    }),
  };
}

class ToyReplica implements ReplicaMachine<ToyMessage, Stored> {
  readonly #context: ReplicaContext;
  readonly #bug: Bug | null;
  readonly #log = new Map<number, Stored>();
  readonly #acks = new Map<string, Set<number>>();
  readonly #ordered = new Set<string>();
  readonly #answers = new Map<string, ToyMessage>();
  #executed = 0;
  #effects: Effect<ToyMessage, Stored>[] = [];

  constructor(context: ReplicaContext, bug: Bug | null) {
    this.#context = context;
    this.#bug = bug;
  }

  status(): ReplicaStatus {
    const role = this.#context.replica === 0 ? "leader" : "follower";
    return { view: 0, role, executed: this.#executed, stable: 0, operations: this.#executed };
  }

  step(_now: number, input: Input<ToyMessage, Stored>): Effect<ToyMessage, Stored>[] {
    if (input.kind === "start") {
      for (const record of input.journal) this.#remember(record);
      this.#wait();
    } else if (input.kind === "timeout") {
      if (this.#bug !== "never-resends") {
        this.#effects.push({
          kind: "broadcast",
          message: { kind: "status", executed: this.#executed },
        });
      }
      this.#wait();
    } else if (input.kind === "message") this.#onMessage(input.from, input.message);
    this.#execute();
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #wait(): void {
    const afterMs = this.#context.timing.statusMs;
    this.#effects.push({ kind: "set-timer", timer: "status", afterMs });
  }

  #onMessage(from: number | null, message: ToyMessage): void {
    if (message.kind === "request") this.#onRequest(message);
    else if (message.kind === "order") this.#store(message);
    else if (message.kind === "ack" && from !== null) {
      this.#vote(message.order, message.digest, from);
    } else if (message.kind === "status" && from !== null) this.#onStatus(from, message.executed);
  }

  #onRequest({ body, authenticator }: Request): void {
    const bundle = bundleOf({ body, authenticator })!;
    const key = keyOf(bundle);
    const answer = this.#answers.get(key);
    if (answer !== undefined && this.#bug !== "forgets-replies") {
      this.#effects.push({ kind: "reply", ...bundle, message: answer });
    }
    if (this.#context.replica !== 0 || this.#ordered.has(key)) return;
    this.#store({ order: this.#log.size + 1, body, authenticator });
  }

  #store({ order, body, authenticator }: Omit<Stored, "kind">): void {
    if (this.#bug === "throws" && order === 5) throw new Error("planted");
    const record: Stored = { kind: "stored", order, body, authenticator };
    if (!this.#log.has(order)) {
      this.#remember(record);
      if (this.#bug !== "skips-persist") this.#effects.push({ kind: "persist", record });
    }
    if (this.#context.replica === 0) this.#announce(record);
    this.#acknowledge(this.#log.get(order)!);
  }

  #announce({ order, body, authenticator }: Stored): void {
    const message = { kind: "order", order, body, authenticator } as const;
    this.#effects.push({ kind: "broadcast", message });
  }

  #acknowledge({ order, body }: Stored): void {
    const digest = this.#context.hash(body);
    this.#effects.push({ kind: "broadcast", message: { kind: "ack", order, digest } });
  }

  #remember(record: Stored): void {
    this.#log.set(record.order, record);
    const key = keyOf(bundleOf({ ...record })!);
    if (this.#bug !== "forgets-replies") this.#ordered.add(key);
    this.#vote(record.order, this.#context.hash(record.body), this.#context.replica);
  }

  #vote(order: number, digest: Uint8Array, from: number): void {
    const key = `${order} ${toHex(digest)}`;
    const voters = this.#acks.get(key) ?? new Set();
    this.#acks.set(key, voters.add(from));
  }

  #onStatus(from: number, executed: number): void {
    for (let order = executed + 1; order <= executed + 8; order++) {
      const record = this.#log.get(order);
      if (record === undefined) return;
      const { body, authenticator } = record;
      if (this.#context.replica === 0) {
        const message = { kind: "order", order, body, authenticator } as const;
        this.#effects.push({ kind: "send", to: from, message });
      }
      const digest = this.#context.hash(body);
      this.#effects.push({ kind: "send", to: from, message: { kind: "ack", order, digest } });
    }
  }

  #execute(): void {
    for (;;) {
      const record = this.#log.get(this.#executed + 1);
      if (record === undefined) return;
      const digest = this.#context.hash(record.body);
      const votes = this.#acks.get(`${record.order} ${toHex(digest)}`);
      if ((votes?.size ?? 0) <= this.#context.f) return;
      this.#executed++;
      this.#apply(record, digest);
    }
  }

  #apply(record: Stored, digest: Uint8Array): void {
    const { order } = record;
    const bundle = bundleOf({ ...record })!;
    const { client, session, number, operations } = bundle;
    this.#effects.push({
      kind: "observe",
      event: { event: "executed", order, digest, operations: operations.length },
    });
    if (this.#bug === "skips-a-bundle" && order === 6 && this.#context.replica === 1) return;
    this.#effects.push({ kind: "observe", event: { event: "applied", client, session, number } });
    const results = operations.map((operation) =>
      this.#context.service.apply(operation, { client, session }),
    );
    if (this.#bug === "lies-about-state" && order % 7 === 0 && this.#context.replica === 1) {
      this.#context.service.apply(new Uint8Array(1), { client, session });
    }
    const { replica } = this.#context;
    const message = { kind: "reply", client, session, number, replica, results } as const;
    this.#answers.set(keyOf(bundle), message);
    this.#effects.push({ kind: "reply", client, session, message });
  }
}

const keyOf = ({ client, session, number }: Bundle): string => `${client}/${session}/${number}`;
