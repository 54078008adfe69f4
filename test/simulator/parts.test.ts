// The simulator's own parts: randomness, the event queue, the journal, the network, and the
// mutation of messages.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { byteList, container, list, uint53, union } from "../../src/codec/index.js";
import { mutate } from "../../src/simulator/adversary/mutate.js";
import { EventQueue } from "../../src/simulator/event-queue.js";
import { HostClock } from "../../src/simulator/host-clock.js";
import { Journal, type Recovered } from "../../src/simulator/journal.js";
import { Mixer } from "../../src/simulator/mix.js";
import { Network, type NetworkOptions } from "../../src/simulator/network.js";
import type { NetworkPlan } from "../../src/simulator/plan.js";
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
  assert.deepEqual(recovered(journal).records, [bytes(1), bytes(2), bytes(3)]);
});

test("a saved checkpoint replaces what came before, once durable: atomically, or never", () => {
  const page = { digest: new Uint8Array(32), bytes: () => Uint8Array.of(9) };
  const journal = new Journal();
  journal.write(Uint8Array.of(1));
  journal.replace({ order: 4, pages: [page] }, [Uint8Array.of(2)]);
  journal.write(Uint8Array.of(3));
  const lost = structuredCloneOf(journal);
  lost.crash(1);
  assert.equal(recovered(lost).snapshot, null);
  assert.deepEqual(recovered(lost).records, [Uint8Array.of(1)]);
  journal.crash(3);
  const { snapshot, records } = recovered(journal);
  assert.equal(snapshot?.order, 4);
  assert.deepEqual(snapshot?.pages[0], Uint8Array.of(9));
  assert.deepEqual(records, [Uint8Array.of(2), Uint8Array.of(3)]);
  assert.equal(journal.written, 3);
});

function recovered(journal: Journal): Recovered {
  const found = journal.recover();
  assert.ok(found !== null);
  return found;
}

test("damage to what a start would read is found, and nothing is skipped", () => {
  const written = () => {
    const journal = new Journal();
    for (let i = 0; i < 4; i++) journal.write(Uint8Array.of(i));
    journal.startSync();
    journal.finishSync();
    return journal;
  };
  for (const fraction of [0, 0.5, 0.99]) {
    const journal = written();
    journal.damage(fraction);
    assert.equal(journal.recover(), null);
    journal.wipe();
    assert.deepEqual(journal.recover(), { snapshot: null, records: [] });
    assert.deepEqual([journal.written, journal.durable, journal.startSync()], [0, 0, false]);
  }
  const compacted = written();
  compacted.damage(0);
  compacted.replace({ order: 4, pages: [] }, []);
  compacted.startSync();
  compacted.finishSync();
  assert.notEqual(compacted.recover(), null, "what a checkpoint replaced is read no more");
});

test("a crash finds all writes of the sync under way, or none, at risk together", () => {
  const journal = new Journal();
  for (let i = 0; i < 3; i++) journal.write(Uint8Array.of(i));
  journal.startSync();
  journal.write(Uint8Array.of(3));
  assert.deepEqual([journal.atRisk, journal.underWay], [4, 3]);
  journal.crash(journal.underWay);
  assert.equal(recovered(journal).records.length, 3);
  assert.equal(journal.underWay, 0);
});

/** The same writes again. */
function structuredCloneOf(_journal: Journal): Journal {
  const copy = new Journal();
  copy.write(Uint8Array.of(1));
  copy.replace({ order: 4, pages: [] }, [Uint8Array.of(2)]);
  copy.write(Uint8Array.of(3));
  return copy;
}

const calm: NetworkPlan = {
  delayMs: 1,
  jitterMs: 0,
  lateChance: 0,
  lateMs: 50,
  lossChance: 0,
  duplicationChance: 0,
  overtakeChance: 0,
};

/** Two parties, healed after 100 ms, and what their network counts. */
function network(
  plan: Partial<NetworkPlan>,
  others: Partial<Pick<NetworkOptions, "partitions" | "clogs">> = {},
) {
  const counts: Record<string, number> = {};
  const network = new Network({
    plan: { ...calm, ...plan },
    partitions: [],
    clogs: [],
    ...others,
    parties: 2,
    healMs: 100,
    random: new Random(3),
    count: (mark) => {
      counts[mark] = (counts[mark] ?? 0) + 1;
    },
  });
  const arrival = (nowMs: number): number => {
    const fate = network.fate(nowMs, 0, 1);
    assert.ok(fate.kind === "carried");
    return fate.atMs;
  };
  return { network, counts, arrival };
}

const link = { from: 0, to: 1 };

test("the network loses, doubles and blocks until it heals", () => {
  const partitions = [{ kind: "one-way-links", fromMs: 0, untilMs: 50, blocked: [link] }] as const;
  const faulty = { jitterMs: 2, lossChance: 0.3, duplicationChance: 0.3, overtakeChance: 1 };
  const kinds = new Set<string>();
  const { network: net, counts } = network(faulty, { partitions });
  for (let i = 0; i < 200; i++) {
    assert.equal(net.fate(10, 0, 1).kind, "blocked");
    const fate = net.fate(60, 0, 1);
    kinds.add(fate.kind === "carried" ? (fate.againMs === null ? "once" : "twice") : fate.kind);
    const healed = net.fate(100, 0, 1);
    assert.ok(healed.kind === "carried" && healed.againMs === null);
    assert.ok(healed.atMs >= 101 && healed.atMs < 103);
  }
  assert.deepEqual([...kinds].sort(), ["lost", "once", "twice"]);
  assert.equal(net.fate(10, 1, 0).kind === "blocked", false);
  assert.ok(counts.duplicated! > 0);
});

test("a link keeps the order of its messages, but for those that go their own way", () => {
  const orderly = (plan: Partial<NetworkPlan>) => {
    const { arrival, counts } = network({ jitterMs: 20, lateChance: 0.2, ...plan });
    const times = Array.from({ length: 200 }, (_, i) => arrival(i / 4));
    return { isOrderly: times.every((at, i) => i === 0 || at >= times[i - 1]!), counts };
  };
  const kept = orderly({});
  assert.ok(kept.isOrderly && kept.counts.late! > 0 && kept.counts.overtaken === undefined);
  const broken = orderly({ overtakeChance: 0.3 });
  assert.ok(!broken.isOrderly && broken.counts.overtaken! > 0);
});

test("a clogged link holds its messages and releases them together", () => {
  const clogs = [{ fromMs: 10, untilMs: 40, held: [link] }];
  const { arrival, counts } = network({}, { clogs });
  assert.deepEqual([5, 10, 20, 39, 50].map(arrival), [6, 41, 41, 41, 51]);
  assert.equal(counts.clogged, 3);
});

test("a host's clock drifts and jumps, never goes back, and says when it will show a time", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0.5, 1, 1.3, 2),
      fc.array(fc.tuple(fc.nat(100), fc.integer({ min: -500, max: 500 })), { maxLength: 20 }),
      (rate, steps) => {
        const clock = new HostClock(1000, rate);
        let [now, shown] = [0, 1000];
        for (const [ms, byMs] of steps) {
          now += ms;
          assert.ok(clock.read(now) >= shown);
          shown = clock.read(now);
          clock.jump(now, byMs);
          assert.ok(byMs > 0 || clock.read(now) === shown);
        }
        const due = clock.read(now) + 50;
        const when = clock.when(due, now);
        assert.ok(when === now || Math.abs(clock.read(when) - due) < 1e-6);
      },
    ),
  );
  const fast = new HostClock(0, 2);
  assert.deepEqual([fast.read(10), fast.when(30, 10)], [20, 15]);
  fast.jump(10, -8);
  assert.deepEqual([fast.read(12), fast.read(16), fast.when(30, 16)], [20, 24, 19]);
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

test("no bit of what is mixed is lost: a certificate with a wrong bit is forged", () => {
  const start = new Int32Array(8).fill(7);
  const bytes = new Uint8Array(64).fill(0x5a);
  const mixed = (input: Uint8Array): string => new Mixer(start).bytes(input).finish().join();
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.notEqual(mixed(flipped), mixed(bytes), `bit ${bit}`);
  }
});
