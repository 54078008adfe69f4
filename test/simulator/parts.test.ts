// The simulator's own parts: randomness, the event queue, the journal, the network, and the
// mutation of messages.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { byteList, container, list, uint53, union } from "../../src/codec/index.js";
import { mutate } from "../../src/simulator/adversary/mutate.js";
import { EventQueue } from "../../src/simulator/event-queue.js";
import { Journal } from "../../src/simulator/journal.js";
import { Mixer } from "../../src/simulator/mix.js";
import { Network } from "../../src/simulator/network.js";
import { Random } from "../../src/simulator/random.js";

test("events come out by time, those of one time in the order of scheduling", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (times) => {
      const queue = new EventQueue<number>();
      times.forEach((atMs, index) => queue.push(atMs, index));
      const expected = times
        .map((atMs, event) => ({ atMs, event }))
        .sort((a, b) => a.atMs - b.atMs || a.event - b.event);
      for (const { atMs, event } of expected) {
        const next = queue.pop();
        assert.deepEqual([next?.atMs, next?.event], [atMs, event]);
      }
      assert.equal(queue.pop(), null);
    }),
  );
});

test("a seed determines its numbers; forks are streams of their own", () => {
  const draw = (random: Random) => Array.from({ length: 8 }, () => random.next());
  assert.deepEqual(draw(new Random(5)), draw(new Random(5)));
  assert.notDeepEqual(draw(new Random(5)), draw(new Random(6)));
  assert.notDeepEqual(draw(new Random(5)), draw(new Random(5 + 2 ** 32)));
  assert.notDeepEqual(draw(new Random(5).fork("a")), draw(new Random(5).fork("b")));
  const mean =
    draw(new Random(1))
      .concat(draw(new Random(2)))
      .reduce((a, b) => a + b) / 16;
  assert.ok(Math.abs(mean / 2 ** 32 - 0.5) < 0.25);
});

test("symbolic MACs of different inputs differ", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
      const key = Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
      const mac = (bytes: Uint8Array) => new Mixer(key).bytes(bytes).finish();
      assert.equal(Buffer.compare(a, b) === 0, Buffer.compare(mac(a), mac(b)) === 0);
    }),
  );
});

test("a crash keeps what is durable and a prefix of the rest", () => {
  const journal = new Journal();
  const bytes = (value: number) => Uint8Array.of(value);
  journal.write(bytes(1));
  journal.write(bytes(2));
  assert.ok(journal.startSync());
  journal.write(bytes(3));
  assert.ok(!journal.startSync());
  journal.finishSync();
  assert.equal(journal.durable, 2);
  journal.write(bytes(4));
  journal.crash(1);
  assert.deepEqual(journal.recover().records, [bytes(1), bytes(2), bytes(3)]);
});

test("a saved checkpoint replaces what came before, once durable: atomically, or never", () => {
  const page = { digest: new Uint8Array(32), bytes: () => Uint8Array.of(9) };
  const journal = new Journal();
  journal.write(Uint8Array.of(1));
  journal.replace({ order: 4, pages: [page] }, [Uint8Array.of(2)]);
  journal.write(Uint8Array.of(3));
  const lost = structuredCloneOf(journal);
  lost.crash(1);
  assert.equal(lost.recover().snapshot, null);
  assert.deepEqual(lost.recover().records, [Uint8Array.of(1)]);
  journal.crash(3);
  const { snapshot, records } = journal.recover();
  assert.equal(snapshot?.order, 4);
  assert.deepEqual(snapshot?.pages[0], Uint8Array.of(9));
  assert.deepEqual(records, [Uint8Array.of(2), Uint8Array.of(3)]);
  assert.equal(journal.written, 3);
});

/** The same writes again. */
function structuredCloneOf(_journal: Journal): Journal {
  const copy = new Journal();
  copy.write(Uint8Array.of(1));
  copy.replace({ order: 4, pages: [] }, [Uint8Array.of(2)]);
  copy.write(Uint8Array.of(3));
  return copy;
}

test("the network loses, doubles and blocks until it heals", () => {
  const plan = { delayMs: 1, jitterMs: 2, lateChance: 0.2, lateMs: 50 };
  const faulty = { ...plan, lossChance: 0.3, duplicationChance: 0.3 };
  const blocked = [{ from: 0, to: 1 }];
  const network = new Network(faulty, [{ fromMs: 0, untilMs: 50, blocked }], 2, 100, new Random(3));
  const kinds = new Set<string>();
  for (let i = 0; i < 200; i++) {
    assert.equal(network.fate(10, 0, 1).kind, "blocked");
    const fate = network.fate(60, 0, 1);
    kinds.add(fate.kind === "carried" ? `${fate.delaysMs.length} copies` : fate.kind);
    const healed = network.fate(100, 0, 1);
    assert.ok(healed.kind === "carried" && healed.delaysMs.length === 1);
    assert.ok(healed.delaysMs[0]! >= 1 && healed.delaysMs[0]! < 3);
  }
  assert.deepEqual([...kinds].sort(), ["1 copies", "2 copies", "lost"]);
  assert.equal(network.fate(10, 1, 0).kind === "blocked", false);
});

test("a mutated message is another one of the same schema, and the original stays", () => {
  const codec = union({
    vote: container({ order: uint53, body: byteList(64), list: list(byteList(8), 4) }),
  });
  const message = {
    kind: "vote",
    order: 3,
    body: Uint8Array.of(1, 2, 3),
    list: [Uint8Array.of(4), Uint8Array.of(5)],
  } as const;
  const original = codec.encode({ ...message, list: [...message.list] });
  const random = new Random(1);
  let changed = 0;
  for (let i = 0; i < 200; i++) {
    const other = mutate(codec, { ...message, list: [...message.list] }, random);
    const bytes = codec.encode(other);
    assert.deepEqual(codec.decode(bytes), other);
    if (Buffer.compare(bytes, original) !== 0) changed++;
  }
  assert.ok(changed > 150, `${changed} of 200 changed`);
  assert.deepEqual(codec.encode({ ...message, list: [...message.list] }), original);
});
