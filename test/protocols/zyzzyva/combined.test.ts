// What Zyzzyva's replicas report, and keep for that, and with what views begin: a liar and a crash,
// or two. Each story ends well, and does not without its rule.

import assert from "node:assert/strict";
import { noHistory } from "../../../src/parts/index.js";
import { proven, type ZyzzyvaMessage } from "../../../src/protocols/zyzzyva/index.js";
import {
  answer,
  between,
  bytesOf,
  certificateOf,
  forge,
  type Liar,
  type Message,
  reportOf,
  requestsAt,
  responsesTo,
  rule,
  stage,
  wish,
  type World,
  type ZyzzyvaProtocol,
} from "./support.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** R0 lies and leads: a and b are decided, x and y may come next. Nobody has heard a checkpoint. */
function thirdOrderDue(protocol: ZyzzyvaProtocol) {
  const world = stage(protocol, { liars: [0], limits: { checkpointOrders: 2 } });
  const liar = world.liar(0);
  const unstable = world.hold(({ message }) => message.kind === "checkpoint");
  ["a", "b", "x", "y"].forEach((text, client) => {
    world.submit(client, [bytesOf(text)], { to: [0] });
  });
  world.settle();
  const batches = requestsAt(liar).map((request) => [request]);
  const first = forge(liar).order(0, 1, noHistory, batches[0]!);
  const second = forge(liar).order(0, 2, first.history, batches[1]!);
  const [x, y] = [2, 3].map((which) => forge(liar).order(0, 3, second.history, batches[which]!));
  for (const one of [first, second]) liar.send([1, 2, 3], { kind: "order-req", ...one });
  world.settle();
  assert.deepEqual([world.status(1).executed, world.status(1).tentative], [2, 0]);
  /** A replica comes back, maybe from a state that it saved a moment ago. */
  const comeBack = (replica: number, saves: boolean) => {
    if (saves) unstable();
    world.settle();
    assert.equal(world.status(replica).stable, saves ? 2 : 0);
    world.crash(replica);
    world.restart(replica);
  };
  return { world, liar, first, second, x: x!, y: y!, comeBack };
}

/** Everything but statements about checkpoints. */
const isSaid =
  (matches: (message: Message) => boolean) =>
  (one: Message): boolean =>
    one.message.kind !== "checkpoint" && matches(one);

/** The history that a replica says a view begins with. */
function beginning(liar: Liar, view: number): string {
  const told = liar.received
    .map(({ message }) => message)
    .find((message) => message.kind === "view-confirm" && message.view === view);
  assert.ok(told?.kind === "view-confirm", `view ${view} begins`);
  return hex(told.history);
}

type Told = Parameters<typeof reportOf>[2];

/** View 1 begins with what R0, R1 and R3 report. */
function beginWithout2(world: World, liar: Liar, told: Told): void {
  world.block(between([2], [1, 3]));
  liar.send([1, 3], wish(1));
  liar.send([1, 3], reportOf(liar, 1, told));
  world.play(700);
}

const lives = ["", ", also after a crash", ", also after a crash with a saved state"] as const;

lives.forEach((life, index) => {
  rule(
    `what all answered is reported${life}`,
    [(["orders-not-shown", "order-not-stored", "orders-not-retained"] as const)[index]!],
    (protocol) => {
      const { world, liar, first, second, x, comeBack } = thirdOrderDue(protocol);
      // All execute x, and nobody compares it with others or passes it on.
      world.block(({ message, from }) => message.kind === "order-req" && from !== 0);
      world.block(({ message }) => message.kind === "reached" && message.order === 3);
      liar.send([1, 2, 3], { kind: "order-req", ...x });
      world.settle();
      assert.equal(world.status(1).tentative, 1);
      if (index > 0) comeBack(1, index > 1);
      beginWithout2(world, liar, [first, second]);
      assert.equal(beginning(liar, 1), hex(x.history), "with what was completed in view 0");
    },
  );

  rule(
    `a commit certificate is reported${life}`,
    [
      (["certificate-not-shown", "certificate-not-stored", "certificate-not-retained"] as const)[
        index
      ]!,
    ],
    (protocol) => {
      const { world, liar, first, second, x, y, comeBack } = thirdOrderDue(protocol);
      // R1 and R2 execute x, and R3 y. The client of x completes it with R0, R1 and R2.
      const apart = world.block(isSaid(between([1, 2, 3], [1, 2, 3])));
      liar.send([1, 2], { kind: "order-req", ...x });
      liar.send([3], { kind: "order-req", ...y });
      world.settle(({ from }) => from === 0);
      const certificate = certificateOf(x, responsesTo(world, 2), liar);
      assert.equal(certificate.signatures.length, 3);
      world.say(2, [1, 2], { kind: "commit", client: 2, session: 1, number: 1, certificate });
      world.settle();
      if (index > 0) comeBack(1, index > 1);
      apart();
      beginWithout2(world, liar, [first, second, y]);
      assert.equal(beginning(liar, 1), hex(x.history), "with what was completed in view 0");
    },
  );
});

for (const saves of [false, true]) {
  rule(
    `who comes back from ${saves ? "a saved state" : "its journal"} knows that its view stands`,
    [saves ? "view-not-retained" : "view-not-stored"],
    (protocol) => {
      const { world, liar, first, second, comeBack } = thirdOrderDue(protocol);
      // View 1 begins, and all execute z in it, without comparing it.
      world.block(({ message }) => message.kind === "reached" && message.order === 3);
      world.submit(4, [bytesOf("z")], { to: [1, 2, 3] });
      world.play(640);
      assert.deepEqual(
        [1, 2, 3].map((replica) => [world.status(replica).view, world.status(replica).tentative]),
        [
          [1, 1],
          [1, 1],
          [1, 1],
        ],
      );
      // R3 comes back. View 2 begins with what R0, R2 and R3 report.
      world.block(isSaid(between([1], [2, 3])));
      const apart = world.block(isSaid(between([2], [3])));
      comeBack(3, saves);
      liar.send([2, 3], wish(2));
      world.play(2_000);
      assert.deepEqual([world.status(2).view, world.status(3).view], [2, 2]);
      apart();
      liar.send(2, reportOf(liar, 2, [first, second]));
      world.play(100);
      const z = liar.received
        .map(({ message }) => message)
        .find((message) => message.kind === "order-req");
      assert.ok(z?.kind === "order-req" && z.view === 1 && z.order === 3);
      assert.equal(beginning(liar, 2), hex(z.history), "with what was completed in view 1");
    },
  );
}

/** R0 lies and leads, and can order a or b first. */
function firstOrderDue(protocol: ZyzzyvaProtocol) {
  const world = stage(protocol, { liars: [0], limits: { checkpointOrders: 4 } });
  const liar = world.liar(0);
  for (const [client, text] of ["a", "b"].entries()) {
    world.submit(client, [bytesOf(text)], { to: [0] });
  }
  world.settle();
  const orders = requestsAt(liar).map((request) => forge(liar).order(0, 1, noHistory, [request]));
  const [a, b] = orders.map((order) => ({ kind: "order-req", ...order }) as const);
  return { world, liar, a: a!, b: b! };
}

/** The client of a asks everybody. */
function askAll(world: World): string | null {
  for (let round = 0; round < 10 && answer(world, 0, 1) === null; round += 1) {
    world.submit(0, [bytesOf("a")], { to: [1, 2, 3], number: 1 });
    world.play(1_000);
  }
  return answer(world, 0, 1);
}

rule("a certificate is one of its view", ["old-certificate-kept"], (protocol) => {
  const { world, liar, a } = firstOrderDue(protocol);
  // All store a certificate of a, and nobody hears that they did.
  world.block(({ message }) => message.kind === "certified" && message.view === 0);
  liar.send([1, 2, 3], a);
  world.settle();
  assert.equal(askAll(world), "a");
});

rule("a view begins with all that its reports say", ["begun-with-less"], (protocol) => {
  const { world, liar, a } = firstOrderDue(protocol);
  // R3 never hears of a in view 0.
  world.block(({ message, to }) => message.kind === "order-req" && message.view === 0 && to === 3);
  world.block(({ message }) => message.kind === "reached" && message.view === 0);
  liar.send([1, 2], a);
  world.settle();
  assert.equal(askAll(world), "a");
});

rule("what a view does not begin with is undone", ["rejoins-old-history"], (protocol) => {
  const { world, liar, a, b } = firstOrderDue(protocol);
  liar.send([1, 2], a);
  liar.send([3], b);
  world.settle();
  assert.equal(askAll(world), "a");
});

rule("who confirms a view confirms its history", ["confirmations-not-compared"], (protocol) => {
  const world = stage(protocol, { liars: [1] });
  const liar = world.liar(1);
  // R0 and R2 execute a, R3 does not hear of it.
  world.block(({ message, to }) => message.kind === "order-req" && message.view === 0 && to === 3);
  world.block(({ message }) => message.kind === "reached" && message.view === 0);
  world.submit(0, [bytesOf("a")]);
  world.play(650);
  const reports = liar.received.map(({ message }) => message);
  const reportFrom = (replica: number) => {
    const report = reports.find((one) => one.kind === "view-change" && one.replica === replica);
    assert.ok(report?.kind === "view-change");
    return report;
  };
  // R1 begins view 1 with a for R2, and with nothing for R0 and R3.
  const own = reportOf(liar, 1, []);
  const begin = (other: number): ZyzzyvaMessage => {
    const content = { view: 1, reports: [reportFrom(0), own, reportFrom(other)] };
    const proof = liar.context.identity.sign(proven.newView(content, liar.context.hash));
    return { ...content, proof, kind: "new-view" };
  };
  liar.send(2, begin(2));
  liar.send([0, 3], begin(3));
  world.settle();
  const begun = { view: 1, order: 0, history: noHistory };
  liar.send([0, 3], { kind: "view-confirm", ...forge(liar).confirm(begun) });
  world.settle();
  // It is silent from now on.
  for (let round = 0; round < 10 && answer(world, 0, 1) === null; round += 1) {
    world.submit(0, [bytesOf("a")], { to: [0, 2, 3], number: 1 });
    world.play(1_000);
  }
  assert.equal(answer(world, 0, 1), "a");
});
