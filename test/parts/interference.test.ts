// Which commands interfere: the index against comparing every pair.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Access, type Service } from "../../src/core/index.js";
import {
  type Footprint,
  footprintOf,
  interfere,
  InterferenceIndex,
} from "../../src/parts/index.js";
import { bundleFor, requestFor } from "./samples.js";

const spaces = 3;

const footprints: fc.Arbitrary<Footprint> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom<Access>("read", "write", "add"))
      .map((names) => new Map(Object.entries(names))),
  },
  { weight: 1, arbitrary: fc.constant("everything" as const) },
);

function doInterfere(one: Footprint, other: Footprint): boolean {
  if (one === "everything" || other === "everything") return true;
  return [...one].some(([name, access]) => {
    const there = other.get(name);
    return there !== undefined && interfere(access, there);
  });
}

test("dependencies are the highest interfering slots, or all that is forgotten", () => {
  const recorded = fc.array(fc.tuple(fc.nat({ max: spaces - 1 }), footprints), { maxLength: 20 });
  const floors = fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 4 }), fc.nat({ max: 4 }));
  fc.assert(
    fc.property(recorded, floors, footprints, (commands, floor, asked) => {
      const index = new InterferenceIndex(spaces);
      const expected: number[] = [...floor];
      const slots = new Array<number>(spaces).fill(0);
      for (const [space, footprint] of commands) {
        const slot = (slots[space]! += 1);
        index.record(space, slot, footprint);
        if (slot > floor[space]! && doInterfere(asked, footprint)) expected[space] = slot;
      }
      index.forget(floor);
      assert.deepEqual(index.dependencies(asked), expected);
    }),
    { numRuns: 500 },
  );
});

test("names of forgotten commands are not kept", () => {
  const index = new InterferenceIndex(2);
  for (let slot = 1; slot <= 100; slot += 1)
    index.record(0, slot, new Map([[`k${slot}`, "write"]]));
  index.forget([98, 0]);
  assert.equal(index.size, 2);
});

/** Reads the key that an operation names. */
const reader = {
  footprint: (operation: Uint8Array, touch: (name: string, access: Access) => void) =>
    touch(String.fromCharCode(...operation), "read"),
} as Service;

const text = (name: string): Uint8Array => Uint8Array.from(name, (letter) => letter.charCodeAt(0));

test("two bundles of one client interfere, whatever they do; no service can name a client", () => {
  const of = (client: number, number: number, name: string): Footprint =>
    footprintOf(reader, [requestFor(bundleFor(client, 1, number, { operations: [text(name)] }))]);
  const index = new InterferenceIndex(1);
  index.record(0, 1, of(7, 1, "a"));
  assert.deepEqual(index.dependencies(of(7, 2, "b")), [1]);
  assert.deepEqual(index.dependencies(of(8, 1, "a")), [0]);
  assert.deepEqual(index.dependencies(of(8, 1, "client:7")), [0]);
});
