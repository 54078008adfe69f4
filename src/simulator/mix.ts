// A fast 256-bit mix of words, and the running fingerprint of a run. Not cryptography: symbolic
// where a simulated adversary, which never computes it, cannot tell the difference.

const multipliers = [
  0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f, 0x165667b1, 0x9e3779b1, 0xcc9e2d51, 0x1b873593, 0xe6546b64,
];

/** Thirty-two bytes that depend on every word put in, in their order. */
export class Mixer {
  readonly #lanes: Int32Array;
  #count = 0;

  constructor(start: Int32Array) {
    this.#lanes = Int32Array.from(start);
  }

  word(value: number): this {
    const lanes = this.#lanes;
    const lane = this.#count & 7;
    const previous = lanes[(lane + 7) & 7]!;
    const mixed = Math.imul((value | 0) ^ lanes[lane]! ^ (previous >>> 15), multipliers[lane]!);
    lanes[lane] = (mixed ^ (mixed >>> 13)) + previous;
    this.#count++;
    return this;
  }

  /** A whole number below 2^53. */
  number(value: number): this {
    return this.word(value).word(Math.floor(value / 2 ** 32));
  }

  /** Bytes, length-prefixed. */
  bytes(bytes: Uint8Array): this {
    this.word(bytes.length);
    for (let i = 0; i < bytes.length; i += 4) {
      this.word(
        bytes[i]! |
          ((bytes[i + 1] ?? 0) << 8) |
          ((bytes[i + 2] ?? 0) << 16) |
          ((bytes[i + 3] ?? 0) << 24),
      );
    }
    return this;
  }

  finish(): Uint8Array {
    this.word(this.#count);
    for (let i = 0; i < 24; i++) this.word(i);
    const out = new Uint8Array(32);
    const view = new DataView(out.buffer);
    this.#lanes.forEach((lane, index) => view.setInt32(4 * index, lane, true));
    return out;
  }
}

/** A running hash of everything that happened, in its order; see `Outcome.fingerprint`. */
export class Fingerprint {
  #low = 0x811c9dc5;
  #high = 0x1b873593;

  add(value: number): void {
    this.#word(value | 0);
    this.#word(Math.floor(value / 2 ** 32) | 0);
  }

  /** Virtual time to the microsecond. */
  addTime(ms: number): void {
    this.add(Math.round(ms * 1000));
  }

  addBytes(bytes: Uint8Array): void {
    this.#word(bytes.length);
    for (let i = 0; i < bytes.length; i++) {
      this.#low = Math.imul(this.#low ^ bytes[i]!, 0x01000193);
      this.#high = (this.#high + this.#low) | 0;
    }
    this.#word(0);
  }

  #word(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193);
    const mixed = Math.imul(this.#high ^ this.#low, 0x85ebca6b);
    this.#high = mixed ^ (mixed >>> 15);
  }

  /** Sixteen hexadecimal digits. */
  toString(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
    return hex(this.#high) + hex(this.#low);
  }
}
