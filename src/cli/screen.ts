// A block of lines at the end of the terminal that is redrawn in place, with messages scrolling by
// above it.

/** Where the block goes: the standard output, or a test's stand-in. */
export interface Terminal {
  readonly isTTY?: boolean;
  /** Characters in a line. */
  readonly columns?: number;
  write(text: string): unknown;
}

/** On a terminal the block is rewritten in place; elsewhere blocks and messages are appended. */
export class Screen {
  readonly #terminal: Terminal;
  #block = "";

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get isLive(): boolean {
    return this.#terminal.isTTY === true;
  }

  /** Replaces the block. Lines that are too long for the terminal lose their ends. */
  show(block: string): void {
    const width = this.isLive ? (this.#terminal.columns ?? Infinity) : Infinity;
    const lines = block.split("\n").map((line) => line.slice(0, width));
    const erase = this.#erase();
    this.#block = lines.join("\n");
    this.#terminal.write(`${erase}${this.#block}\n`);
  }

  /** A line that stays. */
  say(message: string): void {
    const block = this.isLive && this.#block !== "" ? `${this.#block}\n` : "";
    this.#terminal.write(`${this.#erase()}${message}\n${block}`);
  }

  /** Takes the block away. */
  clear(): void {
    this.#terminal.write(this.#erase());
    this.#block = "";
  }

  /** Moves up to the block's first line and clears everything below. */
  #erase(): string {
    if (!this.isLive || this.#block === "") return "";
    return `\u001b[${this.#block.split("\n").length}A\r\u001b[J`;
  }
}
