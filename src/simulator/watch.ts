// How a run is watched from outside, step by step.

import type { Violation } from "./judge.js";

/** A run as it stands after a step. */
export interface RunSoFar {
  readonly steps: number;
  /** Virtual milliseconds. */
  readonly now: number;
  readonly violations: readonly Violation[];
  /** Of everything so far; its text is what tells two runs apart. */
  readonly fingerprint: { toString(): string };
}

/** See `SeedOptions.watch`. */
export type Watch = (run: RunSoFar) => "go on" | "stop";
