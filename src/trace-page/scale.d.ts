export type ScaleMode = "even" | "time";
/** Maps virtual milliseconds to units of width, and back; strictly monotonic. */
export declare class TimeScale {
  #private;
  readonly mode: ScaleMode;
  /** `times` may come in any order and repeat. */
  constructor(times: readonly number[], endMs: number, mode: ScaleMode);
  /** The width of the whole run. */
  get length(): number;
  units(ms: number): number;
  ms(units: number): number;
}
/** Times worth writing at the axis, and how many digits tell them apart. */
export declare function ticksOf(
  scale: TimeScale,
  from: number,
  to: number,
  count: number,
): {
  readonly ms: number;
  readonly text: string;
}[];
/** A time with as many digits as the step between two needs. */
export declare function msText(ms: number, step?: number): string;
