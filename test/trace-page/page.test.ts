// What the trace page computes before it draws: scales, filters, and the shape of a run.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { StoredEvent, TraceDocument } from "../../src/trace-page/document.js";
import { boundsOf, Filter, numbersIn, wantedFrom } from "../../src/trace-page/filter.js";
import { causesOf, effectsOf, modelOf } from "../../src/trace-page/model.js";
import { msText, ticksOf, TimeScale } from "../../src/trace-page/scale.js";

const party = (name: string, isReplica: boolean) => ({ name, short: name, isReplica, lies: false });

const sent = (id: number, from: number, to: number, atMs: number, message: number | null) => ({
  kind: "sent" as const,
  atMs,
  id,
  from,
  to,
  fate: "carried" as const,
  arrivesMs: atMs + 1,
  name: `${from}>${to} ${id}`,
  text: message === null ? "3 bytes" : message === 0 ? "request(…)" : "prepare(…)",
  message,
  bytes: 3,
});
const received = (id: number, at: number, atMs: number) =>
  ({ kind: "received", atMs, id, at }) as const;
const happened = (what: string, at: number | null, atMs: number, facts = {}) =>
  ({ kind: "happened", atMs, what, at, details: "", facts }) as const;

/** Client 2 asks replica 0, which proposes to replica 1, which is down, and to itself never. */
const events: StoredEvent[] = [
  happened("partition", null, 0, { untilMs: 4, links: "0>1" }),
  sent(1, 2, 0, 0, 0),
  received(1, 0, 2),
  sent(2, 0, 1, 2, 1),
  happened("crash", 1, 2.5),
  happened("restart", 1, 5),
  happened("view changing", 1, 6, { view: 1 }),
  happened("view established", 1, 8, { view: 1 }),
  sent(3, 0, 1, 8, null),
  received(3, 1, 9),
  received(3, 1, 9.5),
  { kind: "violated", atMs: 10, property: "agreement", message: "no", at: 1 },
];

const page: TraceDocument = {
  title: "a run",
  subject: [],
  faults: [],
  parties: [party("r0", true), party("r1", true), party("c0", false)],
  violations: [],
  summary: "",
  command: "",
  endMs: 10,
  messages: [
    { kind: "request", client: 0 },
    { kind: "prepare", view: 0, requests: [{ order: 7 }] },
  ],
  events,
};

test("scales keep the order of times, there and back", () => {
  const times = fc.array(fc.double({ min: 0, max: 1e5, noNaN: true }), { minLength: 1 });
  fc.assert(
    fc.property(times, fc.constantFrom("even" as const, "time" as const), (all, mode) => {
      const scale = new TimeScale(all, 1e5 + 1, mode);
      const sorted = all.toSorted((a, b) => a - b);
      for (const [index, time] of sorted.entries()) {
        const units = scale.units(time);
        assert.ok(units >= 0 && units <= scale.length);
        assert.ok(Math.abs(scale.ms(units) - time) < 1e-6 * (1 + time));
        const before = sorted[index - 1];
        if (before !== undefined && before < time) assert.ok(scale.units(before) < units);
      }
    }),
  );
});

test("a silence is short on the even scale and true on the other", () => {
  const times = [0, 1, 2, 3, 1000];
  const share = (mode: "even" | "time") => {
    const scale = new TimeScale(times, 1000, mode);
    return (scale.units(1000) - scale.units(3)) / scale.length;
  };
  assert.ok(share("time") > 0.99);
  assert.ok(share("even") < 0.8);
});

test("ticks of true time are round", () => {
  const scale = new TimeScale([0, 100], 100, "time");
  const ticks = ticksOf(scale, 0, 100, 5).map(({ text }) => text);
  assert.deepEqual(ticks, ["0 ms", "20 ms", "40 ms", "60 ms", "80 ms", "100 ms"]);
  assert.equal(msText(1.25, 0.01), "1.25 ms");
});

test("a run becomes arrows, marks, spans and cuts", () => {
  const model = modelOf(page);
  assert.deepEqual(
    model.arrows.map(({ id, fate, receivedMs }) => [id, fate, receivedMs]),
    [
      [1, "carried", 2],
      [2, "not taken", null],
      [3, "carried", 9],
      [3, "carried", 9.5],
    ],
  );
  assert.deepEqual(
    model.arrows.map(({ kind }) => kind),
    ["request", "prepare", "garbage", "garbage"],
  );
  assert.deepEqual(
    model.spans.filter((span) => span.party === 1).map((span) => [span.fromMs, span.status]),
    [
      [0, "established"],
      [2.5, "down"],
      [5, "established"],
      [6, "changing"],
      [8, "established"],
    ],
  );
  assert.deepEqual(model.cuts, [{ what: "partition", fromMs: 0, untilMs: 4, links: "0>1" }]);
  const [request, prepare] = model.arrows;
  assert.deepEqual(causesOf(model, prepare!), [request]);
  assert.deepEqual(effectsOf(model, request!)[0], prepare);
});

test("filters by order, text, kind and party; violations stay", () => {
  const model = modelOf(page);
  const filter = new Filter(model);
  const shown = (address: string) => {
    const { arrows, marks } = filter.apply(wantedFrom(model, address));
    const ids = model.arrows.filter(({ index }) => arrows[index] === 1).map(({ id }) => id);
    const marked = model.marks.filter(({ index }) => marks[index] === 1).map(({ what }) => what);
    return { ids, marked };
  };
  assert.deepEqual(shown("").ids, [1, 2, 3, 3]);
  assert.deepEqual(shown("#order=7").ids, [2]);
  assert.deepEqual(shown("#order=8").ids, []);
  assert.deepEqual(shown("#order=5..9").ids, [2]);
  assert.deepEqual(shown("#text=CLIENT").ids, [1]);
  assert.deepEqual(shown("#kinds=prepare,garbage").ids, [2, 3, 3]);
  assert.deepEqual(shown("#parties=r0,c0").ids, [1]);
  assert.deepEqual(shown("#view=1").marked, [
    "view changing",
    "view established",
    "violated: agreement",
  ]);
  assert.deepEqual(filter.dimensions(), ["view", "order"]);
});

test("ranges are numbers, open or closed, and nothing else", () => {
  assert.deepEqual(boundsOf(" 12 "), { low: 12, high: 12 });
  assert.deepEqual(boundsOf("3..5"), { low: 3, high: 5 });
  assert.deepEqual(boundsOf("3.."), { low: 3, high: Infinity });
  assert.deepEqual(boundsOf("..5"), { low: 0, high: 5 });
  for (const text of ["", "..", "x", "1-2"]) assert.equal(boundsOf(text), null, text);
  assert.deepEqual([...numbersIn({ attestation: { view: 3 } }).keys()], []);
});
