// A mutant: the product with one mistake in it. What a rule is worth, and whether anything would
// notice that it is gone, is shown by taking it out of a copy; the product holds no switch for
// being wrong.

export interface Mutant {
  readonly name: string;
  /** The mistake, in one line. */
  readonly breaks: string;
  /** Relative to build/src, for instance "protocols/hybster/claims.js". */
  readonly file: string;
  /** Text of the built file that occurs once there. Any white space matches any other. */
  readonly find: string;
  /** What stands there instead. */
  readonly replace: string;
  /** How many replicas it takes to notice; by default as many as tolerate one fault. */
  readonly replicas?: number;
  /** For one that the simulation does not kill: why, as a sentence. */
  readonly survives?: string;
}

/** A mutant as its file lists it, under its name. */
export type Edit = Omit<Mutant, "name" | "file">;

/** The mutants of one file. */
export function inFile<Name extends string>(
  file: string,
  edits: Readonly<Record<Name, Edit>>,
): Readonly<Record<Name, Mutant>> {
  const mutants = {} as Record<Name, Mutant>;
  for (const name of Object.keys(edits) as Name[]) mutants[name] = { name, file, ...edits[name] };
  return mutants;
}
