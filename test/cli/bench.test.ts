// The bench measures a real cluster and prints one JSON object; its arithmetic is checked apart.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Figures, median } from "../../src/cli/bench/figures.js";
import { plotSweep } from "../../src/cli/bench/plot.js";
import { type BenchSettings, overridden } from "../../src/cli/bench/settings.js";
import { troth } from "./harness.js";

const settings: BenchSettings = {
  protocol: "hybster",
  replicas: 3,
  service: "kv",
  bundle: 16,
  clients: 4,
  outstanding: 8,
  payload: 100,
  seconds: 1,
  keys: 50,
  durable: true,
  freshness: "storage",
};

test("--versus replaces only what it names", () => {
  const other = overridden(settings, "--bundle 1  --client-auth signature");
  assert.deepEqual(other, { ...settings, bundle: 1, clientAuth: "signature" });
});

test("the median of an even number of slices is between the two in the middle", () => {
  assert.equal(median([5, 1, 9]), 5);
  assert.equal(median([5, 1, 9, 7]), 6);
});

test("a sweep becomes a picture with a point for each load", () => {
  const points = [1, 2, 4].map((outstanding) => ({
    outstanding,
    operationsPerSecond: outstanding * 1000,
    p50Ms: outstanding,
    p99Ms: 3 * outstanding,
  }));
  const svg = plotSweep("Title & more", "below it", points);
  assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.match(svg, /<\/svg>\s*$/);
  for (const text of ["Title &amp; more", "below it", "median", "99th percentile"]) {
    assert.ok(svg.includes(text), text);
  }
});

test("bench --json prints the figures of a real cluster", async () => {
  const { code, out, err } = await troth(
    ..."bench --service null --bundle 8 --clients 4 --outstanding 8 --seconds 1 --json".split(" "),
  );
  assert.equal(err, "");
  assert.equal(code, 0);
  const figures = JSON.parse(out) as Figures & { settings: BenchSettings };
  assert.ok(figures.operationsPerSecond > 0);
  const { p50, p90, p99, max } = figures.latencyMs;
  assert.ok(0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= max);
  assert.equal(figures.errors, 0);
  assert.deepEqual(
    figures.replicas.map(({ id }) => id),
    [0, 1, 2],
  );
  for (const { cpuSeconds, rssBytes } of figures.replicas)
    assert.ok(cpuSeconds > 0 && rssBytes > 0);
  assert.equal(figures.settings.bundle, 8);
});
