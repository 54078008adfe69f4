// The rule of protocols.md for FaB, as stories of attacks. Each story is told to FaB, where it ends
// well, and to a copy of FaB with another rule, where it must not: the printed one gets stuck, and
// the two that prefer proofs, or counts, without comparing views lose agreement.

import assert from "node:assert/strict";
import type { Acceptance } from "../../../src/protocols/fab/index.js";
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
} from "./support.js";

/** R0 leads view 0: x to R1 and R2, y to R3, and all three hear that the slow path begins. */
function twoPasts(protocol: FabProtocol) {
  const world = stage(protocol, { liars: [0] });
  const liar = world.liar(0);
  const says = speaking(liar);
  world.submit(0, [bytesOf("x")]);
  world.submit(1, [bytesOf("y")]);
  world.settle();
  const [first, second] = requestsOf(liar);
  const x = says.propose(0, 1, [first!]);
  const y = says.propose(0, 1, [second!]);
  for (const replica of [1, 2]) liar.send(replica, x);
  liar.send(3, y);
  return { world, liar, says, x, y };
}

/** What R1 and R2 signed, and R0 with them: a commit proof that only R0 need ever have. */
function proofOf(
  { liar, says }: Pick<ReturnType<typeof twoPasts>, "liar" | "says">,
  ballot: { view: number; order: number; batch: Uint8Array },
) {
  const acceptances: Acceptance[] = [says.signedAccepted(ballot)];
  for (const { message } of liar.received) {
    if (message.kind !== "signed-accepted" || acceptances.length === 3) continue;
    const isOther = message.replica === 3 || acceptances.some((a) => a.replica === message.replica);
    if (!isOther) acceptances.push(message);
  }
  const signed = acceptances.map(({ replica, proof }) => ({ replica, proof }));
  const { view, order, batch } = ballot;
  return { view, order, batch, acceptances: signed.toSorted((a, b) => a.replica - b.replica) };
}

rule(
  "pfab-recovery-not-stuck (F1)",
  "printed-recovery",
  /found something to propose/,
  (protocol) => {
    const { world, liar, says, x, y } = twoPasts(protocol);
    // R1 alone has a proof of x: R0's signature reaches nobody else.
    liar.send(1, says.signedAccepted(x));
    world.settle();
    assert.equal(world.status(1).executed, 0);
    // R2 is away; R1, who leads view 1, is shown {R0: y, R1: x and its proof, R3: y}.
    const away = cut(world, 2);
    liar.send(1, says.report(1, [y]));
    liar.send(3, says.report(1, [y]));
    world.play(1_200);
    assert.equal(world.status(1).role, "leader", "the new leader found something to propose");
    away();
    world.play(1_200);
    assert.equal(answer(world, 0, 1), "x");
    for (const [a, b] of [
      [1, 2],
      [1, 3],
    ]) {
      assert.ok(!disagree(world, a!, b!), "one batch for an order");
    }
  },
);

rule(
  "fast-recovery-compare-views: a proof outlives older counts",
  "count-always-wins",
  /one batch for an order/,
  (protocol) => {
    const { world, liar, says, x, y } = twoPasts(protocol);
    // R1 decides x with R0 and R2; nobody else does.
    for (const replica of [1, 2]) liar.send(replica, says.signedAccepted(x));
    liar.send(1, says.commitProof(x));
    world.settle();
    assert.deepEqual(
      [1, 2, 3].map((replica) => world.status(replica).executed),
      [1, 0, 0],
    );
    const away = cut(world, 2);
    for (const replica of [1, 3]) liar.send(replica, says.report(1, [y]));
    world.play(1_200);
    away();
    world.play(1_200);
    assert.ok(world.status(3).executed > 0, "R3 comes to execute order 1");
    assert.ok(!disagree(world, 1, 3), "one batch for an order");
  },
);

rule(
  "fast-recovery-compare-views: newer counts outlive a proof",
  "proof-always-wins",
  /one batch for an order/,
  (protocol) => {
    const { world, liar, says, x, y } = twoPasts(protocol);
    // R0 keeps the proof of x to itself, and y prevails in view 1.
    for (const replica of [1, 2]) liar.send(replica, says.signedAccepted(y));
    world.settle();
    const proof = proofOf({ liar, says }, x);
    assert.equal(proof.acceptances.length, 3);
    const away = cut(world, 2);
    for (const replica of [1, 3]) liar.send(replica, says.report(1, [y]));
    // No signature gets through: view 1 has its fast path only, and R1 alone hears all four.
    world.block(({ message }) => message.kind === "signed-accepted" && message.view === 1);
    world.block(({ message, to }) => message.kind === "accepted" && message.view === 1 && to !== 1);
    world.play(700);
    away();
    world.settle();
    const y1 = { view: 1, order: 1, batch: y.batch };
    liar.send(1, says.accepted(y1));
    world.play(100);
    assert.equal(world.status(1).executed, 1, "R1 decides y");
    // View 2, led by R2, without R1, and with R0's proof of x.
    const alone = cut(world, 1);
    for (const replica of [2, 3]) liar.send(replica, says.report(2, [y1], [proof]));
    world.play(3_000);
    for (const { batch } of [x, y]) {
      const ballot = { view: 2, order: 1, batch };
      for (const replica of [2, 3]) {
        liar.send(replica, says.signedAccepted(ballot));
        liar.send(replica, says.commitProof(ballot));
      }
      world.settle();
    }
    alone();
    world.play(1_000);
    assert.ok(world.status(3).executed > 0, "R3 comes to execute order 1");
    assert.ok(!disagree(world, 1, 3), "one batch for an order");
  },
);
