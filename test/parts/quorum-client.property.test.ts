// The client machine on a network that loses, repeats and reorders, among f replicas that answer
// anything.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Bundle } from "../../src/codec/index.js";
import { type ClientInput, type ClientMachine, defaultLimits } from "../../src/core/index.js";
import { quorumClient } from "../../src/parts/index.js";
import {
  bundleIn,
  replyMessage,
  toyResult,
  toyRules,
  type ToyMessage,
} from "../client/toy-protocol.js";

const client = 1;
const session = 77;

/** Replicas that agree on a log by magic; the last f of them lie. */
class World {
  readonly machine: ClientMachine<ToyMessage>;
  readonly submitted = new Map<number, Uint8Array[]>();
  readonly delivered = new Set<number>();
  readonly lost = new Set<number>();
  readonly blamed = new Set<number>();
  retries = 0;
  now = 0;
  #log: Bundle[] = [];
  readonly #early = new Map<number, Bundle>();
  readonly #executed: number[];
  readonly #views: number[];
  #timerAt = Number.POSITIVE_INFINITY;
  /** To a replica, or from one. */
  flying: { replica: number; message: ToyMessage }[] = [];
  readonly #n: number;
  readonly #f: number;

  constructor(f: number) {
    this.#f = f;
    this.#n = 2 * f + 1;
    this.#executed = new Array<number>(this.#n).fill(0);
    this.#views = new Array<number>(this.#n).fill(0);
    this.machine = quorumClient(toyRules).machine({
      client,
      session,
      n: this.#n,
      f,
      hash: () => new Uint8Array(32),
      limits: defaultLimits,
      clientAuthentication: "signature",
      replicaAuthentication: null,
      authenticate: () => new Uint8Array(),
      isAuthentic: () => true,
      windowBundles: 5,
      windowBytes: 1 << 20,
      retryMs: 100,
      retryMsMax: 800,
    });
  }

  get unresolved(): number {
    return this.submitted.size - this.delivered.size - this.lost.size;
  }

  submit(operations: Uint8Array[]): void {
    if (this.machine.isFull) return;
    const resolved = (number: number) => this.delivered.has(number) || this.lost.has(number);
    const { nextNumber } = this.machine;
    this.submitted.set(nextNumber, operations);
    let acknowledged = 0;
    while (resolved(acknowledged + 1)) acknowledged++;
    const before = this.flying.length;
    this.step({ kind: "submit", operations });
    for (const { message } of this.flying.slice(before)) {
      assert.equal(bundleIn(message).acknowledged, acknowledged);
    }
  }

  step(input: ClientInput<ToyMessage>): void {
    for (const effect of this.machine.step(this.now, input)) {
      if (effect.kind === "send") {
        this.flying.push({ replica: effect.to, message: effect.message });
      } else if (effect.kind === "observe") {
        assert.equal(effect.event, "retry");
        this.retries++;
      } else if (effect.kind === "broadcast") {
        const { message } = effect;
        for (let replica = 0; replica < this.#n; replica++) this.flying.push({ replica, message });
      } else if (effect.kind === "set-timer") {
        this.#timerAt = this.now + effect.afterMs;
      } else if (effect.kind === "deliver") {
        this.#onDelivery(effect.number, effect.results);
      } else if (effect.kind === "lost") {
        assert.ok(effect.number <= this.#log.length, "what is lost took effect");
        assert.ok(!this.delivered.has(effect.number));
        this.lost.add(effect.number);
      } else if (effect.kind === "blame") {
        assert.ok(this.#lies(effect.replica), "only liars are blamed");
        this.blamed.add(effect.replica);
      } else {
        assert.fail(`no correct replica forgot the session: ${effect.kind}`);
      }
    }
  }

  #onDelivery(number: number, results: readonly Uint8Array[]): void {
    assert.deepEqual(results, this.submitted.get(number)!.map(toyResult), "a wrong result");
    assert.ok(!this.delivered.has(number) && !this.lost.has(number), "a second result");
    this.delivered.add(number);
  }

  /** Lets what flies at this place arrive; it stays there too if it is to arrive again. */
  arrive(place: number, again: boolean): void {
    const [flight] = again ? this.flying.slice(place, place + 1) : this.flying.splice(place, 1);
    if (flight === undefined) return;
    const { replica, message } = flight;
    if (message.kind === "reply") this.step({ kind: "message", from: replica, message });
    else if (!this.#lies(replica)) this.#onRequest(replica, bundleIn(message));
  }

  /**
   * A correct replica orders what is next, catches up, and answers what it executed now or is asked
   * again.
   */
  #onRequest(replica: number, bundle: Bundle): void {
    this.#early.set(bundle.number, bundle);
    for (;;) {
      const next = this.#early.get(this.#log.length + 1);
      if (next === undefined) break;
      this.#log.push(next);
    }
    const executed = this.#executed[replica]!;
    if (bundle.number <= executed) this.#answer(replica, bundle);
    for (const fresh of this.#log.slice(executed)) this.#answer(replica, fresh);
    this.#executed[replica] = this.#log.length;
  }

  #answer(replica: number, { number, operations }: Bundle): void {
    const view = this.#views[replica]!;
    const results = operations.map(toyResult);
    const reply = { client, session, number, view, outcome: "executed", results } as const;
    this.flying.push({ replica, message: replyMessage(reply) });
  }

  /** One liar says something; two that say the same look like more than chance. */
  lie(number: number, results: Uint8Array[], view: number, expired: boolean, who: number): void {
    const outcome = expired ? "session-expired" : "executed";
    const replica = this.#n - 1 - (who % this.#f);
    const message = replyMessage({ client, session, number, view, outcome, results });
    this.flying.push({ replica, message });
  }

  advance(byMs: number): void {
    this.now += byMs;
    if (this.now < this.#timerAt) return;
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.step({ kind: "timeout", timer: "retry" });
  }

  changeView(replica: number): void {
    this.#views[replica % this.#n]! += 1;
  }

  connect(replica: number): void {
    this.step({ kind: "connected", replica: replica % this.#n });
  }

  /** From here on the network is good. */
  calm(): void {
    for (let round = 0; round < 100 && this.unresolved > 0; round++) {
      for (let flights = 0; this.flying.length > 0; flights++) {
        assert.ok(flights < 10_000, "messages without end");
        this.arrive(0, false);
      }
      this.advance(100);
    }
  }

  #lies(replica: number): boolean {
    return replica >= this.#n - this.#f;
  }
}

const operations = fc.array(fc.uint8Array({ maxLength: 3 }), { minLength: 1, maxLength: 3 });
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant("submit" as const), operations }) },
  {
    weight: 10,
    arbitrary: fc.record({
      act: fc.constant("arrive" as const),
      place: fc.nat(1_000),
      again: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("lose" as const), place: fc.nat(1_000) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant("lie" as const),
      number: fc.integer({ min: 1, max: 8 }),
      results: operations,
      view: fc.nat(5),
      expired: fc.boolean(),
      who: fc.nat(1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant("wait" as const), ms: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("view" as const), replica: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("connect" as const), replica: fc.nat(4) }) },
);

function run(
  f: number,
  actions: (typeof action extends fc.Arbitrary<infer A> ? A : never)[],
): World {
  const world = new World(f);
  for (const step of actions) {
    const place = "place" in step ? step.place % Math.max(1, world.flying.length) : 0;
    if (step.act === "submit") world.submit(step.operations);
    else if (step.act === "arrive") world.arrive(place, step.again);
    else if (step.act === "lose") world.flying.splice(place, 1);
    else if (step.act === "lie") {
      world.lie(step.number, step.results, step.view, step.expired, step.who);
    } else if (step.act === "wait") world.advance(step.ms);
    else if (step.act === "view") world.changeView(step.replica);
    else world.connect(step.replica);
  }
  world.calm();
  return world;
}

for (const f of [1, 2]) {
  test(`no lie is believed and everything is answered in the end, f = ${f}`, () => {
    const reached = { deliveries: 0, blames: 0, retries: 0 };
    fc.assert(
      fc.property(fc.array(action, { minLength: 20, maxLength: 150, size: "max" }), (actions) => {
        const world = run(f, actions);
        assert.equal(world.unresolved, 0, "something was never answered");
        reached.deliveries += world.delivered.size;
        reached.blames += world.blamed.size;
        reached.retries += world.retries;
      }),
      { numRuns: 300 },
    );
    for (const [what, count] of Object.entries(reached))
      assert.ok(count > 100, `few ${what}: ${count}`);
  });
}
