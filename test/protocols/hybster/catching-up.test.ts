// How a replica that was away, or went wrong, comes to the others' state and goes on from there.

import assert from "node:assert/strict";
import type { Service } from "../../../src/core/index.js";
import {
  answer,
  appendService,
  bytesOf,
  forge,
  received,
  rule,
  stage,
  textOf,
  type World,
} from "./support.js";

const a = [bytesOf("a")];

const textAt = (world: World, replica: number): string =>
  textOf(world.service(replica).pages()[0]!.bytes());

/** R2 hears no other replica, while two orders make a checkpoint. Calling the result ends it. */
function leaveBehind(world: World): () => void {
  const apart = world.block(
    ({ from, to }) => typeof from === "number" && typeof to === "number" && [from, to].includes(2),
  );
  for (let order = 1; order <= 2; order += 1) {
    world.submit(0, a);
    world.settle();
  }
  return apart;
}

rule("a state that went wrong gives way to the certified one", "own-state-not-compared", (p) => {
  let services = 0;
  const service = (): Service => {
    const sound = appendService();
    const isWrong = ++services === 3;
    return {
      ...sound,
      apply: (operation, ...how) => sound.apply(isWrong ? bytesOf("z") : operation, ...how),
    };
  };
  const world = stage(p, { limits: { checkpointOrders: 2 }, service });
  for (let order = 1; order <= 2; order += 1) {
    world.submit(0, a);
    world.settle();
  }
  world.play(1_000);
  assert.deepEqual(
    [0, 1, 2].map((replica) => textAt(world, replica)),
    ["aa", "aa", "aa"],
  );
});

rule("who has the state that answers a request waits no more", "pending-kept-in-transfer", (p) => {
  const world = stage(p, { limits: { checkpointOrders: 2 }, timing: { patienceMs: 1_500 } });
  const apart = leaveBehind(world);
  apart();
  world.play(3_000);
  assert.equal(world.status(2).executed, 2);
  const suspicions = world.observations(2).filter(({ event }) => event === "suspect");
  assert.deepEqual(suspicions, []);
});

rule("a transfer that a crash cut short goes on", "transfer-not-resumed", (protocol) => {
  const world = stage(protocol, { limits: { checkpointOrders: 2 } });
  const apart = leaveBehind(world);
  const slow = world.block((m) => m.to === 2 && m.message.kind === "manifest");
  apart();
  world.play(1_000);
  assert.equal(world.status(2).role, "catching up");
  world.crash(2);
  world.restart(2);
  slow();
  world.play(3_000);
  assert.equal(world.status(2).executed, 2);
});

rule("a request reaches the leader through the others", "requests-not-forwarded", (protocol) => {
  const world = stage(protocol, {});
  world.block((m) => m.from === "client 0" && m.to === 0);
  world.submit(0, a);
  world.play(400);
  assert.equal(answer(world, 0, 1), "a", "before anybody loses patience");
});

rule("who gets to a certified state by itself does not fetch it", "reached-state-fetched", (p) => {
  const world = stage(p, { liars: [1], limits: { checkpointOrders: 2 } });
  const liar = world.liar(1);
  // R0 and the liar execute two orders, of which R2 hears late, and of their checkpoint only in the
  // liar's view change.
  const late = world.hold((m) => m.from === 0 && m.to === 2 && m.message.kind === "prepare");
  world.block((m) => m.from === 0 && m.to === 2 && m.message.kind === "checkpoint");
  for (let order = 1; order <= 2; order += 1) {
    world.submit(0, a);
    world.settle();
    const prepare = received(liar, "prepare").at(-1)!;
    liar.send(0, { kind: "commit", ...forge.commit(liar, prepare) });
    world.settle();
  }
  const theirs = received(liar, "checkpoint")[0]!;
  const own = forge.checkpoint(liar, 2, theirs.digest);
  const stable = { order: 2, digest: theirs.digest, statements: [theirs, own] };
  liar.send(2, { kind: "view-change", ...forge.viewChange(liar, 1, { stable }) });
  world.settle();
  late();
  world.settle();
  assert.equal(world.status(2).executed, 2, "R2 got there");
  world.play(1_500);
  assert.equal(world.status(2).stable, 2);
  const fetched = world.observations(2).filter(({ event }) => event === "transfer");
  assert.deepEqual(fetched, []);
});
