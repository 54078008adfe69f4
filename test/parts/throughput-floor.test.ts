// The throughput floor: who is slow, and who only has little to do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultTiming } from "../../src/core/index.js";
import { ThroughputFloor } from "../../src/parts/index.js";

const timing = { ...defaultTiming, throughputWindowMs: 1000 };

/** Looks every 100 ms; how often a leader of this pace was found too slow. */
function watched(floor: ThroughputFloor) {
  let now = 0;
  return (ms: number, requestsEach: number, waiting: number): number => {
    let found = 0;
    for (const end = now + ms; now < end; now += 100) {
      floor.took(requestsEach);
      if (floor.look(now, waiting)) found += 1;
    }
    return found;
  };
}

test("a leader that slows down is found, as often as it is looked at", () => {
  const lead = watched(new ThroughputFloor(timing, 4));
  assert.equal(lead(5_000, 100, 8), 0);
  assert.equal(lead(1_000, 92, 8), 0);
  assert.ok(lead(3_000, 80, 8) >= 2);
});

test("little to do is nobody's fault: nothing waits, or fewer clients do", () => {
  const lead = watched(new ThroughputFloor(timing, 4));
  lead(5_000, 100, 80);
  assert.equal(lead(5_000, 0, 0), 0);
  assert.equal(lead(5_000, 10, 8), 0, "as long as before, for a tenth of the clients");
  assert.ok(lead(5_000, 10, 16) > 0, "twice as long");
});

test("a new view has a time of grace, and n views later all is forgotten", () => {
  const floor = new ThroughputFloor(timing, 4);
  const lead = watched(floor);
  lead(3_000, 100, 8);
  let now = 3_000;
  floor.viewBegan(now);
  assert.equal(lead(1_000, 50, 8), 0);
  assert.ok(lead(3_000, 50, 8) > 0);
  now += 4_000;
  for (let view = 0; view < 4; view += 1) floor.viewBegan(now);
  assert.equal(lead(5_000, 50, 8), 0);
});
