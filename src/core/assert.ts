// The two errors that code throws on purpose; see docs/decisions/0002 for the four sorts of error.

/** What must hold does not: a defect in Troth or a service. It stops the node. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** A caller's mistake. `code` is one of a closed set, `data` says what was wrong. */
export class UsageError<Code extends string = string> extends Error {
  override readonly name = "UsageError";
  readonly code: Code;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: Code, message: string, data: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** Asserts what must hold; throws {@link InvariantError} with the message otherwise. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Makes the compiler check that a `switch` is exhaustive; throws if it is reached all the same. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`);
}
