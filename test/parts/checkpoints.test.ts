// Checkpoints: when one is due, what makes one stable, and what is kept.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { toHex } from "../../src/core/index.js";
import { Checkpoints, type CheckpointStatement } from "../../src/parts/index.js";
import { limitsWith } from "./samples.js";

interface Statement extends CheckpointStatement {
  readonly from: number;
}

const limits = limitsWith({ checkpointOrders: 4, checkpointBytes: 1000 });
const checkpoints = (n: number, quorum: number) => new Checkpoints<Statement>(n, quorum, limits);
const state = (from: number, order: number, content = 1): Statement => ({
  from,
  order,
  digest: new Uint8Array(32).fill(content),
});

test("a checkpoint is due after so many orders, or so many bytes, since the last", () => {
  const counts = checkpoints(3, 2);
  const due = (...sizes: number[]) => sizes.map((bytes) => counts.isDueAfter(bytes));
  assert.deepEqual(due(0, 0, 0, 0, 0), [false, false, false, true, true]);
  counts.restartCount();
  assert.deepEqual(due(500, 499, 1), [false, false, true]);
  counts.restartCount();
  assert.deepEqual(due(999, 0, 0, 0), [false, false, false, true]);
});

test("a checkpoint is stable when a quorum of different replicas state the same", () => {
  const statements = fc.array(
    fc.record({ from: fc.nat(4), step: fc.integer({ min: 1, max: 3 }), content: fc.nat(1) }),
    { maxLength: 40, size: "max" },
  );
  let proofs = 0;
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 4 }), statements, (quorum, said) => {
      const subject = checkpoints(5, quorum);
      const latest = new Map<string, Statement>();
      for (const { from, step, content } of said) {
        const statement = state(from, 10 * step, content);
        const proof = subject.note(from, statement);
        if (statement.order <= subject.stable.order) {
          assert.equal(proof, null);
          continue;
        }
        latest.set(`${from} ${statement.order}`, statement);
        const equal = [...latest.values()].filter(
          ({ order, digest }) =>
            order === statement.order && toHex(digest) === toHex(statement.digest),
        );
        assert.equal(proof !== null, equal.length >= quorum);
        if (proof === null) continue;
        proofs += 1;
        assert.equal(proof.order, statement.order);
        assert.deepEqual(proof.digest, statement.digest);
        assert.equal(new Set(proof.statements.map(({ from }) => from)).size, quorum);
        assert.equal(proof.statements.length, quorum);
        for (const part of proof.statements) assert.ok(equal.includes(part));
        subject.advance(proof);
        assert.equal(subject.stable, proof);
      }
    }),
  );
  assert.ok(proofs > 0);
});

test("one replica alone proves nothing, whatever it repeats or takes back", () => {
  const subject = checkpoints(3, 2);
  for (let time = 0; time < 5; time++) assert.equal(subject.note(2, state(2, 10)), null);
  assert.equal(subject.note(2, state(2, 10, 9)), null);
  assert.equal(subject.note(0, state(0, 10)), null);
  assert.equal(subject.note(1, state(1, 10, 9))?.order, 10, "its latest word counts");
});

test("a proof that could not be used yet is found again when a statement is repeated", () => {
  const subject = checkpoints(3, 2);
  assert.equal(subject.note(1, state(1, 10)), null);
  assert.notEqual(subject.note(2, state(2, 10)), null);
  assert.equal(subject.note(0, state(0, 10))?.statements.length, 2);
  assert.notEqual(subject.note(0, state(0, 10)), null);
});

test("a replica that floods statements displaces only its own", () => {
  const subject = checkpoints(4, 2);
  assert.equal(subject.note(1, state(1, 10)), null);
  assert.equal(subject.note(3, state(3, 10, 9)), null);
  for (let order = 1000; order > 500; order--) assert.equal(subject.note(3, state(3, order)), null);
  for (const old of [10, 501, 997]) {
    assert.equal(subject.note(2, state(2, old, 9)), null, `${old} was to be forgotten`);
  }
  for (const kept of [998, 999, 1000]) {
    assert.notEqual(subject.note(0, state(0, kept)), null, `${kept} was to be kept`);
  }
  assert.notEqual(subject.note(0, state(0, 10)), null, "it counts before it is forgotten");
  const other = checkpoints(4, 2);
  assert.equal(other.note(1, state(1, 10)), null);
  for (let order = 20; order < 500; order++) other.note(3, state(3, order));
  assert.notEqual(other.note(0, state(0, 10)), null);
});

test("a liar's other statements do not hide its part of a proof that others hold", () => {
  const subject = checkpoints(3, 2);
  for (const order of [80, 90, 100]) subject.note(2, state(2, order));
  subject.note(2, state(2, 10, 9));
  // The proof comes from replica 1, twice, in either order.
  const proofs = [2, 1, 2, 1].map((from) => subject.note(from, state(from, 10)));
  assert.ok(proofs.some((proof) => proof?.order === 10));
});

test("statements at or below the stable checkpoint count for nothing", () => {
  const subject = checkpoints(3, 2);
  subject.note(2, state(2, 20, 9));
  subject.note(2, state(2, 40, 9));
  subject.advance({ order: 20, digest: new Uint8Array(32), statements: [] });
  for (const from of [0, 1]) assert.equal(subject.note(from, state(from, 20)), null);
  for (const from of [0, 1]) assert.equal(subject.note(from, state(from, 10)), null);
  assert.equal(subject.note(0, state(0, 40, 9))?.order, 40);
});

test("images above the stable checkpoint are kept, and the last few up to it", () => {
  const subject = checkpoints(3, 2);
  assert.equal(subject.stable.order, 0);
  const image = (order: number) => ({ order, pages: [] });
  for (let order = 10; order <= 100; order += 10) {
    subject.addOwn(image(order), new Uint8Array(32), state(0, order));
  }
  const kept = () =>
    Array.from({ length: 10 }, (_, index) => 10 * (index + 1)).filter(
      (order) => subject.own(order)?.image.order === order,
    );
  const unstable = () => subject.unstable().map(({ order }) => order);
  assert.equal(kept().length, 10);
  assert.equal(unstable().length, 10);
  subject.advance({ order: 80, digest: new Uint8Array(32), statements: [] });
  assert.deepEqual(kept(), [50, 60, 70, 80, 90, 100]);
  assert.deepEqual(unstable(), [90, 100]);
  subject.forgetOwn();
  assert.deepEqual(kept(), []);
  assert.deepEqual(unstable(), []);
});
