// The leases of one trusted module as core's port: statements cross as words.

import type { LeaseKeeper, Position } from "../core/index.js";
import type { TrustedExports } from "./binary.js";
import { giveBlocks, takeBytes } from "./words.js";

/** No statement is longer: an instance accepts the return of another among 64. */
const statementBytesMax = 85 + 64 * 152;

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
    giveBlocks(this.#module.hear, statement);
    return this.#said(this.#module.receive(statement.length));
  }

  /** The statement that the module has made, of that length; null for none. */
  #said(length: number): Uint8Array | null {
    return length === 0 ? null : takeBytes(this.#module.say, length);
  }
}

/** WebAssembly takes numbers modulo 2^32; what would change there becomes no counter. */
const isByte = (value: number) => (value & 0xff) === value;
