// The leases of one trusted module as core's port: statements cross as words.

import type { LeaseKeeper, Position } from "../core/index.js";
import type { TrustedExports } from "./binary.js";
import { word, writeWord } from "./words.js";

/** No statement is longer: an instance accepts the return of another among 64. */
const statementBytesMax = 85 + 64 * 152;
const blockBytes = 32;

export class ModuleLeases implements LeaseKeeper {
  readonly #module: TrustedExports;

  constructor(module: TrustedExports) {
    this.#module = module;
  }

  get isActive(): boolean {
    return this.#module.isActive() !== 0;
  }

  ask(counter: number, { view, order }: Position): Uint8Array | null {
    return this.#said(this.#module.ask(isByte(counter) ? counter : 255, view, order));
  }

  receive(statement: Uint8Array): Uint8Array | null {
    if (statement.length > statementBytesMax) return null;
    for (let at = 0; at < statement.length; at += blockBytes) {
      this.#module.hear(
        at / blockBytes,
        word(statement, at),
        word(statement, at + 4),
        word(statement, at + 8),
        word(statement, at + 12),
        word(statement, at + 16),
        word(statement, at + 20),
        word(statement, at + 24),
        word(statement, at + 28),
      );
    }
    return this.#said(this.#module.receive(statement.length));
  }

  /** The statement that the module has made, of that length; null for none. */
  #said(length: number): Uint8Array | null {
    if (length === 0) return null;
    const statement = new Uint8Array(length);
    for (let at = 0; at < length; at += 4) writeWord(statement, at, this.#module.say(at / 4));
    return statement;
  }
}

/** WebAssembly takes numbers modulo 2^32; what would change there becomes no counter. */
const isByte = (value: number) => (value & 0xff) === value;
