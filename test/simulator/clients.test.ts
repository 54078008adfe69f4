// Simulated clients: the deployed machines in virtual time. They try again, blame, expire and renew
// as the deployed ones do.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Protocol } from "../../src/core/index.js";
import {
  type Call,
  type Lie,
  type Lies,
  type Plan,
  planOf,
  type Script,
  simulateSeed,
  type TraceEvent,
} from "../../src/simulator/index.js";
import { napping } from "../client/napping-client.js";
import { type ToyMessage, toyProtocol } from "./toy-protocol.js";
import { countingService, countingWorkload } from "./toy-service.js";

const client = 3; // the party after replicas 0 to 2
const retryMs = 40;

/** One run of one client among three replicas; nothing goes wrong but what is said. */
function run(changes: {
  readonly protocol?: Protocol;
  readonly plan?: Partial<Plan>;
  readonly script?: Script;
  readonly lies?: Lies;
}) {
  const { protocol = toyProtocol(), plan = {}, script, lies = {} } = changes;
  const calls: Call[] = [];
  const events: TraceEvent[] = [];
  const options = {
    protocol,
    service: countingService,
    workload: countingWorkload,
    n: 3,
    seed: 1,
    faults: [],
    lies,
  };
  const drawn = planOf(options);
  const clients = {
    ...drawn.clients,
    correct: 1,
    bundles: 3,
    operationsMax: 1,
    outstanding: 1,
    retryMs,
  };
  const outcome = simulateSeed({
    ...options,
    plan: { ...drawn, clients, livenessMs: 5_000, ...plan },
    ...(script === undefined ? {} : { script }),
    trace: (event) => events.push(event),
    history: (all) => calls.push(...all),
  });
  return { ...outcome, calls, events };
}

/** Everything is delivered as soon as it can be, but for what is named. */
function scriptWithout(...names: readonly string[]): Script {
  const parties = [0, 1, 2, client];
  const script: Record<string, number> = {};
  for (let count = 1; count <= 100; count++) {
    for (const from of parties) {
      script[`${from}! status ${count}`] = 0;
      for (const to of parties) {
        for (const kind of ["request", "order", "ack", "status", "reply"]) {
          script[`${from}>${to} ${kind} ${count}`] = 0;
        }
      }
    }
  }
  for (const name of names) delete script[name];
  return script;
}

/** When requests left the client, and for which replica. */
const requests = (events: readonly TraceEvent[]) =>
  events.flatMap((event) =>
    event.kind === "sent" && event.from === client
      ? [`${event.to} ${event.fate} ${event.name}`]
      : [],
  );

test("the first bundle goes to everyone, the next to the leader that it found", () => {
  const { violations, reached, events } = run({ script: scriptWithout() });
  assert.deepEqual(violations, []);
  assert.equal(reached["retry"], undefined);
  assert.deepEqual(requests(events), [
    "0 carried 3>0 request 1",
    "1 carried 3>1 request 1",
    "2 carried 3>2 request 1",
    "0 carried 3>0 request 2",
    "0 carried 3>0 request 3",
  ]);
});

test("a request that the leader does not get is sent again, later and to everyone", () => {
  const { violations, reached, calls, events } = run({
    script: scriptWithout("3>0 request 2"),
  });
  assert.deepEqual(violations, []);
  assert.equal(reached["retry"], 1);
  assert.deepEqual(requests(events).slice(3, 7), [
    "0 left out 3>0 request 2",
    "0 carried 3>0 request 3",
    "1 carried 3>1 request 2",
    "2 carried 3>2 request 2",
  ]);
  const { invokedMs, returnedMs } = calls.find(({ result }) => result?.[3] === 2)!;
  assert.ok(returnedMs! - invokedMs >= retryMs, `after ${returnedMs! - invokedMs} ms`);
  assert.ok(calls.every((call) => call.result !== null));
});

/** Answers to clients with results that are not true. */
const wrongResults = (): Lie => ({
  tamper: (outgoing) =>
    outgoing.map((one) =>
      one.message.kind === "reply"
        ? {
            ...one,
            message: { ...one.message, results: [Uint8Array.of(6, 6, 6, 6)] } as ToyMessage,
          }
        : one,
    ),
});

test("a replica that forges results is blamed, and not believed", () => {
  const liars = [{ replica: 2, lies: ["wrongResults"], garbleChance: 0 }];
  // Its lies arrive before the truth of replica 1.
  const clogs = [{ fromMs: 0, untilMs: 5_000, held: [{ from: 1, to: client }] }];
  const { violations, reached, events } = run({ lies: { wrongResults }, plan: { liars, clogs } });
  assert.deepEqual(violations, []);
  const blamed = events.flatMap((event) =>
    event.kind === "happened" && event.what.startsWith("blame: ") ? [event.details] : [],
  );
  assert.ok(blamed.length > 0, JSON.stringify(reached));
  assert.deepEqual(new Set(blamed), new Set(["replica 2"]));
});

test("what a replica cannot prove never reaches the machine; blaming a correct one is told", () => {
  const toy = toyProtocol();
  const protocol: Protocol<ToyMessage> = {
    ...toy,
    client: {
      ...toy.client,
      claims: (_message, from, { hash }) => {
        const digest = hash(new Uint8Array(1));
        const proof = new Uint8Array(64);
        return from === 1
          ? [{ kind: "replica", replica: 1, digest, proof, isTransferable: true }]
          : [];
      },
    },
  };
  const { violations, reached } = run({
    protocol: protocol as unknown as Protocol,
    plan: { replicaAuthentication: "signature" },
  });
  assert.ok(reached["blame: malformed or forged"]! >= 3);
  assert.deepEqual(violations, [
    {
      property: "equal-answers",
      message: "client 0 blames replica 1: malformed or forged",
    },
  ]);
});

test("a protocol's own machine has timers and marks, and a session after its own", () => {
  const toy = toyProtocol();
  const protocol = { ...toy, client: napping(toy.client, (session) => session === 1) };
  const { violations, reached, calls, events } = run({ protocol: protocol as unknown as Protocol });
  assert.deepEqual(violations, []);
  assert.equal(reached["woke in session of client 0"], 1);
  assert.equal(reached["answer: session-expired"], 1);
  assert.deepEqual(
    calls.map(({ result }) => result !== null),
    [true, false, true],
    "what became of the second stays open",
  );
  const answers = events.flatMap((event) =>
    event.kind === "happened" && event.what.startsWith("answer") ? [event.facts] : [],
  );
  assert.deepEqual(
    answers.map(({ number }) => number),
    [1, 2, 1],
  );
  assert.ok(Number(answers[2]!["session"]) > 1);
});
