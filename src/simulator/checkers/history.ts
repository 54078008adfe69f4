// What checkers judge: a history of operations, against a model of what one key does.

/** One operation on one key, as its client saw it. Times are on one clock, in any unit. */
export interface HistoryOperation<Action, Answer> {
  /** Who called, for the explanation. */
  readonly process: number;
  readonly key: string;
  readonly action: Action;
  /** Undefined if no answer came: it may have taken effect, at any time since, or not. */
  readonly answer: Answer | undefined;
  readonly invokedAt: number;
  /** Null if no answer came. */
  readonly returnedAt: number | null;
  /**
   * Where somebody who may be wrong says that it took effect: operations of smaller positions came
   * before. It can make judging fast; it cannot make a wrong history right.
   */
  readonly position?: number | undefined;
}

/**
 * What one key does, one operation at a time. States and answers are compared by `===`: make them
 * texts or numbers.
 */
export interface SequentialModel<Action, Answer, State> {
  readonly initial: State;
  step(state: State, action: Action): { readonly state: State; readonly answer: Answer };
  /** Whether the action, when it gives this answer, changes no state whatever. */
  changesNothing(action: Action, answer: Answer): boolean;
  /** For the explanation. */
  describe(action: Action): string;
  /**
   * What this model's own structure tells about the operations on one key. Of an order it is not
   * believed; of `impossible` it is.
   */
  shortcut?(operations: readonly HistoryOperation<Action, Answer>[]): Shortcut<Action, Answer>;
}

export type Shortcut<Action, Answer> =
  | { readonly kind: "order"; readonly order: readonly HistoryOperation<Action, Answer>[] }
  | { readonly kind: "impossible"; readonly explanation: string }
  | { readonly kind: "cannot tell" };

/** What a history was found to be. */
export type Verdict =
  | { readonly verdict: "ok" }
  | { readonly verdict: "wrong"; readonly explanation: string }
  /** The search was given up. */
  | { readonly verdict: "undecided"; readonly explanation: string };

/** An operation as explanations name it. */
export function describeOperation<Action, Answer>(
  { process, action, answer, invokedAt, returnedAt }: HistoryOperation<Action, Answer>,
  model: Pick<SequentialModel<Action, Answer, unknown>, "describe">,
): string {
  const what = `process ${process}'s ${model.describe(action)}`;
  return answer === undefined
    ? `${what}, from ${invokedAt}, not answered`
    : `${what} → ${String(answer)}, from ${invokedAt} to ${String(returnedAt)}`;
}
