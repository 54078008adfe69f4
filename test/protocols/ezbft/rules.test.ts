// The corrected rules of protocols.md §4, each as a story of the schedule that breaks the printed
// one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bundleOf } from "../../../src/codec/index.js";
import {
  ackOf,
  add,
  append,
  executedAt,
  get,
  kindOf,
  orderOf,
  prepareOf,
  put,
  requestsAt,
  stage,
  value,
  type World,
} from "./support.js";

const correct = [1, 2, 3];

const hasView = (world: World, replica: number, view: number): boolean =>
  world
    .observations(replica)
    .some(
      (event) => event.event === "view" && event.view === view && event.status === "established",
    );

test("ezbft-partial-commit-ownerchange: what one replica alone decided, all decide (E1)", () => {
  const world = stage({ liars: [0] });
  const liar = world.liar(0);
  world.submit(1, [append("k", "a")], { to: [0] });
  world.submit(2, [append("k", "b")], { to: [0] });
  world.settle();
  const [one, other] = requestsAt(liar);
  const first = orderOf(liar, 1, one!);
  liar.send([1, 2], first);
  liar.send(3, orderOf(liar, 1, other!));
  world.settle();
  // 2f+1 said the same of the first, the liar among them.
  const said = liar.received.map(({ message }) => message).filter((m) => m.kind === "ack");
  const own = ackOf(liar, first, [0, 0, 0, 0], 1);
  const opinions = [own, ...said.filter(({ replica }) => replica !== 3)].map(
    ({ replica, dependencies, sequence, proof }) => ({ replica, dependencies, sequence, proof }),
  );
  const { space, slot, view, batch } = first;
  // Nobody but replica 2 hears what is decided, and it is cut off then.
  const hush = world.block(({ message, to }) => message.kind === "commit" && to !== 2);
  liar.send([1, 2], { kind: "propose", space, slot, view, batch, opinions });
  const ballot = { space, slot, view, batch, dependencies: [0, 0, 0, 0], sequence: 1 };
  liar.send([1, 2], prepareOf(liar, ballot));
  liar.send(2, { kind: "commit", ...ballot });
  world.settle();
  assert.deepEqual([...executedAt(world, 2)], [["0.1", 1]]);
  assert.equal(executedAt(world, 1).size, 0);
  hush();
  const silence = world.block(({ from, to }) => from === 2 || to === 2);
  world.play(1_000);
  assert.equal(executedAt(world, 1).size, 0, "two of four can decide nothing");
  silence();
  world.play(20_000);
  for (const replica of correct) assert.equal(executedAt(world, replica).get("0.1"), 1);
  world.submit(3, [get("k")], { to: [1] });
  world.play(2_000);
  assert.equal(value(world, 3), "a");
});

test("ezbft-three-way-equivocation: a slot of which nothing is certain becomes empty (E5)", () => {
  const world = stage({ liars: [0] });
  const liar = world.liar(0);
  for (const client of correct) world.submit(client, [append("k", `${client}`)], { to: [0] });
  world.settle();
  for (const request of requestsAt(liar)) {
    liar.send(bundleOf(request)!.client, orderOf(liar, 1, request));
  }
  world.settle();
  world.play(5_000);
  for (const replica of correct) assert.equal(executedAt(world, replica).get("0.1"), 0);
  // The clients ask again, and somebody else orders what they ask for.
  for (const client of correct) {
    world.submit(client, [append("k", `${client}`)], { to: correct, number: 1 });
  }
  world.play(5_000);
  world.submit(4, [get("k")], { to: [1] });
  world.play(2_000);
  assert.deepEqual(value(world, 4)!.split("").toSorted(), ["1", "2", "3"]);
});

test("ezbft-space-reopens: an owner that was cut off gets its space back (E6)", () => {
  const world = stage();
  world.submit(1, [append("k", "a")], { to: [0] });
  world.deliver();
  world.elapse(0);
  world.deliver(kindOf("spec-order"));
  const cut = world.block(({ from, to }) => from === 0 || to === 0);
  world.play(3_000);
  assert.ok(hasView(world, 1, 1), "another settled what was begun");
  cut();
  world.play(10_000);
  for (const replica of [0, ...correct]) assert.ok(hasView(world, replica, 4), `at ${replica}`);
  world.submit(2, [append("k", "b")], { to: [0] });
  world.play(1_000);
  const bySpace0 = [...executedAt(world, 3)].filter(
    ([place, done]) => place[0] === "0" && done > 0,
  );
  assert.ok(bySpace0.length > 0, "it orders again");
});

test("ezbft-spec-result-vs-final: no answer while what comes before is not executed (E3)", () => {
  const world = stage();
  world.submit(1, [append("k", "b")], { to: [3] });
  world.deliver();
  world.elapse(0);
  // Everybody sees the one before the other.
  world.deliver(kindOf("spec-order"));
  const release = world.hold(({ message }) => message.kind === "propose");
  world.submit(2, [append("k", "a")], { to: [0] });
  world.settle();
  const early = world.replies(2);
  assert.equal(early.length, 0);
  assert.equal(world.replies(1).length, 4, "what nothing comes before is answered");
  release();
  world.settle();
  world.submit(3, [get("k")], { to: [1] });
  world.settle();
  assert.equal(value(world, 3), "ba");
});

test("dep-phantom: what nobody ordered keeps nobody waiting (E7)", () => {
  const world = stage({ liars: [2] });
  const liar = world.liar(2);
  world.submit(1, [append("k", "a")], { to: [0] });
  world.deliver();
  world.elapse(0);
  world.deliver(kindOf("spec-order"));
  const order = liar.received.map(({ message }) => message).find((m) => m.kind === "spec-order")!;
  liar.send(0, ackOf(liar, order, [0, 0, 1_000_000, 0], 7));
  world.deliver(({ from }) => from === 2);
  world.settle();
  for (const replica of [0, 1, 3]) assert.equal(executedAt(world, replica).get("0.1"), 1);
  // As an owner it names one as well: its slot becomes empty, and all else goes on.
  world.submit(2, [append("k", "b")], { to: [2] });
  world.settle();
  const [request] = requestsAt(liar);
  liar.send([0, 1, 3], orderOf(liar, 1, request!, [1_000_000, 0, 0, 0]));
  world.play(5_000);
  world.submit(3, [append("k", "c")], { to: [3] });
  world.play(5_000);
  for (const replica of [0, 1, 3]) assert.equal(executedAt(world, replica).get("3.1"), 1);
});

test("dep-chain-bounded: an owner has at most so many slots that are not executed (E8)", () => {
  const world = stage({ limits: { pipeline: 2, batchRequestsMax: 1 } });
  const release = world.hold(kindOf("commit"));
  for (let client = 1; client <= 8; client += 1) {
    world.submit(client, [append("k", `${client}`)], { to: [0] });
    world.deliver();
    world.elapse(0);
  }
  world.settle();
  assert.equal(world.status(0).executed, 0);
  assert.equal(world.status(1).tentative, 2);
  release();
  for (let round = 0; round < 8; round += 1) {
    world.settle();
    world.elapse(0);
  }
  world.settle();
  assert.equal([...executedAt(world, 3).values()].filter((done) => done === 1).length, 8);
});

test("leaderless-exactly-once: a bundle that several order takes effect once", () => {
  const world = stage();
  // Additions commute; that they are one client's keeps them in one order all the same.
  world.submit(1, [add("n")], { to: [0, 1, 2, 3] });
  world.settle();
  world.elapse(0);
  world.settle();
  world.submit(2, [put("other", "x")], { to: [1] });
  world.submit(3, [get("n")], { to: [2] });
  world.elapse(0);
  world.play(1_000);
  assert.equal(value(world, 3), "1");
  for (const replica of [0, ...correct]) {
    const effects = [...executedAt(world, replica)].filter(([place]) => place.endsWith(".1"));
    assert.equal(effects.filter(([, done]) => done > 0).length >= 1, true);
    const applied = world
      .observations(replica)
      .filter((event) => event.event === "applied" && event.client === 1);
    assert.equal(applied.length, 1);
  }
});

test("what does not interfere is answered after three message delays, all at a time", () => {
  const world = stage();
  for (const client of [0, ...correct]) {
    world.submit(client, [put(`k${client}`, "v")], { to: [client] });
  }
  for (let delay = 1; delay <= 3; delay += 1) {
    world.deliver();
    world.elapse(0);
  }
  for (const client of [0, ...correct]) assert.equal(world.replies(client).length, 4);
});
