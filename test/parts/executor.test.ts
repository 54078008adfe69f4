// Execution: effects once and in turn, answers, and images that are the whole replicated state.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Bundle } from "../../src/codec/index.js";
import { InvariantError, type StateImage, toHex } from "../../src/core/index.js";
import { batchBytes, batchDigest, ClientTable, Executor } from "../../src/parts/index.js";
import {
  bundleFor,
  digestsOf,
  hash,
  historyService,
  limitsWith,
  nameOf,
  noBytes,
  requestFor,
} from "./samples.js";

const limits = limitsWith({ sessionsPerClient: 2, sessionWindow: 3 });
const executor = () => new Executor(historyService(), limits, hash);

/** What a replica would have read from another's image. */
function transferred(image: StateImage, to: Executor): StateImage {
  return to.read({ order: image.order, pages: image.pages.map((page) => page.bytes()) });
}

const bundles = fc.record({
  client: fc.nat(2),
  session: fc.integer({ min: 1, max: 3 }),
  number: fc.integer({ min: 1, max: 5 }),
  acknowledged: fc.nat(5),
  operations: fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 3 }),
});
const batches = fc.array(fc.array(bundles, { maxLength: 12 }), { maxLength: 6 });
const execute = (on: Executor, batch: readonly Bundle[]) => on.execute(batch.map(requestFor));

test("replicas that execute the same have the same images and give the same answers", () => {
  fc.assert(
    fc.property(batches, batches, (before, after) => {
      const [one, other] = [executor(), executor()];
      for (const batch of before) assert.deepEqual(execute(one, batch), execute(other, batch));
      const image = one.image(before.length);
      assert.deepEqual(one.digest(image), other.digest(other.image(before.length)));

      const third = executor();
      third.restore(transferred(image, third));
      assert.deepEqual(digestsOf(third.image(0).pages), digestsOf(image.pages));
      for (const batch of after) assert.deepEqual(execute(third, batch), execute(one, batch));
      assert.deepEqual(digestsOf(third.image(0).pages), digestsOf(one.image(0).pages));
    }),
    { numRuns: 60 },
  );
});

test("what does not take effect changes nothing, and what took effect is answered the same", () => {
  fc.assert(
    fc.property(batches, (history) => {
      const replica = executor();
      const took = new Set<string>();
      for (const { bundle, applied, answer } of history.flatMap((batch) =>
        execute(replica, batch),
      )) {
        assert.ok(!applied || !took.has(nameOf(bundle)));
        if (applied) took.add(nameOf(bundle));
        const again = answer && replica.answer(bundle);
        if (again?.outcome === "executed") assert.deepEqual(again, answer);
      }
      const state = digestsOf(replica.image(0).pages);
      const ineffective = history.flat().filter((bundle) => took.has(nameOf(bundle)));
      for (const { applied } of execute(replica, ineffective)) assert.equal(applied, false);
      assert.deepEqual(digestsOf(replica.image(0).pages), state);
    }),
    { numRuns: 60 },
  );
});

test("a bundle's operations take effect in their order, with a result each", () => {
  const operations = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)];
  const service = historyService();
  const expected = operations.map((operation) =>
    service.apply(operation, { client: 4, session: 5 }),
  );
  const replica = executor();
  const request = requestFor(bundleFor(4, 5, 1, { operations }));
  const [execution] = replica.execute([request]);
  assert.equal(request.bundle, undefined);
  assert.deepEqual(execution?.answer, {
    client: 4,
    session: 5,
    number: 1,
    outcome: "executed",
    results: expected,
  });
  assert.equal(replica.settled(bundleFor(4, 5, 9)), 1);
});

test("early bundles and forgotten replies are not answered, expired sessions are told so", () => {
  const replica = executor();
  const once = (bundle: Bundle) => execute(replica, [bundle])[0]!;
  assert.deepEqual(once(bundleFor(1, 1, 2)).answer, null);
  assert.equal(once(bundleFor(1, 1, 2)).applied, false);
  for (let number = 1; number <= 3; number++) once(bundleFor(1, 1, number));
  assert.equal(replica.answer(bundleFor(1, 1, 1))?.outcome, "executed");
  once(bundleFor(1, 1, 4, { acknowledged: 2 }));
  assert.equal(replica.answer(bundleFor(1, 1, 2)), null);
  assert.equal(replica.answer(bundleFor(1, 1, 3))?.outcome, "executed");

  for (const session of [2, 3]) once(bundleFor(1, session, 1));
  const late = once(bundleFor(1, 1, 5));
  assert.equal(late.applied, false);
  assert.deepEqual(late.answer, {
    client: 1,
    session: 1,
    number: 5,
    outcome: "session-expired",
    results: [],
  });
  assert.equal(replica.settled(bundleFor(1, 1, 5)), Number.MAX_SAFE_INTEGER);
});

test("an image does not change while execution goes on", () => {
  const replica = executor();
  execute(replica, [bundleFor(1, 1, 1, { operations: [noBytes] })]);
  const image = replica.image(1);
  const stored = image.pages.map((page) => toHex(page.bytes()));
  const digest = replica.digest(image);
  execute(replica, [bundleFor(1, 1, 2, { operations: [noBytes] }), bundleFor(2, 1, 1)]);
  assert.deepEqual(
    image.pages.map((page) => toHex(page.bytes())),
    stored,
  );
  assert.deepEqual(replica.digest(image), digest);
  const changed = replica.image(2).pages.filter((page, index) => page !== image.pages[index]);
  assert.equal(changed.length, 3);
  replica.restore(image);
  assert.deepEqual(replica.digest(replica.image(1)), digest);
  assert.equal(replica.settled(bundleFor(1, 1, 1)), 1);
});

test("an image's digest depends on its order and on every page's place", () => {
  const replica = executor();
  execute(replica, [bundleFor(1, 1, 1)]);
  const { pages } = replica.image(1);
  const [first, second, ...others] = pages;
  const digest = toHex(replica.digest({ order: 1, pages }));
  assert.notEqual(toHex(replica.digest({ order: 2, pages })), digest);
  const swapped = [second!, first!, ...others];
  assert.notEqual(toHex(replica.digest({ order: 1, pages: swapped })), digest);
  assert.notEqual(toHex(replica.digest({ order: 1, pages: pages.slice(0, -1) })), digest);
});

test("a stored image that cannot be read stops the replica", () => {
  const replica = executor();
  const pages = replica.image(0).pages.map((page) => page.bytes());
  pages[5] = Uint8Array.of(1, 2, 3);
  assert.throws(() => replica.read({ order: 0, pages }), InvariantError);
  assert.throws(
    () => replica.execute([{ body: Uint8Array.of(1), authenticator: noBytes }]),
    InvariantError,
  );
  assert.equal(replica.readPage(ClientTable.pageCount - 1, Uint8Array.of(1)), null);
  assert.notEqual(replica.readPage(ClientTable.pageCount, Uint8Array.of(1)), null);
});

test("a batch's digest is of its requests in their order; its bytes are all of theirs", () => {
  const [a, b] = [requestFor(bundleFor(1, 1, 1)), requestFor(bundleFor(1, 1, 2))];
  const digests = [[], [a], [a, b], [b, a], [a, a]].map((batch) => toHex(batchDigest(batch, hash)));
  assert.equal(new Set(digests).size, digests.length);
  assert.equal(toHex(batchDigest([{ ...a }], hash)), digests[1]);
  assert.equal(batchBytes([a, { ...b, authenticator: new Uint8Array(7) }]), 2 * a.body.length + 7);
});
