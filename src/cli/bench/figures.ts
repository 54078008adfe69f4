// What a measurement comes to.

import { bytes, duration, quantity, table } from "../text.js";
import type { ReplicaUse, Slice } from "./rig.js";

/** The figures of one configuration; over several slices, the medians. */
export interface Figures {
  readonly operationsPerSecond: number;
  /** Of a bundle, from submission to accepted result. */
  readonly latencyMs: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  };
  readonly errors: number;
  /** CPU over all slices, memory at the end. */
  readonly replicas: readonly ReplicaUse[];
  readonly clientCpuSeconds: number;
}

/** The figures of slices of one configuration: throughput is the median, latency is over all. */
export function figuresOf(slices: readonly Slice[]): Figures {
  const [first, ...rest] = slices.map((slice) => slice.window.latencyMicros);
  for (const histogram of rest) first?.add(histogram);
  const at = (percentile: number) => (first?.getValueAtPercentile(percentile) ?? 0) / 1000;
  const rates = slices.map(({ window }) => window.operations / window.seconds);
  const last = slices.at(-1)?.replicas ?? [];
  return {
    operationsPerSecond: Math.round(median(rates)),
    latencyMs: { p50: at(50), p90: at(90), p99: at(99), max: (first?.maxValue ?? 0) / 1000 },
    errors: sum(slices.map(({ window }) => window.errors)),
    replicas: last.map(({ id, rssBytes }) => ({
      id,
      cpuSeconds: rounded(sum(slices.map(({ replicas }) => replicas[id]?.cpuSeconds ?? 0))),
      rssBytes,
    })),
    clientCpuSeconds: rounded(sum(slices.map((slice) => slice.clientCpuSeconds))),
  };
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const rounded = (seconds: number) => Math.round(seconds * 1000) / 1000;

/** For people. */
export function describeFigures(figures: Figures): string {
  const { p50, p90, p99, max } = figures.latencyMs;
  const replicas = figures.replicas.map(({ id, cpuSeconds, rssBytes }) => [
    `replica ${id}`,
    `${cpuSeconds.toFixed(2)} s`,
    bytes(rssBytes),
  ]);
  return [
    `throughput  ${quantity(figures.operationsPerSecond)} operations/s`,
    `latency     median ${duration(p50)}, 90 % ${duration(p90)}, 99 % ${duration(p99)}, ` +
      `longest ${duration(max)} (a bundle)`,
    `errors      ${figures.errors}`,
    "",
    table(
      [
        { title: "process", align: "left" },
        { title: "CPU", align: "right" },
        { title: "memory", align: "right" },
      ],
      [...replicas, ["clients", `${figures.clientCpuSeconds.toFixed(2)} s`, ""]],
    ),
  ].join("\n");
}
