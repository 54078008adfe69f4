// How bytes cross into the trusted module and out of it: as little-endian words.

/** Hands in 32 bytes as words, for the place of that number. */
export type GiveBlock = (
  block: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
  w4: number,
  w5: number,
  w6: number,
  w7: number,
) => void;

/** WebAssembly takes numbers modulo 2^32; what would change there is to be refused. */
export const isUint32 = (value: number): boolean => value >>> 0 === value;

/** The word at a place. What lies beyond the end is zero. */
export function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Hands in the 32 bytes from a place on. */
export function giveBlock(give: GiveBlock, block: number, bytes: Uint8Array, at = 0): void {
  give(
    block,
    word(bytes, at),
    word(bytes, at + 4),
    word(bytes, at + 8),
    word(bytes, at + 12),
    word(bytes, at + 16),
    word(bytes, at + 20),
    word(bytes, at + 24),
    word(bytes, at + 28),
  );
}

/** Hands in all bytes, as blocks numbered from 0. */
export function giveBlocks(give: GiveBlock, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 32) giveBlock(give, at / 32, bytes, at);
}

/** So many bytes, by the words that the module gives, from that number on. */
export function takeBytes(give: (index: number) => number, length: number, first = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 4) writeWord(bytes, at, give(first + at / 4));
  return bytes;
}

/** What lies beyond the end is left out. */
export function writeWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
