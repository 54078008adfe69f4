// How views are left and begun, in stories: each ends well, and does not without its rule.

import assert from "node:assert/strict";
import {
  about,
  answer,
  bytesOf,
  comeBack,
  cutOff,
  forge,
  isConsistent,
  type Message,
  received,
  requestsAt,
  rule,
  stage,
  unmoved,
  wish,
} from "./support.js";

const a = [bytesOf("a")];
const b = [bytesOf("b")];
const c = [bytesOf("c")];

const isCheckpoint = ({ message }: Message): boolean => message.kind === "checkpoint";

rule("a request that reached one replica is passed on", "requests-not-forwarded", (p) => {
  const world = stage(p);
  world.submit(0, a, { to: [1] });
  world.play(1_000);
  assert.equal(answer(world, 0, 1), "a");
});

rule("nobody leaves a view alone", "leaves-alone", (p) => {
  const world = stage(p);
  world.submit(0, a, { to: [3] });
  world.settle();
  const apart = cutOff(world, 3);
  world.play(1_000);
  apart();
  world.play(200);
  world.crash(2);
  world.submit(1, b);
  world.play(50);
  assert.equal(world.status(3).view, 0);
  assert.notEqual(answer(world, 1, 1), null, "R0, R1 and R3 go on at once");
});

rule("a leader that comes back goes on where it was", "proposals-below-window", (p) => {
  const world = stage(p, { limits: { checkpointOrders: 2 } });
  for (const client of [0, 1]) {
    world.submit(client, a);
    world.play(10);
  }
  assert.equal(world.status(0).stable, 2);
  comeBack(world, 0);
  world.submit(2, b);
  world.play(50);
  assert.equal(world.status(1).view, 0);
  assert.notEqual(answer(world, 2, 1), null);
});

rule(
  "a view begins with reports for it",
  ["reports-for-other-views-counted", "begins-with-one-less"],
  (p) => {
    const world = stage(p, { liars: [0] });
    const liar = world.liar(0);
    // R0 reports for a view far ahead, and is silent.
    const content = { to: 1_000, stable: unmoved, prepared: [], seen: [] };
    liar.send([1, 2, 3], { kind: "view-change", ...forge(liar).report(content) });
    world.submit(0, a);
    world.play(20_000);
    assert.equal(answer(world, 0, 1), "a");
  },
);

rule("who left a view for a later one does not enter it", "back-to-old-views", (p) => {
  const world = stage(p, { liars: [3] });
  const liar = world.liar(3);
  world.block((m) => m.message.kind === "request" && typeof m.from === "number");
  world.block(about("pre-prepare", 0));
  // R1 begins view 1 late, and R0 and R2 hear nothing of it.
  const slow = world.hold((m) => m.from === 2 && m.to === 1 && m.message.kind === "view-change");
  const quiet = world.block((m) => m.from === 1 && m.message.kind === "status");
  const isFrom1 = ({ from, message }: Message) => from === 1 && message.kind !== "view-change";
  const late = world.hold((m) => isFrom1(m) && m.to === 0);
  const unheard = world.block((m) => isFrom1(m) && m.to === 2);
  world.submit(0, a, { to: [0, 1, 2] });
  world.submit(1, b, { to: [2] });
  world.play(1_400);
  slow();
  world.settle();
  assert.equal(world.status(1).role, "leader");
  world.elapse(0);
  const without1 = world.block((m) => m.to === 1);
  world.play(600);
  assert.deepEqual(
    [0, 1, 2].map((replica) => world.status(replica).view),
    [2, 1, 2],
  );
  // Now R0 hears of it: would it help R1 and R3 to decide a there?
  const without2 = cutOff(world, 2);
  without1();
  late();
  world.settle();
  const proposal = received(liar, "pre-prepare").find(({ view }) => view === 1)!;
  liar.send([0, 1], { kind: "prepare", ...forge(liar).prepare(proposal) });
  liar.send([0, 1], { kind: "commit", ...forge(liar).commit(proposal) });
  world.settle();
  // View 2 begins by what it reported.
  for (const end of [quiet, without2, unheard]) end();
  const nothing = forge(liar).report({ to: 2, stable: unmoved, prepared: [], seen: [] });
  liar.send(2, { kind: "view-change", ...nothing });
  world.play(10_000);
  assert.ok(isConsistent(world), "one batch for each order");
  assert.notEqual(answer(world, 1, 1), null, "they find a view");
});

rule("who enters a view has its checkpoint", "stable-of-plan-not-adopted", (p) => {
  const world = stage(p, { liars: [1], limits: { checkpointOrders: 2 } });
  const liar = world.liar(1);
  // R2 and R3 execute a and b, and only R3 knows that there is a checkpoint then.
  world.block((m) => isCheckpoint(m) && (m.to === 0 || m.to === 2));
  world.block((m) => m.to === 0 && about("commit", 0)(m));
  for (const [client, operation] of [a, b].entries()) {
    world.submit(client, operation);
    world.play(10);
  }
  const { digest } = received(liar, "checkpoint")[0]!;
  liar.send(3, { kind: "checkpoint", ...forge(liar).checkpoint(2, digest) });
  world.settle();
  assert.deepEqual(
    [0, 2, 3].map((replica) => [world.status(replica).executed, world.status(replica).stable]),
    [
      [0, 0],
      [2, 0],
      [2, 2],
    ],
  );
  // R1 begins view 1 after that checkpoint, and proposes c for an order before it.
  world.block(about("pre-prepare", 0, 3));
  world.submit(2, c);
  liar.send([0, 2, 3], wish(1));
  world.play(700);
  const [first, last] = [0, 3].map(
    (from) => received(liar, "view-change").find(({ replica }) => replica === from)!,
  );
  const { stable } = last!;
  const own = forge(liar).report({ to: 1, stable, prepared: [], seen: [] });
  const begin = forge(liar).newView(1, [first!, own, last!]);
  liar.send([0, 2, 3], { kind: "new-view", ...begin });
  world.settle();
  const proposal = forge(liar).prePrepare(1, 1, [requestsAt(liar).at(-1)!]);
  liar.send([0, 2], { kind: "pre-prepare", ...proposal });
  liar.send([0, 2], { kind: "commit", ...forge(liar).commit(proposal) });
  world.settle();
  world.play(10_000);
  assert.ok(isConsistent(world), "what R3 executed stays decided");
  assert.notEqual(answer(world, 2, 1), null, "they find a view");
});

rule(
  "who comes back stands by what its view begins with, wherever that is",
  "plan-replayed-in-old-window",
  (p) => {
    const world = stage(p, { limits: { checkpointOrders: 2 } });
    // R3 misses four orders and both checkpoints, and R0 dies when a fifth order is prepared.
    const apart = cutOff(world, 3);
    for (const client of [0, 1, 2, 3]) {
      world.submit(client, a);
      world.play(10);
    }
    assert.equal(world.status(1).stable, 4);
    world.block(about("commit", 0));
    world.submit(4, b);
    world.play(10);
    world.crash(0);
    // View 1 begins with that order. Nobody hears R3's vote, and it comes back.
    apart();
    world.block((m) => m.to === 3 && (isCheckpoint(m) || m.message.kind === "manifest"));
    const unheard = world.block((m) => m.from === 3 && about("prepare", 1, 5)(m));
    world.submit(4, b, { number: 1 });
    world.play(700);
    assert.deepEqual([world.status(3).view, world.status(3).stable], [1, 4]);
    comeBack(world, 3);
    unheard();
    world.play(200);
    assert.equal(world.status(1).view, 1);
    assert.ok(world.status(1).executed > 4, "view 1 decides it");
  },
);
