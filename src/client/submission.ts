// One call of a caller: its operations, until when it waits, and how it ends.

import type { AcceptedAnswer } from "../core/index.js";
import { type FailureEffect, TrothError, type TrothErrorCode } from "./errors.js";

/** The bounds of one call. */
export interface CallOptions {
  /** How long to wait for the result, in milliseconds. */
  readonly deadlineMs?: number;
  /** Ends the wait early. What was sent may take effect all the same. */
  readonly signal?: AbortSignal;
}

/** Its results, one an operation, and the answer to the bundle that they are a part of. */
export type Settle = (results: readonly Uint8Array[], answer: AcceptedAnswer) => void;

/** Settled once only: by `succeed` or by `fail`, whichever comes first. */
export class Submission {
  readonly operations: readonly Uint8Array[];
  /** Of the operations. */
  readonly bytes: number;
  /** Whether it is a bundle of its own; others share one. */
  readonly alone: boolean;
  /** When it fails, on the clock of `performance.now()`. */
  readonly deadlineAtMs: number;
  /** Whether replicas may have it. */
  sent = false;
  settled = false;
  readonly #resolve: Settle;
  readonly #reject: (error: TrothError) => void;
  readonly #forgetSignal: (() => void) | null;

  constructor(options: {
    operations: readonly Uint8Array[];
    bytes: number;
    alone: boolean;
    deadlineAtMs: number;
    signal: AbortSignal | undefined;
    aborted: (submission: Submission) => void;
    resolve: Settle;
    reject: (error: TrothError) => void;
  }) {
    this.operations = options.operations;
    this.bytes = options.bytes;
    this.alone = options.alone;
    this.deadlineAtMs = options.deadlineAtMs;
    this.#resolve = options.resolve;
    this.#reject = options.reject;
    const { signal } = options;
    if (signal === undefined) {
      this.#forgetSignal = null;
    } else {
      const onAbort = () => options.aborted(this);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#forgetSignal = () => signal.removeEventListener("abort", onAbort);
    }
  }

  /** What has become of the operations if the call ends without a result. */
  get effect(): FailureEffect {
    return this.sent ? "unknown" : "none";
  }

  succeed(results: readonly Uint8Array[], answer: AcceptedAnswer): void {
    if (this.#settle()) this.#resolve(results, answer);
  }

  /** The message is followed by what is known of the operations' effect. */
  fail(code: TrothErrorCode, message: string): void {
    if (!this.#settle()) return;
    const known = this.sent
      ? "It was sent, and may or may not take effect."
      : "It was not sent, and has no effect.";
    this.#reject(new TrothError(code, this.effect, `${message} ${known}`));
  }

  #settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.#forgetSignal?.();
    return true;
  }
}
