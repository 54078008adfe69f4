// Zyzzyva's client by itself: what it shows replicas, and how long it waits for the last of them.

import assert from "node:assert/strict";
import {
  type ClientEffect,
  type ClientInput,
  type ClientMachine,
  type ClientMachineContext,
  defaultLimits,
  type ReplicaId,
} from "../../../src/core/index.js";
import type { ZyzzyvaMessage } from "../../../src/protocols/zyzzyva/index.js";
import { bytesOf, rule, type ZyzzyvaProtocol } from "./support.js";

const client = 5;
const session = 1;
const digest = new Uint8Array(32);
const genuine = new Uint8Array(64).fill(1);
const forged = new Uint8Array(64);
const results = [bytesOf("done")];

const context: ClientMachineContext = {
  client,
  session,
  n: 4,
  f: 1,
  hash: () => digest,
  limits: defaultLimits,
  clientAuthentication: "signature",
  replicaAuthentication: "signature",
  authenticate: () => genuine,
  isAuthentic: (claim) => claim.kind === "replica" && claim.proof[0] === genuine[0],
  windowBundles: 4,
  windowBytes: 1 << 20,
  retryMs: 60_000,
  retryMsMax: 60_000,
};

/** One session and its host, and what it did in its last step. */
class Played {
  readonly #protocol: ZyzzyvaProtocol;
  readonly #machine: ClientMachine<ZyzzyvaMessage>;
  #effects: readonly ClientEffect<ZyzzyvaMessage>[] = [];

  constructor(protocol: ZyzzyvaProtocol) {
    this.#protocol = protocol;
    this.#machine = protocol.client.machine(context);
  }

  #step(now: number, input: ClientInput<ZyzzyvaMessage>): void {
    this.#effects = this.#machine.step(now, input);
  }

  #hear(now: number, from: ReplicaId, message: ZyzzyvaMessage): void {
    const claims = this.#protocol.client.claims(message, from, context);
    if (claims?.every(context.isAuthentic) !== true) return;
    this.#step(now, { kind: "message", from, message });
  }

  submit(now: number): void {
    this.#step(now, { kind: "submit", operations: [bytesOf("do")] });
  }

  /** Replicas answer the last bundle, alike. */
  respond(now: number, replicas: readonly ReplicaId[], { view = 0, signature = genuine } = {}) {
    const number = this.#machine.nextNumber - 1;
    const order = { view, order: number, history: digest, batch: digest, proof: genuine };
    const bundle = { client, session, number, outcome: 0, results: results as Uint8Array[] };
    for (const replica of replicas) {
      const message = { kind: "spec-response", ...order, ...bundle, replica, signature } as const;
      this.#hear(now, replica, message);
    }
  }

  /** A replica answers the last bundle for good. */
  reply(now: number, replicas: readonly ReplicaId[]): void {
    const number = this.#machine.nextNumber - 1;
    const bundle = { client, session, number, outcome: 0, results: results as Uint8Array[] };
    for (const from of replicas) {
      this.#hear(now, from, { kind: "reply", view: 0, ...bundle });
    }
  }

  /** Replicas have stored the certificate of the last bundle. */
  store(now: number, replicas: readonly ReplicaId[]): void {
    const number = this.#machine.nextNumber - 1;
    const point = { view: 0, order: number, history: digest };
    for (const from of replicas) {
      this.#hear(now, from, { kind: "local-commit", client, session, number, ...point });
    }
  }

  timeout(now: number): void {
    this.#step(now, { kind: "timeout", timer: "commit" });
  }

  /** How long the last step lets the replicas that have not answered have. */
  get waitMs(): number | null {
    for (const effect of this.#effects) {
      if (effect.kind === "set-timer" && effect.timer === "commit") return effect.afterMs;
    }
    return null;
  }

  /** Whose signatures the last step showed. */
  get shown(): ReplicaId[] | null {
    for (const effect of this.#effects) {
      if (effect.kind !== "broadcast" || effect.message.kind !== "commit") continue;
      return effect.message.certificate.signatures.map(({ replica }) => replica);
    }
    return null;
  }

  get blamed(): ReplicaId[] {
    return this.#effects.flatMap((effect) => (effect.kind === "blame" ? [effect.replica] : []));
  }

  get isAnswered(): boolean {
    return this.#effects.some(({ kind }) => kind === "deliver");
  }
}

rule("a client shows no signature that is not genuine", ["signatures-shown-unchecked"], (p) => {
  const played = new Played(p);
  played.submit(0);
  played.respond(10, [0, 1]);
  played.respond(10, [2], { signature: forged });
  played.timeout(10 + played.waitMs!);
  assert.deepEqual([played.shown, played.blamed], [null, [2]]);
  played.respond(100, [3]);
  assert.deepEqual(played.shown, [0, 1, 3]);
});

rule("3f+1 equal answers need no signature", [], (p) => {
  const played = new Played(p);
  played.submit(0);
  played.respond(10, [0, 1, 2]);
  assert.ok(!played.isAnswered);
  played.respond(10, [3], { signature: forged });
  assert.ok(played.isAnswered);
});

rule("a view change is not waited for twice", [], (p) => {
  const played = new Played(p);
  played.submit(0);
  played.respond(10, [0, 1, 2, 3]);
  played.timeout(50);
  played.submit(100);
  played.respond(2000, [1, 2], { view: 1 });
  played.respond(2010, [3], { view: 1 });
  assert.ok(played.waitMs !== null && played.waitMs < 30, `${played.waitMs} ms`);
});

rule("a view change before the first answer is not waited for twice", [], (p) => {
  const played = new Played(p);
  played.submit(0);
  played.respond(2000, [1, 2], { view: 1 });
  played.respond(2010, [3], { view: 1 });
  assert.ok(played.waitMs !== null && played.waitMs < 30, `${played.waitMs} ms`);
});

rule("the time that one bundle waits keeps no later one waiting", [], (p) => {
  const played = new Played(p);
  played.submit(0);
  played.respond(10, [0, 1, 2, 3]);
  played.timeout(50);
  played.submit(100);
  played.respond(1100, [0, 1, 2]);
  assert.ok(played.waitMs! > 1000);
  played.reply(1110, [0, 1]);
  assert.ok(played.isAnswered);
  played.submit(1120);
  played.respond(1130, [0, 1, 2]);
  assert.ok(played.waitMs !== null && played.waitMs < 30, `${played.waitMs} ms`);
  played.timeout(1130 + played.waitMs!);
  assert.deepEqual(played.shown, [0, 1, 2]);
});

rule("a replica that repeats itself does not put off the certificate", [], (p) => {
  const played = new Played(p);
  played.submit(0);
  played.respond(10, [0, 1, 2]);
  const { waitMs } = played;
  played.respond(25, [2]);
  assert.equal(played.waitMs, null);
  played.timeout(10 + waitMs!);
  assert.deepEqual(played.shown, [0, 1, 2]);
});

rule("a replica that has decided is one that has stored a certificate", [], (p) => {
  const played = new Played(p);
  played.submit(0);
  played.respond(10, [0, 1, 2]);
  played.timeout(10 + played.waitMs!);
  played.store(50, [1]);
  played.reply(50, [0]);
  assert.ok(!played.isAnswered, "one of each might be a liar");
  played.store(50, [0]);
  assert.ok(!played.isAnswered, "who says both is one");
  played.store(50, [2]);
  assert.ok(played.isAnswered);
});

rule("a REPLY counts as LOCAL-COMMIT, whichever comes last", [], (p) => {
  const played = new Played(p);
  played.submit(0);
  played.respond(10, [0, 1, 2]);
  played.timeout(10 + played.waitMs!);
  played.store(50, [1, 2]);
  assert.ok(!played.isAnswered);
  played.reply(50, [0]);
  assert.ok(played.isAnswered);
});
