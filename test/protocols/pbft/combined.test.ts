// A liar and a crash, in stories: each ends well, and does not without its rule.

import assert from "node:assert/strict";
import { about, answer, bytesOf, forge, received, requestsAt, rule, stage } from "./support.js";

/** One batch each. */
const texts = ["a", "b", "c", "d"];

rule(
  "a state that is saved as a view begins keeps proposals in the view they were made in",
  "proposals-kept-for-the-new-view",
  (protocol) => {
    const world = stage(protocol, { liars: [0], limits: { checkpointOrders: 2 } });
    const liar = world.liar(0);
    texts.forEach((text, client) => world.submit(client, [bytesOf(text)], { to: [0] }));
    world.settle();
    const batches = requestsAt(liar).map((request) => [request]);
    const proposals = [1, 2, 3, 3].map((order, at) =>
      forge(liar).prePrepare(0, order, batches[at]!),
    );
    const propose = (to: number[], index: number) =>
      liar.send(to, { kind: "pre-prepare", ...proposals[index]! });
    // All execute a and b; R2 does not hear that the others have that checkpoint too.
    world.block((m) => m.to === 2 && m.message.kind === "checkpoint");
    propose([1, 2, 3], 0);
    propose([1, 2, 3], 1);
    world.settle();
    assert.deepEqual([world.status(1).stable, world.status(2).stable], [2, 0]);
    // R0 proposes c to R2 and d to R1 and R3, who prepare it.
    world.block(about("commit", 0, 3));
    propose([2], 2);
    propose([1, 3], 3);
    world.settle();
    // View 1 begins at that checkpoint, with d. R2 prepares d, hears of no other, and comes back.
    const lost = world.block(
      (m) => about("commit", 1)(m) || (m.from === 3 && m.to === 2 && about("prepare", 1)(m)),
    );
    world.submit(2, [bytesOf("c")], { to: [1, 2, 3], number: 1 });
    world.play(620);
    assert.deepEqual([world.status(2).view, world.status(2).stable], [1, 2]);
    world.crash(2);
    world.restart(2);
    // R0 agrees with it on c.
    liar.send(2, { kind: "prepare", ...forge(liar).prepare({ ...proposals[2]!, view: 1 }) });
    world.settle();
    lost();
    world.play(60_000);
    const told = received(liar, "view-change").find((m) => m.replica === 2 && m.to === 2);
    const third = told?.prepared.filter(({ order }) => order === 3) ?? [];
    assert.ok(
      third.every(({ batch }) => Buffer.from(batch).equals(proposals[3]!.batch)),
      "R2 prepares d, as R1 and R3 did in view 1",
    );
    assert.notEqual(answer(world, 2, 1), null, "they find a view");
  },
);
