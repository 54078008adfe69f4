// One line at the end of the terminal, written over and over: how far a long work is. Nobody sees
// it where the standard error is no terminal.

import type { Terminal } from "./screen.js";

const clear = "\r\u001b[K";

export class ProgressLine {
  readonly #everyMs: number;
  readonly #terminal: Terminal;
  #shownAtMs = -Infinity;

  constructor(everyMs: number, terminal: Terminal = process.stderr) {
    this.#everyMs = everyMs;
    this.#terminal = terminal;
  }

  /**
   * Replaces the line, if there is a terminal and the last one stood long enough. What is too long
   * for the `width` is cut.
   */
  show(text: (width: number) => string): void {
    const now = performance.now();
    if (this.#terminal.isTTY !== true || now - this.#shownAtMs < this.#everyMs) return;
    this.#shownAtMs = now;
    const { columns } = this.#terminal;
    // A pseudo-terminal may not know its size, and say 0. In its last column a terminal may begin
    // the next line, which would not be erased.
    const width = columns === undefined || columns === 0 ? Infinity : columns - 1;
    this.#terminal.write(`${clear}${text(width).slice(0, width)}`);
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#terminal.isTTY === true) this.#terminal.write(clear);
  }
}
