// Zyzzyva's rules as short stories: each ends well, and does not without its rule.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  answer,
  between,
  bytesOf,
  certificateOf,
  executedAt,
  forge,
  nothing,
  reportOf,
  requestsAt,
  responsesTo,
  rule,
  stage,
  wish,
  zyzzyva,
} from "./support.js";

const a = [bytesOf("a")];
const b = [bytesOf("b")];
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** protocols.md Z1. */
rule(
  "zyzzyva-two-viewchanges: a commit certificate of an earlier view does not win",
  ["printed-view-change", "lowest-established-view", "local-commit-without-certificate"],
  (p) => {
    const world = stage(p, { liars: [0] });
    const liar = world.liar(0);
    // View 0: R2 and R3 execute a. Its client gives the certificate to R2 only.
    world.submit(0, a, { to: [0] });
    world.settle();
    const orderA = forge(liar).order(0, 1, nothing, requestsAt(liar));
    const apart = world.block(between([1, 2, 3], [1, 2, 3]));
    liar.send([2, 3], { kind: "order-req", ...orderA });
    world.settle(({ from }) => from === 0);
    const certificate = certificateOf(orderA, responsesTo(world, 0), liar);
    world.say(0, [2], { kind: "commit", client: 0, session: 1, number: 1, certificate });
    world.settle();
    apart();
    world.block(({ message }) => message.kind === "order-req" && message.view === 0);
    // View 1 begins without R2: of the others only R3 reports a. R1 orders b, and all of them but
    // R2 store a certificate of it: its client has what it asked for.
    const away = world.block(between([2], [1, 3]));
    world.submit(1, b, { to: [1, 3] });
    liar.send([1, 2, 3], wish(1));
    liar.send([1, 2, 3], reportOf(liar, 1, []));
    world.play(600);
    const begun = liar.received.find(({ message }) => message.kind === "view-confirm")!.message;
    assert.ok(begun.kind === "view-confirm" && begun.order === 0, "view 1 begins with nothing");
    liar.send([1, 3], { kind: "view-confirm", ...forge(liar).confirm(begun) });
    world.play(5);
    const orderB = liar.received
      .map(({ message }) => message)
      .find((message) => message.kind === "order-req" && message.view === 1)!;
    assert.ok(orderB.kind === "order-req" && orderB.order === 1, "R1 orders b first");
    world.submit(1, b, { to: [1, 3], number: 1 });
    world.settle(({ to }) => typeof to === "number");
    const shown = certificateOf(orderB, responsesTo(world, 1).slice(-2), liar);
    world.say(1, [1, 3], { kind: "commit", client: 1, session: 1, number: 1, certificate: shown });
    world.deliver(({ from }) => from === "client 1");
    const stored = world.inFlight(({ message }) => message.kind === "local-commit");
    assert.equal(stored.length, 2, "R1 and R3 have stored the certificate, and R0 says so");
    // View 2 begins without R1; R2 never hears how view 1 began.
    world.block(({ to, message }) => to === 2 && message.kind === "new-view");
    away();
    world.block(between([1], [0, 2, 3]));
    liar.send([2, 3], wish(2));
    liar.send([2, 3], reportOf(liar, 2, []));
    world.play(1500);
    const second = liar.received
      .map(({ message }) => message)
      .find((message) => message.kind === "view-confirm" && message.view === 2)!;
    assert.ok(second.kind === "view-confirm", "view 2 begins");
    assert.equal(hex(second.history), hex(orderB.history), "with what was completed in view 1");
  },
);

/** The other preference, protocols.md Z1. */
rule(
  "fast-recovery-compare-views: orders that f+1 report do not win over a certificate",
  ["orders-before-certificates", "certificates-ignored", "shortest-certificate"],
  (p) => {
    const world = stage(p, { liars: [0] });
    const liar = world.liar(0);
    // R1 and R2 execute a, and R3 b. The client of a completes it: R0, R1 and R2 know of 2f+1.
    world.submit(0, a, { to: [0] });
    world.submit(1, b, { to: [0] });
    world.settle();
    const apart = world.block(between([1, 2, 3], [1, 2, 3]));
    const [first, second] = requestsAt(liar);
    const orderA = forge(liar).order(0, 1, nothing, [first!]);
    const orderB = forge(liar).order(0, 1, nothing, [second!]);
    liar.send([1, 2], { kind: "order-req", ...orderA });
    liar.send([3], { kind: "order-req", ...orderB });
    world.settle(({ from }) => from === 0);
    const certificate = certificateOf(orderA, responsesTo(world, 0), liar);
    world.say(0, [1, 2], { kind: "commit", client: 0, session: 1, number: 1, certificate });
    world.deliver(({ from }) => from === "client 0");
    const stored = world.inFlight(({ message }) => message.kind === "local-commit");
    assert.equal(stored.length, 2, "R1 and R2 have stored the certificate, and R0 says so");
    // View 1 begins without R2: R0 and R3 report b, R1 has the certificate of a.
    apart();
    world.block(between([2], [1, 3]));
    liar.send([1, 3], wish(1));
    liar.send([1, 3], reportOf(liar, 1, [orderB]));
    world.play(700);
    const begun = liar.received.find(({ message }) => message.kind === "view-confirm")!.message;
    assert.ok(begun.kind === "view-confirm", "view 1 begins");
    assert.equal(hex(begun.history), hex(orderA.history), "with what was completed in view 0");
  },
);

rule(
  "what a view begins with is not decided because one replica knows it is established",
  ["established-is-decided"],
  (p) => {
    const world = stage(p);
    // R0 and R3 execute a.
    world.block(({ to, message }) => message.kind === "order-req" && (to === 1 || to === 2));
    const unheard = world.block(({ message }) => message.kind === "reached");
    world.submit(0, a, { to: [0] });
    world.elapse(0);
    world.settle();
    // View 1 begins with a, without R2; only R0 gets to know that it is established.
    const alone = world.block(between([2], [0, 1, 3]));
    world.block(
      ({ to, message }) =>
        (message.kind === "view-confirm" && message.view === 1 && to !== 0) ||
        (message.kind === "established" && message.view === 1),
    );
    world.submit(1, b, { to: [1, 3] });
    world.play(650);
    assert.deepEqual([world.status(0).view, world.status(1).view], [1, 1]);
    // View 2 begins without R0: only R3 ever had a from the leader of view 0.
    world.block(between([0], [1, 2, 3]));
    alone();
    unheard();
    world.block(({ message }) => message.kind === "order-req" && message.view === 0);
    world.submit(1, b, { to: [2, 3], number: 1 });
    world.play(4000);
    assert.ok(world.status(2).view > 1, "a later view begins");
    const executed = [0, 1, 2, 3].map((id) => executedAt(world, id).get(1));
    const known = executed.filter((digest) => digest !== undefined);
    assert.ok(new Set(known).size <= 1, "nobody executed anything else");
  },
);

/** protocols.md Z2. */
rule(
  "zyzzyva-rollback-client-table: what was undone is not answered from a cache",
  ["rollback-without-client-table"],
  (p) => {
    const world = stage(p, { liars: [0] });
    const liar = world.liar(0);
    // R0 lets only R3 execute a, and is silent from then on.
    world.submit(0, a, { to: [0] });
    world.settle();
    const orderA = forge(liar).order(0, 1, nothing, requestsAt(liar));
    liar.send([3], { kind: "order-req", ...orderA });
    world.settle(({ from }) => from === 0);
    const undone = () => world.observations(3).filter(({ event }) => event === "undone").length;
    assert.equal(world.status(3).tentative, 1);
    // View 1 begins without it, and with b.
    world.submit(1, b, { to: [1] });
    liar.send([1, 2, 3], reportOf(liar, 1, []));
    world.block(({ from, message }) => from === 3 && message.kind === "request");
    world.block(({ from, to, message }) => from === 3 && to !== 3 && message.kind === "order-req");
    world.play(1500);
    assert.equal(undone(), 1, "R3 undid a");
    world.submit(0, a, { to: [1, 2, 3], number: 1 });
    world.play(1000);
    world.submit(0, a, { to: [1, 2, 3], number: 1 });
    world.play(5);
    const texts = world
      .replies(0)
      .filter(({ reply }) => reply.isTentative !== true)
      .map(({ from, reply }) => `${from} ${Buffer.from(reply.results[0]!).toString()}`);
    assert.deepEqual(texts.toSorted(), ["1 ba", "2 ba", "3 ba"]);
  },
);

test("a client has its answers after three message delays", () => {
  const world = stage(zyzzyva);
  world.submit(0, a, { to: [0] });
  world.deliver(); // 1: REQUEST
  world.elapse(0);
  world.deliver(({ message }) => message.kind === "order-req"); // 2
  assert.equal(responsesTo(world, 0).length, 4);
  world.deliver(); // 3: SPEC-RESPONSE
  assert.equal(world.replies(0).length, 4);
});

test("two orders of one leader for one place make everybody leave its view at once", () => {
  const world = stage(zyzzyva, { liars: [0] });
  const liar = world.liar(0);
  world.submit(0, a, { to: [0] });
  world.submit(1, b, { to: [0] });
  world.settle();
  const [first, second] = requestsAt(liar);
  liar.send([1, 2], { kind: "order-req", ...forge(liar).order(0, 1, nothing, [first!]) });
  liar.send([3, 2], { kind: "order-req", ...forge(liar).order(0, 1, nothing, [second!]) });
  world.settle();
  assert.deepEqual(
    [1, 2, 3].map((id) => world.status(id).view),
    [1, 1, 1],
  );
});

rule("what was completed survives a power cut of all replicas", ["order-not-stored"], (p) => {
  const world = stage(p);
  world.submit(0, a, { to: [0] });
  world.elapse(0);
  world.settle(({ from, to }) => typeof to === "number" || typeof from === "number");
  world.elapse(0);
  world.settle();
  assert.equal(world.replies(0).length, 4, "completed");
  assert.equal(executedAt(world, 2).size, 0, "and decided by nobody yet");
  for (const id of [0, 1, 2, 3]) world.crash(id);
  for (const id of [0, 1, 2, 3]) world.restart(id);
  world.play(500);
  world.submit(0, a, { number: 1 });
  world.play(10);
  assert.equal(answer(world, 0, 1), "a");
});

rule(
  "a batch that came before its view outlives a saved state",
  ["batches-not-kept", "unexecuted-batches-not-kept"],
  (p) => {
    const world = stage(p, { limits: { checkpointOrders: 4 } });
    const submit = (count: number): void => {
      for (let round = 0; round < count; round += 1) {
        world.submit(0, a, { to: [0] });
        world.play(20);
      }
    };
    // R3 misses a checkpoint and two orders beyond it, with which view 1 begins.
    const missing = world.block(between([3], [0, 1, 2]));
    submit(6);
    world.block(between([0], [1, 2, 3]));
    missing();
    let first: string | null = null;
    const second = world.block(({ to, message }) => {
      if (to !== 3 || message.kind !== "batch") return message.kind === "decided";
      first ??= hex(message.digest);
      return hex(message.digest) !== first;
    });
    world.submit(1, b, { to: [1, 2, 3] });
    world.play(2_000);
    assert.equal(first === null, false, "R3 has one of the batches");
    assert.equal(world.status(3).stable, 4, "and has fetched the state");
    assert.equal(world.status(3).executed, 4);
    second();
    world.play(300);
    assert.ok(world.status(3).executed >= 6, "view 1 begins for R3 as well");
    world.block(between([3], [1, 2]));
    world.crash(3);
    world.restart(3);
    assert.ok(world.status(3).executed >= 6, "R3 still has what view 1 begins with");
  },
);

test("under steady load nobody suspects a leader", () => {
  const world = stage(zyzzyva);
  for (let round = 0; round < 50; round += 1) {
    world.submit(0, a, { to: [0], acknowledged: round });
    world.play(30);
  }
  for (const id of [0, 1, 2, 3]) {
    assert.ok(world.observations(id).every(({ event }) => event !== "suspect"));
    assert.ok(
      world.status(id).executed - world.status(id).tentative! > 40,
      "and orders are decided",
    );
  }
});
