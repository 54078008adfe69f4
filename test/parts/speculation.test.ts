// Speculation: what is undone leaves nothing behind, neither in the state nor in what clients would
// be told; what is confirmed stands, and checkpoints show it alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Request } from "../../src/codec/index.js";
import { toHex } from "../../src/core/index.js";
import {
  type Batch,
  batchBytes,
  batchDigest,
  type CheckpointStatement,
  Checkpoints,
  Executor,
  Speculation,
} from "../../src/parts/index.js";
import { bundleFor, hash, historyService, limitsWith, requestFor } from "./samples.js";

const limits = limitsWith({ checkpointOrders: 3 });

/** A replica's state, with the checkpoints it took. */
class Replica {
  readonly executor = new Executor(historyService(), limits, hash, true);
  readonly checkpoints = new Checkpoints<CheckpointStatement>(4, 3, limits);
  readonly speculation = new Speculation(this.executor, this.checkpoints);
  readonly images: string[] = [];
  executed = 0;

  speculate(batch: Batch): void {
    this.speculation.speculate(batchDigest(batch, hash), batch);
  }

  confirm(batch: Batch): void {
    const digest = batchDigest(batch, hash);
    if (this.speculation.isOther(digest)) this.speculation.rollback(this.executed);
    const { image } = this.speculation.execute(digest, batch);
    this.executed += 1;
    if (!this.checkpoints.isDueAfter(batchBytes(batch))) return;
    const taken = image ?? this.executor.image(this.executed);
    this.speculation.rebase(taken);
    this.checkpoints.restartCount();
    this.images.push(toHex(this.executor.digest(taken)));
  }

  get state(): string {
    return toHex(this.executor.digest(this.executor.image(0)));
  }
}

/** A bundle of each client in its turn. */
const batchOf = (id: number): Batch => {
  const operations = [Uint8Array.of(id)];
  return [requestFor(bundleFor(id % 3, 1 + id, 1, { operations }))] as Request[];
};

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("speculate" as const) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("confirm" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("other" as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("undo" as const), share: fc.nat(4) }) },
  ),
  { maxLength: 30 },
);

test("whatever is undone, the state is that of what stands", () => {
  fc.assert(
    fc.property(steps, (script) => {
      const replica = new Replica();
      const confirmed: number[] = [];
      let tail: number[] = [];
      script.forEach((step, id) => {
        if (step.kind === "speculate") {
          tail.push(id);
          replica.speculate(batchOf(id));
        } else if (step.kind === "undo") {
          const kept = Math.min(tail.length, step.share);
          replica.speculation.rollback(confirmed.length + kept);
          tail = tail.slice(0, kept);
        } else {
          const isOther = step.kind === "other" || tail.length === 0;
          const decided = isOther ? id : tail[0]!;
          tail = isOther ? [] : tail.slice(1);
          confirmed.push(decided);
          replica.confirm(batchOf(decided));
        }
        const direct = new Replica();
        for (const one of confirmed) direct.confirm(batchOf(one));
        assert.deepEqual(replica.images, direct.images);
        for (const one of tail) direct.confirm(batchOf(one));
        assert.equal(replica.state, direct.state);
        assert.equal(replica.speculation.length, tail.length);
      });
    }),
    { numRuns: 60 },
  );
});

test("what was undone is not answered", () => {
  const replica = new Replica();
  replica.confirm(batchOf(1));
  replica.speculate(batchOf(2));
  const bundle = bundleFor(2, 3, 1);
  assert.notEqual(replica.executor.answer(bundle), null);
  replica.speculation.rollback(1);
  assert.equal(replica.executor.answer(bundle), null);
});
