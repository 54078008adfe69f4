// Replicas that prove what they say by their identities, under the simulator: liars prove what they
// say as well, as often as they like, and nobody proves anything in another's name.

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBundle, type Request } from "../../src/codec/index.js";
import {
  absentCounter,
  defaultLimits,
  defaultTiming,
  type Effect,
  type ReplicaAuthentication,
  type ReplicaContext,
  replicaAuthentications,
  type ReplicaId,
  type Tagged,
} from "../../src/core/index.js";
import {
  addReached,
  Exploration,
  type Fault,
  identities,
  type LiarPlan,
  LyingReplica,
  type Outcome,
  planOf,
  type Property,
  Random,
  scenario,
  simulateSeed,
  symbolicHash,
} from "../../src/simulator/index.js";
import { Prover } from "../../src/simulator/adversary/prover.js";
import {
  type Flaw,
  statement,
  type StatementMessage,
  statementProtocol,
} from "./statement-protocol.js";
import { countingService, countingWorkload } from "./toy-service.js";

const n = 4;
const operation = Uint8Array.of(1);
const faults: readonly Fault[] = ["loss", "crashes", "partitions", "lies"];

interface Trial {
  readonly flaw: Flaw | null;
  readonly authentication: ReplicaAuthentication;
  /** In place of the liars that the seed draws, replica 0 left out. */
  readonly liars?: readonly LiarPlan[];
}

/** A seed's run in which replica 0, without which nothing goes on, is correct unless told so. */
function run({ flaw, authentication, liars }: Trial, seed: number): Outcome {
  const protocol = statementProtocol(flaw, [authentication]);
  const options = {
    protocol,
    service: countingService,
    workload: countingWorkload,
    n,
    seed,
    faults,
  };
  const plan = planOf(options);
  const drawn = plan.liars.map((liar) => (liar.replica === 0 ? { ...liar, replica: 1 } : liar));
  // Short, for there are many: that a lying leader stops everything needs no long look.
  const clients = { ...plan.clients, bundles: Math.min(plan.clients.bundles, 6) };
  const short = { ...plan, clients, livenessMs: 5_000, finale: null };
  return simulateSeed({ ...options, plan: { ...short, liars: liars ?? drawn } });
}

for (const authentication of replicaAuthentications) {
  test(`a correct protocol passes with lying replicas (${authentication})`, () => {
    const reached: Record<string, number> = {};
    for (let seed = 1; seed <= 8; seed++) {
      const outcome = run({ flaw: null, authentication }, seed);
      assert.deepEqual(outcome.violations, [], `seed ${seed}`);
      addReached(reached, outcome.reached);
    }
    assert.ok((reached["liar"] ?? 0) > 0);
    assert.ok((reached["dropped: forged statement"] ?? 0) > 0);
  });
}

const liar = (replica: ReplicaId, ...lies: string[]): LiarPlan => ({
  replica,
  lies,
  garbleChance: 0,
});

/** What is planted, who finds it how, and what no run shows that it is not planted in. */
const planted: readonly (readonly [Flaw, ReplicaAuthentication, LiarPlan, Property])[] = [
  ["small-quorum", "signature", liar(0, "twins"), "agreement"],
  ["small-quorum", "mac", liar(0, "twins"), "agreement"],
  ["believes-votes", "trusted-mac", liar(2, "splice"), "agreement"],
  ["counts-twice", "signature", liar(1, "splice", "rewrite"), "agreement"],
  ["passes-on-authenticators", "mac", liar(1, "partialProof"), "liveness"],
];

for (const [flaw, authentication, who, property] of planted) {
  test(`liars find that it ${flaw} (${authentication})`, () => {
    const liars = [who];
    for (let seed = 1; seed <= 60; seed++) {
      const shows = (outcome: Outcome) =>
        outcome.violations.some((one) => one.property === property);
      if (!shows(run({ flaw, authentication, liars }, seed))) continue;
      assert.ok(!shows(run({ flaw: null, authentication, liars }, seed)), `seed ${seed}`);
      return;
    }
    assert.fail(`no ${property} violation in 60 seeds`);
  });
}

// One liar by itself: what its prover makes of a message.

function proverFor(
  authentication: ReplicaAuthentication,
  self: ReplicaId,
  flaw: Flaw | null = null,
  count = n,
) {
  const protocol = statementProtocol(flaw, [authentication]);
  const members = identities(authentication, count, new Random(1));
  const contextOf = (replica: ReplicaId): ReplicaContext => ({
    replica,
    n: count,
    f: 1,
    service: countingService(),
    counter: absentCounter(replica),
    identity: members.of(replica),
    hash: symbolicHash,
    limits: defaultLimits,
    timing: defaultTiming,
    clientAuthentication: "signature",
    replicaAuthentication: authentication,
  });
  const context = contextOf(self);
  /** Which replicas believe all that replicas are said to have said in it. */
  const believers = (message: StatementMessage): ReplicaId[] => {
    const claims = protocol.claims(message, self, context);
    if (claims === null) return [];
    const said = claims.filter((claim) => claim.kind === "replica");
    const all = Array.from({ length: count }, (_, id) => id);
    return all.filter((id) => said.every((claim) => members.isGenuine(id, claim)));
  };
  const prover = new Prover(protocol, context);
  return { prover, believers, members, context, protocol };
}

const blank = new Uint8Array(0);
const status: StatementMessage = { kind: "status", executed: 7, proof: blank };

test("a liar proves anew whatever it says, and leaves alone what is right", () => {
  for (const authentication of replicaAuthentications) {
    const { prover, believers } = proverFor(authentication, 2);
    assert.deepEqual(believers(status), []);
    const proved: StatementMessage = prover.reproved(status);
    assert.deepEqual(believers(proved), [0, 1, 2, 3]);
    assert.equal(prover.reproved(proved), proved);
    const changed: StatementMessage = prover.reproved({ ...status, executed: 8 });
    assert.deepEqual(believers(changed), [0, 1, 2, 3]);
    assert.ok(prover.says(changed));
  }
});

const request = { client: 0, session: 1, number: 1, acknowledged: 0, operations: [operation] };
const body = encodeBundle(request);
const voted = (order: number) => statement(symbolicHash, "vote", order, symbolicHash(body));

test("a liar proves nothing in another's name", () => {
  const { prover, believers, members } = proverFor("signature", 2);
  const votes = [1, 2, 3].map((replica) => {
    return { replica, signature: members.of(replica).sign(voted(1)) };
  });
  const certificate = { kind: "certificate", order: 1, body, authenticator: blank, votes } as const;
  assert.deepEqual(believers(certificate), [0, 1, 2, 3]);
  const moved = prover.reproved({ ...certificate, order: 2 });
  assert.deepEqual(believers(moved), []);
  assert.deepEqual(moved.votes[1]?.signature, members.of(2).sign(voted(2)), "its own is right");
  assert.deepEqual([moved.votes[0], moved.votes[2]], [votes[0], votes[2]], "others' stay");
  prover.note(certificate, 0);
  assert.deepEqual(
    votes.map(({ signature }) => prover.speakerOf(signature)),
    [1, 2, 3],
  );
});

test("a liar makes the votes of others its own", () => {
  const [self, count] = [15, 16]; // too far from the voters to be met by changing numbers
  const made = proverFor("signature", self, "counts-twice", count);
  const votes = [0, 1, 2].map((replica) => {
    return { replica, signature: made.members.of(replica).sign(voted(1)) };
  });
  const certificate = { kind: "certificate", order: 1, body, authenticator: blank, votes } as const;
  const message = { kind: "message", from: 0, message: certificate } as const;
  const isStuffed = (effect: Effect<Tagged, Tagged>): boolean => {
    if (effect.kind !== "send" || effect.message.kind !== "certificate") return false;
    const sent = effect.message as typeof certificate;
    if (sent.votes.some(({ replica }) => replica !== self)) return false;
    return sent.votes.length === 3 && made.believers(sent).length === count;
  };
  for (let seed = 1; seed <= 100; seed++) {
    const random = new Random(seed);
    const liar = new LyingReplica({ ...made, random, lies: ["usurp"] });
    liar.step(0, { kind: "start", snapshot: null, journal: [] });
    for (let now = 10; now < 200; now += 10) if (liar.step(now, message).some(isStuffed)) return;
  }
  assert.fail("three votes of its own are never believed");
});

test("a partial authenticator is believed by some, and stays as it is", () => {
  const { prover, believers } = proverFor("mac", 2);
  const partial = prover.partly(prover.reproved(status), (receiver) => receiver !== 3);
  assert.deepEqual(believers(partial), [3]);
  assert.equal(prover.reproved(partial), partial);
  const signed = proverFor("signature", 2);
  const whole = signed.prover.reproved(status);
  assert.equal(
    signed.prover.partly(whole, () => true),
    whole,
  );
});

test("a liar played by hand equivocates under its own proofs, and has no others", () => {
  const protocol = statementProtocol(null, ["signature"]);
  const world = scenario({ protocol, n, service: countingService, liars: [0] });
  const liar0 = world.liar(0);
  const { context, received } = liar0;
  for (const client of [0, 1]) world.submit(client, [operation], { to: [0] });
  world.settle();
  const [first, second] = received.map(({ message }) => {
    assert.ok(message.kind === "request");
    return message;
  });
  const orderOf = ({ body, authenticator }: Request, by = context.identity) => {
    const proof = by.sign(statement(context.hash, "order", 1, context.hash(body)));
    return { kind: "order", order: 1, body, authenticator, proof } as const;
  };
  const stranger = identities("signature", n, new Random(99)).of(0);
  liar0.send(1, orderOf(first!, stranger));
  world.settle();
  assert.equal(world.dropped(1)["forged statement"], 1);
  liar0.send([1, 2], orderOf(first!));
  liar0.send(3, orderOf(second!));
  world.settle();
  for (const replica of [1, 2, 3])
    assert.equal(world.dropped(replica)["forged statement"] ?? 0, replica === 1 ? 1 : 0);
  assert.equal(world.inFlight().length, 0);
  assert.equal(world.result(0, 1), null, "neither has the votes of three");
});

test("the explorer plays both sides of a leader that is two", () => {
  const explore = (flaw: Flaw | null) =>
    new Exploration({
      protocol: statementProtocol(flaw, ["signature"]) as never,
      service: countingService,
      n,
      requests: [0, 1].map((client) => ({ client, operation, to: [0] })),
      faults: { twins: 0 },
      eventually: false,
    }).finish();
  assert.equal(explore("small-quorum").violation?.property, "agreement");
});
