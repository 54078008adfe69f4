// Where two runs that should be one part: the first step after which they are not the same.

/** Two runs differ after a step: what each had there; null where a run had ended already. */
export interface Difference {
  /** From 1. */
  readonly step: number;
  readonly first: string | null;
  readonly second: string | null;
}

/** The first difference of two runs, each told as one text a step; null if there is none. */
export function firstDifference(
  first: readonly string[],
  second: readonly string[],
): Difference | null {
  const steps = Math.max(first.length, second.length);
  for (let index = 0; index < steps; index++) {
    if (first[index] === second[index]) continue;
    return { step: index + 1, first: first[index] ?? null, second: second[index] ?? null };
  }
  return null;
}
