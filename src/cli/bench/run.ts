// The bench: one measurement, two in turns, or a sweep; printed for people or as JSON.

import { writeFile } from "node:fs/promises";
import { exitCode } from "../exit-code.js";
import { type Column, duration, quantity, table } from "../text.js";
import { describeFigures, type Figures, figuresOf } from "./figures.js";
import { plotSweep, type SweepPoint } from "./plot.js";
import { type Progress, Rig, type Slice } from "./rig.js";
import { type BenchSettings, describeSettings, overridden } from "./settings.js";

/** The parsed options of `troth bench`. */
export interface BenchOptions extends BenchSettings {
  readonly sweep: boolean;
  readonly svg?: string;
  readonly versus?: string;
  readonly json: boolean;
}

const warmUpMs = 1000;
/** Of the later slices of a comparison, whose processes are warm. */
const rewarmMs = 300;
/** Slices of each side of a comparison: enough for a median that one disturbance does not move. */
const slicesLeast = 3;
const sliceMs = 2000;

/** Measures, prints, and gives the exit code: failed if any operation did. */
export async function bench(options: BenchOptions): Promise<number> {
  const { sweep, svg, versus, json, ...settings } = options;
  if (versus !== undefined) return compare(settings, overridden(settings, versus), json);
  if (sweep) return measureSweep(settings, svg ?? "troth-sweep.svg", json);
  return measureOnce(settings, json);
}

async function measureOnce(settings: BenchSettings, json: boolean): Promise<number> {
  if (!json) console.log(`${describeSettings(settings)}\n`);
  const rig = await Rig.start(settings);
  try {
    const slice = await rig.slice(
      settings.outstanding,
      warmUpMs,
      settings.seconds * 1000,
      progress(),
    );
    const figures = figuresOf([slice]);
    console.log(json ? JSON.stringify({ ...figures, settings }) : describeFigures(figures));
    return codeFor(figures);
  } finally {
    await rig.stop();
  }
}

/**
 * Both clusters live at once, and take turns under load, so that what disturbs one disturbs the
 * other.
 */
async function compare(a: BenchSettings, b: BenchSettings, json: boolean): Promise<number> {
  const rigs: Rig[] = [];
  try {
    for (const settings of [a, b]) rigs.push(await Rig.start(settings));
    const turns = Math.max(slicesLeast, Math.round((a.seconds * 1000) / sliceMs));
    const slices: Slice[][] = rigs.map(() => []);
    for (let turn = 0; turn < turns; turn++) {
      for (const [side, rig] of rigs.entries()) {
        const { outstanding, seconds } = rig.settings;
        const warm = turn === 0 ? warmUpMs : rewarmMs;
        slices[side]?.push(
          await rig.slice(outstanding, warm, (seconds * 1000) / turns, progress()),
        );
      }
    }
    const [first, second] = slices.map(figuresOf) as [Figures, Figures];
    const ratio = first.operationsPerSecond / second.operationsPerSecond;
    if (json) {
      const versus = { ...second, settings: b };
      console.log(JSON.stringify({ ...first, settings: a, versus, ratio }));
    } else {
      console.log(`A: ${describeSettings(a)}\n\n${describeFigures(first)}\n`);
      console.log(`B: ${describeSettings(b)}\n\n${describeFigures(second)}\n`);
      console.log(`A / B = ${ratio.toFixed(2)} (medians of ${turns} slices each, in turns)`);
    }
    return Math.max(codeFor(first), codeFor(second));
  } finally {
    await Promise.all(rigs.map((rig) => rig.stop()));
  }
}

async function measureSweep(settings: BenchSettings, svg: string, json: boolean): Promise<number> {
  if (!json) console.log(`${describeSettings(settings)}\n`);
  const rig = await Rig.start(settings);
  const points: (SweepPoint & { readonly errors: number })[] = [];
  try {
    for (const outstanding of sweepLoads(settings.outstanding)) {
      const warm = points.length === 0 ? warmUpMs : rewarmMs;
      const slice = await rig.slice(outstanding, warm, settings.seconds * 1000, progress());
      const { operationsPerSecond, latencyMs, errors } = figuresOf([slice]);
      const { p50, p99 } = latencyMs;
      points.push({ outstanding, operationsPerSecond, p50Ms: p50, p99Ms: p99, errors });
    }
  } finally {
    await rig.stop();
  }
  await writeFile(svg, plotSweep("Throughput against latency", describeSettings(settings), points));
  if (json) console.log(JSON.stringify({ settings, points, svg }));
  else console.log(`${sweepTable(points)}\n\nPicture: ${svg}`);
  return points.every(({ errors }) => errors === 0) ? exitCode.ok : exitCode.failed;
}

/** 1, 2, 4 … and `most` itself. */
function sweepLoads(most: number): number[] {
  const loads: number[] = [];
  for (let load = 1; load < most; load *= 2) loads.push(load);
  return [...loads, most];
}

const sweepColumns: readonly Column[] = [
  { title: "outstanding", align: "right" },
  { title: "operations/s", align: "right" },
  { title: "median", align: "right" },
  { title: "99 %", align: "right" },
];

function sweepTable(points: readonly SweepPoint[]): string {
  const rows = points.map(({ outstanding, operationsPerSecond, p50Ms, p99Ms }) => [
    String(outstanding),
    quantity(operationsPerSecond),
    duration(p50Ms),
    duration(p99Ms),
  ]);
  return table(sweepColumns, rows);
}

const codeFor = (figures: Figures) => (figures.errors === 0 ? exitCode.ok : exitCode.failed);

/** A line each second on a terminal's error stream, so that the result stays clean. */
function progress(): Progress {
  if (!process.stderr.isTTY) return () => {};
  return (operationsPerSecond, second) => {
    process.stderr.write(`  ${second} s  ${quantity(operationsPerSecond)} operations/s\n`);
  };
}
