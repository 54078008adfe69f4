// Time on paper. Events come in bursts with long silences between, so that beside real time there
// is a scale on which silences are short and bursts are wide; both keep the order of events.

export type ScaleMode = "even" | "time";

/** Maps virtual milliseconds to units of width, and back; strictly monotonic. */
export class TimeScale {
  readonly mode: ScaleMode;
  readonly #times: Float64Array;
  readonly #units: Float64Array;

  /** `times` may come in any order and repeat. */
  constructor(times: readonly number[], endMs: number, mode: ScaleMode) {
    this.mode = mode;
    const distinct = new Float64Array(new Set([0, ...times, endMs])).sort();
    this.#times = distinct;
    this.#units = new Float64Array(distinct.length);
    const gaps = distinct.slice(1).map((time, index) => time - distinct[index]!);
    const usual = Math.max(1e-4, gaps.slice().sort()[gaps.length >> 1] ?? 1);
    gaps.forEach((gap, index) => {
      const width = mode === "time" ? gap : 0.3 + Math.log2(1 + gap / usual);
      this.#units[index + 1] = this.#units[index]! + width;
    });
  }

  /** The width of the whole run. */
  get length(): number {
    return Math.max(1e-9, this.#units.at(-1)!);
  }

  units(ms: number): number {
    return interpolate(this.#times, this.#units, ms);
  }

  ms(units: number): number {
    return interpolate(this.#units, this.#times, units);
  }
}

/** The value of a piecewise linear function; beyond its ends it stays where it is. */
function interpolate(from: Float64Array, to: Float64Array, x: number): number {
  let low = 0;
  let high = from.length - 1;
  if (x <= from[0]!) return to[0]!;
  if (x >= from[high]!) return to[high]!;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (from[middle]! <= x) low = middle;
    else high = middle;
  }
  const share = (x - from[low]!) / (from[high]! - from[low]!);
  return to[low]! + share * (to[high]! - to[low]!);
}

/** Times worth writing at the axis, and how many digits tell them apart. */
export function ticksOf(
  scale: TimeScale,
  from: number,
  to: number,
  count: number,
): { readonly ms: number; readonly text: string }[] {
  const firstMs = scale.ms(from);
  const lastMs = scale.ms(to);
  if (scale.mode === "even") {
    const step = (to - from) / Math.max(1, count);
    const times = Array.from({ length: count }, (_, index) =>
      scale.ms((Math.ceil(from / step) + index) * step),
    );
    return times.map((ms) => ({ ms, text: msText(ms, (lastMs - firstMs) / count / 4) }));
  }
  const rough = (lastMs - firstMs) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-6)));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const ticks: { ms: number; text: string }[] = [];
  for (let ms = Math.ceil(firstMs / step) * step; ms <= lastMs; ms += step) {
    ticks.push({ ms, text: msText(ms, step) });
  }
  return ticks;
}

/** A time with as many digits as the step between two needs. */
export function msText(ms: number, step = 0.001): string {
  const digits = Math.min(3, Math.max(0, Math.ceil(-Math.log10(Math.max(step, 1e-3)))));
  return `${ms.toFixed(digits)} ms`;
}
