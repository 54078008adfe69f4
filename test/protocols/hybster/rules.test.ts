// The rules of protocols.md for Hybster, each as the story of an attack. Each story is told twice:
// to Hybster, where it ends well, and to a copy of Hybster without the rule, where it must not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { counters, hybster } from "../../../src/protocols/hybster/index.js";
import { defaultLimits } from "../../../src/core/index.js";
import {
  answer,
  bytesOf,
  disagree,
  forge,
  hash,
  type HybsterProtocol,
  received,
  rule,
  stage,
} from "./support.js";

const bothReplicas = ({ from, to }: { from: unknown; to: unknown }): boolean =>
  typeof from === "number" && typeof to === "number";

const a = [bytesOf("a")];
const b = [bytesOf("b")];
const c = [bytesOf("c")];

rule("hybster-vc-coverage (H3)", "coverage-unchecked", (protocol) => {
  const world = stage(protocol, { liars: [1] });
  const liar = world.liar(1);
  // R0 leads view 0 and commits b at order 1 with R1; R2 hears nothing of it.
  const cut = world.hold((m) => (m.from === 0 && m.to === 2) || (m.from === 2 && m.to === 0));
  world.submit(0, b, { to: [0] });
  world.settle();
  const prepare = received(liar, "prepare")[0]!;
  liar.send(0, { kind: "commit", ...forge.commit(liar, prepare) });
  world.settle();
  assert.equal(world.status(0).executed, 1, "R0 executed b with R1's acknowledgement");
  // R1 conceals the proposal in its view change to view 1, which it leads itself.
  const concealed = forge.viewChange(liar, 1);
  liar.send(2, {
    kind: "status",
    view: 1,
    established: 0,
    stable: 0,
    executed: 0,
    acted: 0,
    suspects: 1,
  });
  world.submit(1, c, { to: [1, 2] });
  world.play(1500);
  const honest = received(liar, "view-change")[0]!;
  const newView = forge.newView(liar, 1, [concealed, honest]);
  liar.send(2, { kind: "new-view", ...newView });
  world.settle();
  for (const { view, base, last, plan } of received(liar, "acknowledgement")) {
    const own = forge.acknowledgement(liar, view, base, last, plan);
    liar.send(2, { kind: "acknowledgement", ...own });
  }
  world.settle();
  const request = received(liar, "request")[0]!;
  const { body, authenticator } = request;
  const other = forge.prepare(liar, 1, 1, [{ body, authenticator }]);
  liar.send(2, { kind: "prepare", ...other, requests: [...other.requests] });
  world.settle();
  assert.equal(disagree(world, 0, 2), false, "R2 must not execute another batch at order 1");
  cut();
});

rule("hybster-vc-reuse-counter (H2)", "strictness-unchecked", (protocol) => {
  const world = stage(protocol, { liars: [1] });
  const liar = world.liar(1);
  world.submit(0, b, { to: [0] });
  world.settle();
  const prepare = received(liar, "prepare")[0]!;
  liar.send(0, { kind: "commit", ...forge.commit(liar, prepare) });
  forge.viewChange(liar, 1); // the counter moves from [0|1] to [1|0] and proves it
  assert.throws(() => forge.viewChange(liar, 1), /refuses/, "no second certificate at [1|0]");
  // A trusted MAC has tv' = tv: were it accepted as a view change, R1 would have cleaned its past.
  const empty = forge.viewChange(liar, 2);
  const mac = liar.context.counter.trustedMac(counters.order, hash(bytesOf("any")))!;
  const position = { view: 2, order: 0 };
  const context = { ...liar.context, limits: defaultLimits };
  const attempts = [
    { ...empty.attestation, previous: position },
    { ...empty.attestation, type: 2, mac: mac.mac, previous: position },
    { ...empty.attestation, previous: { view: 3, order: 0 } },
  ];
  for (const attestation of attempts) {
    const message = { kind: "view-change", ...empty, attestation } as const;
    assert.equal(protocol.claims(message, 1, context), null, "not strictly forward");
  }
  assert.notEqual(protocol.claims({ kind: "view-change", ...empty }, 1, context), null);
});

rule("hybster-newview-one-recipient (H4)", "no-view-change-retransmission", (protocol) => {
  const world = stage(protocol, { liars: [1] });
  const liar = world.liar(1);
  // R0 and R2 cannot hear each other: both suspect view 0. Only R1 gets everything.
  const cut = world.block((m) => m.from !== 1 && m.to !== 1 && bothReplicas(m));
  world.submit(0, a, { to: [2] });
  const wanting = { kind: "status", established: 0, stable: 0, executed: 0, acted: 0 } as const;
  liar.send([0, 2], { ...wanting, view: 0, suspects: 1 });
  world.submit(1, b, { to: [0] });
  world.play(1500);
  const changes = [0, 2].map((replica) => {
    const all = received(liar, "view-change");
    const own = all.find((m) => m.to === 1 && m.attestation.instance === replica);
    assert.ok(own, `R${replica} left view 0`);
    return own;
  });
  // R1 gives the new view to R2 only, which establishes it with R1's help. R0 hears nothing.
  const newView = forge.newView(liar, 1, changes);
  liar.send(2, { kind: "new-view", ...newView });
  world.settle();
  const { requests } = received(liar, "prepare")[0]!;
  const { digest } = received(liar, "fetch-batch")[0]!;
  liar.send(2, { kind: "batch", digest, requests });
  world.settle();
  const { view, base, last, plan } = received(liar, "acknowledgement")[0]!;
  const own = forge.acknowledgement(liar, view, base, last, plan);
  liar.send(2, { kind: "acknowledgement", ...own });
  world.settle();
  assert.equal(world.status(2).view, 1);
  assert.notEqual(world.status(2).role, "changing view", "view 1 is established at R2");
  // From now on R1 is silent and the others hear each other: they must find a view without it.
  cut();
  world.play(10_000);
  assert.notEqual(answer(world, 0, 1), null, "the service goes on");
  assert.equal(disagree(world, 0, 2), false);
});

rule("hybster-selective-prepare (H5)", "no-relay", (protocol) => {
  const world = stage(protocol, { liars: [0] });
  const liar = world.liar(0);
  world.submit(0, a, { to: [0] });
  world.settle();
  const { body, authenticator } = received(liar, "request")[0]!;
  const prepare = forge.prepare(liar, 0, 1, [{ body, authenticator }]);
  liar.send(1, { kind: "prepare", ...prepare, requests: [...prepare.requests] });
  world.play(400); // R1 executes and answers; R2 has nothing, until R1 passes the proposal on
  assert.equal(answer(world, 0, 1), "a", "two replies, without the leader's");
  assert.equal(world.status(2).view, 0, "no view change was needed");
});

rule("retransmission after a healed partition", "no-view-change-retransmission", (protocol) => {
  const world = stage(protocol, {});
  world.crash(0);
  const lost = world.block((m) => m.message.kind === "view-change");
  world.submit(0, a);
  world.play(2000);
  assert.equal(answer(world, 0, 1), null, "view changes are lost");
  lost();
  world.block((m) => m.message.kind === "reply" && m.from === 0);
  world.play(1000);
  assert.equal(answer(world, 0, 1), "a");
});

rule("suspicion has two steps", "lonely-suspicion", (protocol) => {
  const world = stage(protocol, {});
  const cut = world.block((m) => bothReplicas(m) && (m.to === 2 || m.from === 2));
  world.submit(0, a, { to: [2] });
  world.play(1200);
  assert.ok(
    world.observations(2).some(({ event }) => event === "suspect"),
    "R2 suspects",
  );
  assert.equal(world.status(2).view, 0, "and stays, alone with its suspicion");
  cut();
  world.submit(0, a, { number: 1 });
  world.play(500);
  assert.equal(answer(world, 0, 1), "a");
});

rule("the oldest request decides", "patience-reset-by-others", (protocol) => {
  const world = stage(protocol, { liars: [0] });
  const liar = world.liar(0);
  // R0 serves client 1 promptly and starves client 0.
  world.submit(0, a);
  for (let order = 1; order <= 20; order += 1) {
    world.submit(1, b);
    world.play(80);
    const request = received(liar, "request").find(({ body }) => body.includes(98, 16));
    const latest =
      received(liar, "request")
        .filter(({ body }) => body[0] === 1)
        .at(-1) ?? request;
    if (latest === undefined || world.status(1).view > 0) break;
    const { body, authenticator } = latest;
    const prepare = forge.prepare(liar, 0, order, [{ body, authenticator }]);
    liar.send([1, 2], { kind: "prepare", ...prepare, requests: [...prepare.requests] });
  }
  assert.ok(world.status(1).view > 0, "the starved request led to a view change");
  world.play(500);
  assert.notEqual(answer(world, 0, 1), null);
});

rule("orders beyond the window are refused", "window-unchecked", (protocol) => {
  const world = stage(protocol, { liars: [0], limits: { checkpointOrders: 2 } });
  const liar = world.liar(0);
  world.submit(0, a, { to: [0] });
  world.settle();
  const { body, authenticator } = received(liar, "request")[0]!;
  const prepare = forge.prepare(liar, 0, 5, [{ body, authenticator }]);
  liar.send(1, { kind: "prepare", ...prepare, requests: [...prepare.requests] });
  world.settle();
  assert.equal(world.dropped(1)["a proposal out of its time"], 1);
});

rule("orders below the stable checkpoint are refused", "window-without-floor", (protocol) => {
  const world = stage(protocol, { limits: { checkpointOrders: 2 } });
  world.submit(0, a);
  world.deliver((m) => m.to === 0);
  const [old] = world.inFlight((m) => m.to === 1 && m.message.kind === "prepare");
  assert.ok(old, "R0 proposes");
  world.settle();
  world.submit(0, a);
  world.settle();
  assert.equal(world.status(1).stable, 2);
  world.replay(old);
  world.settle();
  assert.equal(world.dropped(1)["a proposal out of its time"], 1);
});

rule("proposals are acknowledged in their order (H7)", "acknowledged-out-of-order", (protocol) => {
  const world = stage(protocol, { liars: [0] });
  const liar = world.liar(0);
  world.submit(0, a, { to: [0] });
  world.submit(1, b, { to: [0] });
  world.settle();
  const requests = received(liar, "request").map(({ body, authenticator }) => ({
    body,
    authenticator,
  }));
  const first = forge.prepare(liar, 0, 1, [requests[0]!]);
  const second = forge.prepare(liar, 0, 2, [requests[1]!]);
  liar.send([1, 2], { kind: "prepare", ...second, requests: [...second.requests] });
  world.settle();
  liar.send([1, 2], { kind: "prepare", ...first, requests: [...first.requests] });
  world.settle();
  assert.equal(answer(world, 0, 1), "a");
  assert.equal(answer(world, 1, 1), "ab");
});

rule("a quorum is more than one", "quorum-of-one", (protocol) => {
  const world = stage(protocol, { n: 5 });
  world.hold((m) => m.message.kind === "commit");
  world.submit(0, a, { to: [0] });
  world.settle();
  assert.equal(world.status(1).executed, 0, "two of five commit nothing");
});

rule("an unestablished view needs its certificate (H4)", "uncertified-leave", (protocol) => {
  const world = stage(protocol, { liars: [1] });
  const liar = world.liar(1);
  const changes = ["view-change", "certificate"];
  world.block((m) => m.from === 0 && m.to === 2 && changes.includes(m.message.kind));
  world.submit(0, a);
  const status = {
    kind: "status",
    view: 0,
    established: 0,
    stable: 0,
    executed: 0,
    acted: 0,
  } as const;
  const starved = world.block((m) => m.message.kind === "commit" || m.message.kind === "prepare");
  liar.send([0, 2], { ...status, suspects: 9 });
  world.play(800);
  liar.send(0, { kind: "view-change", ...forge.viewChange(liar, 1) });
  world.play(2500);
  assert.ok(world.status(0).view > 1, "R0 has a quorum for view 1 and goes on");
  assert.equal(world.status(2).view, 1, "R2 has no such quorum and stays");
  starved();
});

rule("a client with two authenticators delays itself", "endorsed-by-one", (protocol) => {
  const world = stage(protocol, { clientAuthentication: "mac" });
  world.submit(0, a, { to: [0] }); // valid at the leader …
  world.submit(0, a, { number: 1, to: [1, 2], authenticator: new Uint8Array(96) }); // … only
  world.play(300);
  world.submit(1, b);
  world.play(1500);
  assert.equal(answer(world, 1, 1), "b", "others are served");
  assert.equal(answer(world, 0, 1), null, "and it is not");
  assert.equal(world.status(1).view, 0, "nobody suspects the leader");
});

rule("a client that leaves a gap delays itself", "gaps-taken", (protocol) => {
  const world = stage(protocol, {});
  world.submit(0, a, { number: 3 });
  world.play(2500);
  assert.equal(world.status(1).view, 0, "nobody suspects the leader");
  world.submit(1, b);
  world.play(50);
  assert.equal(answer(world, 1, 1), "b");
});

test("the leader of a view that failed can take part in the next", () => {
  const world = stage(hybster, {});
  world.submit(0, a);
  world.play(5);
  // View 1 is announced by R1, and nobody hears it; then R1 is needed for view 2, because R0 is
  // down.
  world.crash(0);
  const mute = world.block((m) => m.from === 1 && m.message.kind === "new-view");
  world.submit(0, b);
  world.play(1000);
  assert.equal(world.status(1).view, 1);
  world.play(3000);
  mute();
  world.play(3000);
  assert.equal(answer(world, 0, 2), "ab");
});

rule("a transferred state brings the replies", "replies-not-restored", (protocol) => {
  const world = stage(protocol, { limits: { checkpointOrders: 2 } });
  world.crash(2);
  for (let round = 0; round < 4; round += 1) {
    world.submit(0, a);
    world.play(5);
  }
  world.restart(2);
  world.play(1500);
  assert.equal(world.status(2).executed, 4, "R2 caught up by state transfer");
  // The client repeats its last request: everyone answers from the table, nobody executes it
  // again.
  world.submit(0, a, { number: 4, acknowledged: 3 });
  world.play(100);
  const late = world.replies(0).filter((reply) => reply.from === 2);
  assert.equal(late.length, 1);
  assert.equal(late[0]!.reply.number, 4);
  assert.deepEqual(world.service(2).pages()[0]!.bytes(), bytesOf("aaaa"));
});

rule("a state is believed with its certificate only", "manifest-believed", (protocol) => {
  lyingSource(protocol, "manifest");
});

rule("every page is checked against the manifest", "pages-believed", (protocol) => {
  lyingSource(protocol, "pages");
});

/** R2 comes back, and R3, asked for the state, tells it of another one. */
function lyingSource(protocol: HybsterProtocol, lie: "manifest" | "pages"): void {
  const world = stage(protocol, { n: 5, liars: [3], limits: { checkpointOrders: 2 } });
  const liar = world.liar(3);
  world.crash(2);
  for (let round = 0; round < 4; round += 1) {
    world.submit(0, a);
    world.play(5);
  }
  world.restart(2);
  const answers = ["manifest", "pages"];
  world.hold((m) => m.to === 2 && m.from !== 3 && answers.includes(m.message.kind));
  world.play(1500);
  const truth = world.inFlight((m) => m.message.kind === "manifest").at(-1)?.message;
  assert.ok(truth?.kind === "manifest", "R2 asked an honest replica");
  const forged = bytesOf("zzzz");
  const digests = [...truth.pages];
  if (lie === "manifest") digests[digests.length - 1] = hash(forged);
  const { order } = truth;
  liar.send(2, { kind: "manifest", order, pages: digests });
  for (let round = 0; round < 60; round += 1) {
    world.play(100);
    const told = world.inFlight((m) => m.message.kind === "pages").at(-1)?.message;
    if (told?.kind !== "pages") continue;
    const pieces = told.pieces.map((piece) =>
      piece.page === digests.length - 1 ? { ...piece, total: 4, bytes: forged } : piece,
    );
    liar.send(2, { kind: "pages", order, pieces });
  }
  const state = world.service(2).pages()[0]!.bytes();
  assert.notDeepEqual(state, forged, "a forged state must not be taken");
}
