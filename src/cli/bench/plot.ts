// Throughput against latency as an SVG picture.

import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { quantity } from "../text.js";

/** One measurement of a sweep. */
export interface SweepPoint {
  readonly outstanding: number;
  readonly operationsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const width = 880;
const height = 520;

/** The picture: one line for the median and one for the 99th percentile, a point for each load. */
export function plotSweep(title: string, subtitle: string, points: readonly SweepPoint[]): string {
  use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  const line = (name: string, latency: (point: SweepPoint) => number, labelled: boolean) => ({
    name,
    type: "line" as const,
    symbolSize: 7,
    data: points.map((point) => [point.operationsPerSecond, latency(point)]),
    label: {
      show: labelled,
      position: "bottom" as const,
      formatter: ({ dataIndex }: { dataIndex: number }) =>
        String(points[dataIndex]?.outstanding ?? ""),
    },
  });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    color: ["#1f5fa8", "#c2571a"],
    title: { text: title, subtext: subtitle, left: "center" },
    legend: { bottom: 8 },
    grid: { left: 80, right: 40, top: 80, bottom: 88 },
    xAxis: {
      type: "value",
      name: "operations per second (labels: bundles outstanding)",
      nameLocation: "middle",
      nameGap: 30,
      axisLabel: { formatter: (value: number) => quantity(value) },
    },
    yAxis: { type: "log", name: "latency of a bundle, ms", nameLocation: "middle", nameGap: 52 },
    series: [
      line("median", (point) => point.p50Ms, true),
      line("99th percentile", (point) => point.p99Ms, false),
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
