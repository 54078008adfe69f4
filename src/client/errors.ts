// What a call can end with besides its result, and whether the operation may have taken effect all
// the same.

/** Why a call failed. */
export type TrothErrorCode =
  /** No result by the deadline. */
  | "DEADLINE"
  /** The caller's AbortSignal said so. */
  | "ABORTED"
  /** The replicas no longer remember the session; the client has begun a new one. */
  | "SESSION_EXPIRED"
  /** The replicas no longer keep the result, as it was asked for too late. */
  | "RESULT_LOST"
  /** The client was closed. */
  | "CLOSED"
  /** Too many operations wait to be sent; slow down. */
  | "OVERLOADED"
  /** The operation is longer than `operationBytesMax`. */
  | "OPERATION_TOO_LARGE"
  /** More operations or bytes than fit one bundle; split them. */
  | "BUNDLE_TOO_LARGE"
  /** `connect` found too few replicas. */
  | "UNREACHABLE";

/**
 * What a failed operation did. `none`: it was never sent and never will be; repeating it is safe.
 * `unknown`: it may have taken effect, may still do so, or may never; read the state before
 * repeating what must not happen twice.
 */
export type FailureEffect = "none" | "unknown";

/**
 * A call that failed. Only these and `UsageError` (a damaged cluster folder, say) come out of the
 * client.
 */
export class TrothError extends Error {
  override readonly name = "TrothError";
  readonly code: TrothErrorCode;
  readonly effect: FailureEffect;

  constructor(code: TrothErrorCode, effect: FailureEffect, message: string) {
    super(message);
    this.code = code;
    this.effect = effect;
  }
}
