// SHA-256 (FIPS 180-4) and HMAC (RFC 2104) over linear memory. The host sees nothing of it.

/** Copies a multiple of eight bytes. */
@inline export function copy(to: usize, from: usize, length: u32): void {
  for (let i: usize = 0; i < length; i += 8) store<u64>(to + i, load<u64>(from + i));
}

/** The initial hash value: eight words. */
export const initialState = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
const roundConstants = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
const padBlock = memory.data(64, 16);

@inline function first(e: u32, f: u32, g: u32, h: u32): u32 {
  return h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (g ^ (e & (f ^ g)));
}
@inline function second(a: u32, b: u32, c: u32): u32 {
  return (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + (b ^ ((a ^ b) & (b ^ c)));
}
/** What a word of the message schedule gains over the word 16 places before. */
@inline function gain(w1: u32, w9: u32, w14: u32): u32 {
  const small = rotr(w1, 7) ^ rotr(w1, 18) ^ (w1 >>> 3);
  return small + w9 + (rotr(w14, 17) ^ rotr(w14, 19) ^ (w14 >>> 10));
}
@inline function word(at: usize): u32 { return bswap(load<u32>(at)); }

/**
 * One compression: the state at `from` and the 64 bytes at `block` give the state at `to`. Sixteen
 * rounds a turn, so that the message schedule stays in registers.
 */
function compress(from: usize, to: usize, block: usize): void {
  let w0 = word(block), w1 = word(block + 4), w2 = word(block + 8), w3 = word(block + 12);
  let w4 = word(block + 16), w5 = word(block + 20), w6 = word(block + 24), w7 = word(block + 28);
  let w8 = word(block + 32), w9 = word(block + 36), w10 = word(block + 40), w11 = word(block + 44);
  let w12 = word(block + 48), w13 = word(block + 52), w14 = word(block + 56),
    w15 = word(block + 60);
  let a = load<u32>(from), b = load<u32>(from, 4), c = load<u32>(from, 8), d = load<u32>(from, 12);
  let e = load<u32>(from, 16), f = load<u32>(from, 20), g = load<u32>(from, 24);
  let h = load<u32>(from, 28), t: u32;
  for (let k = roundConstants; ; k += 64) {
    t = first(e, f, g, h) + load<u32>(k) + w0; d += t; h = t + second(a, b, c);
    t = first(d, e, f, g) + load<u32>(k, 4) + w1; c += t; g = t + second(h, a, b);
    t = first(c, d, e, f) + load<u32>(k, 8) + w2; b += t; f = t + second(g, h, a);
    t = first(b, c, d, e) + load<u32>(k, 12) + w3; a += t; e = t + second(f, g, h);
    t = first(a, b, c, d) + load<u32>(k, 16) + w4; h += t; d = t + second(e, f, g);
    t = first(h, a, b, c) + load<u32>(k, 20) + w5; g += t; c = t + second(d, e, f);
    t = first(g, h, a, b) + load<u32>(k, 24) + w6; f += t; b = t + second(c, d, e);
    t = first(f, g, h, a) + load<u32>(k, 28) + w7; e += t; a = t + second(b, c, d);
    t = first(e, f, g, h) + load<u32>(k, 32) + w8; d += t; h = t + second(a, b, c);
    t = first(d, e, f, g) + load<u32>(k, 36) + w9; c += t; g = t + second(h, a, b);
    t = first(c, d, e, f) + load<u32>(k, 40) + w10; b += t; f = t + second(g, h, a);
    t = first(b, c, d, e) + load<u32>(k, 44) + w11; a += t; e = t + second(f, g, h);
    t = first(a, b, c, d) + load<u32>(k, 48) + w12; h += t; d = t + second(e, f, g);
    t = first(h, a, b, c) + load<u32>(k, 52) + w13; g += t; c = t + second(d, e, f);
    t = first(g, h, a, b) + load<u32>(k, 56) + w14; f += t; b = t + second(c, d, e);
    t = first(f, g, h, a) + load<u32>(k, 60) + w15; e += t; a = t + second(b, c, d);
    if (k == roundConstants + 192) break;
    w0 += gain(w1, w9, w14); w1 += gain(w2, w10, w15);
    w2 += gain(w3, w11, w0); w3 += gain(w4, w12, w1);
    w4 += gain(w5, w13, w2); w5 += gain(w6, w14, w3);
    w6 += gain(w7, w15, w4); w7 += gain(w8, w0, w5);
    w8 += gain(w9, w1, w6); w9 += gain(w10, w2, w7);
    w10 += gain(w11, w3, w8); w11 += gain(w12, w4, w9);
    w12 += gain(w13, w5, w10); w13 += gain(w14, w6, w11);
    w14 += gain(w15, w7, w12); w15 += gain(w0, w8, w13);
  }
  store<u32>(to, a + load<u32>(from)); store<u32>(to, b + load<u32>(from, 4), 4);
  store<u32>(to, c + load<u32>(from, 8), 8); store<u32>(to, d + load<u32>(from, 12), 12);
  store<u32>(to, e + load<u32>(from, 16), 16); store<u32>(to, f + load<u32>(from, 20), 20);
  store<u32>(to, g + load<u32>(from, 24), 24); store<u32>(to, h + load<u32>(from, 28), 28);
}

/**
 * Goes on from the state `from`, which has taken in `before` bytes (a multiple of 64), with the
 * last bytes, from `message` to `end`; writes the digest's 32 bytes to `to`. The padding overwrites
 * up to 72 bytes after the message.
 */
export function finish(from: usize, before: u32, message: usize, end: usize, to: usize): void {
  const length = end - message, padded = message + ((length + 72) & ~63);
  store<u8>(end, 0x80);
  for (let at = end + 1; at < padded - 8; at++) store<u8>(at, 0);
  store<u64>(padded - 8, bswap(u64(before + length) << 3));
  for (let block = message; block < padded; block += 64) {
    compress(from, to, block);
    from = to;
  }
  for (let at = to; at < to + 32; at += 4) store<u32>(at, bswap(load<u32>(at)));
}

/** Prepares a key of 32 bytes: `pads` gets the states after the inner and the outer pad. */
export function prepareKey(pads: usize, key: usize): void {
  for (let side: usize = 0; side < 2; side++) {
    memory.fill(padBlock, side ? 0x5c : 0x36, 64);
    for (let at: usize = 0; at < 32; at += 8) {
      store<u64>(padBlock + at, load<u64>(padBlock + at) ^ load<u64>(key + at));
    }
    compress(initialState, pads + side * 32, padBlock);
  }
  memory.fill(padBlock, 0, 64);
}

/** HMAC-SHA-256 of the bytes from `message` to `end`; writes 32 bytes to `to`. */
export function hmac(pads: usize, message: usize, end: usize, to: usize): void {
  finish(pads, 64, message, end, padBlock);
  finish(pads + 32, 64, padBlock, padBlock + 32, to);
}
