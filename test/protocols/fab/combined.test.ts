// What FaB's replicas keep, and votes that come late: a liar and a crash, or several views. Each
// story ends well, and does not without its rule.

import assert from "node:assert/strict";
import type { FabMessage } from "../../../src/protocols/fab/index.js";
import { bytesOf } from "../hybster/support.js";
import {
  answer,
  cut,
  disagree,
  type FabProtocol,
  requestsOf,
  rule,
  speaking,
  stage,
  type World,
} from "./support.js";

/** Of one kind, said in one view. */
const about =
  (kind: "propose" | "accepted" | "signed-accepted" | "commit-proof", view: number) =>
  ({ message }: { message: FabMessage }): boolean =>
    message.kind === kind && message.view === view;

const wish = (view: number): FabMessage => ({
  kind: "status",
  view: 0,
  entered: 0,
  stable: 0,
  executed: 0,
  suspects: view,
});

/** R0 lies and leads: a and b are executed, and x and y may be proposed at order 3. */
function thirdOrderDue(protocol: FabProtocol) {
  const world = stage(protocol, { liars: [0], limits: { checkpointOrders: 2 } });
  const liar = world.liar(0);
  const says = speaking(liar);
  const release = world.hold(({ message, to }) => message.kind === "checkpoint" && to === 1);
  ["a", "b", "x", "y"].forEach((text, client) => {
    world.submit(client, [bytesOf(text)], { to: [0] });
  });
  world.settle();
  const [a, b, x, y] = requestsOf(liar).map((request, index) =>
    says.propose(0, Math.min(index + 1, 3), [request]),
  );
  for (const proposal of [a!, b!]) liar.send([1, 2, 3], proposal);
  world.settle();
  assert.deepEqual([world.status(1).executed, world.status(1).stable], [2, 0]);
  /** R1 comes back, maybe from a state that it saved a moment ago. */
  const comeBack = (saves: boolean) => {
    if (saves) release();
    world.settle();
    assert.equal(world.status(1).stable, saves ? 2 : 0);
    world.crash(1);
    world.restart(1);
  };
  return { world, liar, says, x: x!, y: y!, comeBack };
}

/** View 1 begins with what R0, R1 and R3 report, who wait for y; then R2 is back. */
function beginWithout2(
  { world, liar }: Pick<ReturnType<typeof thirdOrderDue>, "world" | "liar">,
  report: FabMessage,
  away: () => void,
): void {
  world.submit(3, [bytesOf("y")], { to: [1, 3], number: 1 });
  world.play(700);
  liar.send(1, report);
  world.settle();
  assert.equal(world.status(1).view, 1);
  away();
  world.play(5_000);
  assert.ok(world.status(3).executed > 2, "R3 comes to execute order 3");
  assert.ok(!disagree(world, 2, 3), "one batch for an order");
}

const once = /one batch for an order/;

for (const saves of [false, true]) {
  const from = saves ? "a saved state" : "its journal";
  rule(
    `who comes back from ${from} has its proofs`,
    saves ? "proofs-not-retained" : ["proof-not-stored", "proofs-not-restored"],
    once,
    (protocol) => {
      const { world, liar, says, x, y, comeBack } = thirdOrderDue(protocol);
      // R2 decides x with R0 and R1, and is cut off. R3 was proposed y.
      liar.send([1, 2], x);
      liar.send(3, y);
      liar.send([1, 2], says.signedAccepted(x));
      liar.send(2, says.commitProof(x));
      world.settle();
      assert.deepEqual([world.status(1).executed, world.status(2).executed], [2, 3]);
      comeBack(saves);
      const away = cut(world, 2);
      beginWithout2({ world, liar }, says.report(1, [y]), away);
    },
  );

  rule(
    `who comes back from ${from} knows what it accepted`,
    saves ? ["ballots-not-retained", "ballots-not-restored"] : "acceptances-not-restored",
    once,
    (protocol) => {
      const { world, liar, says, x, comeBack } = thirdOrderDue(protocol);
      // All accept x, and R2 alone hears it.
      world.block((m) => about("accepted", 0)(m) && m.to !== 2);
      liar.send([1, 2, 3], x);
      world.settle();
      assert.deepEqual([world.status(1).executed, world.status(2).executed], [2, 3]);
      comeBack(saves);
      const away = cut(world, 2);
      beginWithout2({ world, liar }, says.report(1, []), away);
    },
  );
}

/** R0 lies, leads, and proposes x. */
function proposed(protocol: FabProtocol, to: number[]) {
  const world = stage(protocol, { liars: [0] });
  const liar = world.liar(0);
  const says = speaking(liar);
  world.submit(0, [bytesOf("x")]);
  world.settle();
  const x = says.propose(0, 1, requestsOf(liar));
  liar.send(to, x);
  return { world, liar, says, x };
}

const views = (world: World, ...replicas: number[]) =>
  replicas.map((replica) => world.status(replica).view);

rule("ACCEPTED counts in its view", "votes-of-any-view", once, (protocol) => {
  const { world, liar, says, x } = proposed(protocol, [1, 2]);
  // R1 and R2 accept x in view 0. R3 is to hear late that R1 did.
  const late = world.hold((m) => about("accepted", 0)(m) && m.from === 1 && m.to === 3);
  world.settle();
  // View 1, without R2, does not have x. R1 proposes and accepts something else.
  let away = cut(world, 2);
  world.block((m) => about("propose", 1)(m) && m.to !== 0);
  world.submit(1, [bytesOf("y")], { to: [1] });
  world.play(700);
  liar.send(1, says.report(1, []));
  world.play(20);
  assert.deepEqual(
    [1, 3].map((replica) => world.status(replica).role),
    ["leader", "follower"],
  );
  const y = liar.received
    .map(({ message }) => message)
    .find((message) => message.kind === "propose")!;
  // View 2, without R1, has x, which R0 says that it accepted too.
  const without = world.hold((m) => (m.from === 1 || m.to === 1) && !about("accepted", 0)(m));
  world.block(({ message, to }) => message.kind === "new-view" && message.view === 2 && to === 1);
  away();
  liar.send([2, 3], wish(2));
  world.play(2_000);
  assert.deepEqual(views(world, 2, 3), [2, 2]);
  liar.send(2, says.report(2, [x]));
  world.play(10);
  assert.deepEqual(
    [2, 3].map((replica) => world.status(replica).role),
    ["leader", "follower"],
  );
  liar.send(3, says.accepted({ ...x, view: 2 }));
  late();
  world.settle();
  // View 3, without R2, has what R1 accepted in view 1.
  away = cut(world, 2);
  without();
  world.submit(2, [bytesOf("z")], { to: [1, 3] });
  liar.send([1, 3], wish(3));
  world.play(5_000);
  assert.deepEqual(views(world, 1, 3), [3, 3]);
  liar.send(3, says.report(3, [y as typeof x]));
  world.play(10);
  away();
  world.play(10_000);
  assert.ok(world.status(1).executed > 0, "R1 comes to execute order 1");
  assert.ok(!disagree(world, 1, 3), "one batch for an order");
});

rule(
  "a proof is made of signatures of its view",
  "signatures-of-any-view",
  /they find a view/,
  (protocol) => {
    // In view 0 nobody hears who accepted x. What R1 signed comes to R3 late.
    const { world } = proposed(protocol, [1, 2, 3]);
    world.block(about("accepted", 0));
    const isLate = ({ from, to }: { from: unknown; to: unknown }) => from === 1 && to === 3;
    const late = world.hold((m) => about("signed-accepted", 0)(m) && isLate(m));
    world.block((m) => about("signed-accepted", 0)(m) && !isLate(m));
    // In view 1 only R3 hears R2.
    world.block((m) => about("signed-accepted", 1)(m) && (m.from !== 2 || m.to !== 3));
    world.play(800);
    assert.deepEqual(views(world, 1, 2, 3), [1, 1, 1]);
    late();
    // View 2 takes what R3 reports.
    world.play(10_000);
    assert.equal(answer(world, 0, 1), "x", "they find a view");
  },
);

rule("who left a view has no proofs of it", "proves-after-leaving", once, (protocol) => {
  const { world, liar, says, x } = proposed(protocol, [1, 2]);
  world.submit(1, [bytesOf("y")]);
  world.settle();
  const y = says.propose(0, 1, [requestsOf(liar).at(-1)!]);
  liar.send(3, y);
  // R1 and R2 sign x. R1 and R3 leave, R2 does not hear it.
  world.play(100);
  const away = world.hold(
    (m) =>
      (m.from === 2 || m.to === 2) && m.from !== 0 && !(about("commit-proof", 0)(m) && m.to === 2),
  );
  world.play(620);
  assert.deepEqual(views(world, 1, 2, 3), [1, 0, 1]);
  // Now R0 signs as well, and R2 has a proof, as R0 says that it does.
  liar.send([1, 2], says.signedAccepted(x));
  liar.send(2, says.commitProof(x));
  world.settle();
  liar.send(1, says.report(1, [y]));
  world.settle();
  away();
  world.play(5_000);
  assert.ok(world.status(3).executed > 0, "R3 comes to execute order 1");
  assert.ok(!disagree(world, 2, 3), "one batch for an order");
});
