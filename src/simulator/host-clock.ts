// The clock that a simulated host gives its machine: it may begin anywhere, run fast or slow, and
// jump, and it never goes back (core/machine.ts), as the monotonic clock of src/runtime never does.

export class HostClock {
  readonly #rate: number;
  /** What it would show at `#sinceMs`, were it allowed to go back. */
  #baseMs: number;
  #sinceMs = 0;
  #shownMs: number;

  constructor(offsetMs: number, rate: number) {
    this.#baseMs = offsetMs;
    this.#shownMs = offsetMs;
    this.#rate = rate;
  }

  read(nowMs: number): number {
    const ms = this.#baseMs + (nowMs - this.#sinceMs) * this.#rate;
    if (ms > this.#shownMs) this.#shownMs = ms;
    return this.#shownMs;
  }

  /** Backwards it stands still until it has caught up. */
  jump(nowMs: number, byMs: number): void {
    this.#baseMs += (nowMs - this.#sinceMs) * this.#rate + byMs;
    this.#sinceMs = nowMs;
  }

  /** When it will show `dueMs`, if it does not jump before; `nowMs` if it does already. */
  when(dueMs: number, nowMs: number): number {
    return Math.max(nowMs, this.#sinceMs + (dueMs - this.#baseMs) / this.#rate);
  }
}
