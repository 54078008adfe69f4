// What one trusted instance is made of: its key, its counters, how far each may go; and the fields
// that MAC inputs consist of (../README.md gives every byte).
import { copy } from "./sha256";

export const COUNTERS: u32 = 8;
export const MAX: u64 = 0x1fffffffffffff; // 2^53 - 1, a retired counter's view and order
export const POSITION: u32 = 16; // view, order

export const groupKey = memory.data(64, 16); // prepared
export const counters = memory.data(8 * 16, 16);
export const limits = memory.data(8 * 16, 16); // no counter goes beyond its own

/** 32 bytes as eight words. */
@inline export function putWords(
  at: usize, w0: u32, w1: u32, w2: u32, w3: u32, w4: u32, w5: u32, w6: u32, w7: u32,
): void {
  store<u32>(at, w0); store<u32>(at, w1, 4); store<u32>(at, w2, 8); store<u32>(at, w3, 12);
  store<u32>(at, w4, 16); store<u32>(at, w5, 20); store<u32>(at, w6, 24); store<u32>(at, w7, 28);
}
/** What a MAC is for, as its input's first field; returns where the next begins. */
export function domain(at: usize, name: string): usize {
  store<u8>(at++, name.length);
  for (let i = 0; i < name.length; i++) store<u8>(at++, name.charCodeAt(i));
  return at;
}
/** A number as a field, its length before it, little-endian; returns where the field ends. */
@inline export function field<T>(at: usize, value: T): usize {
  store<u8>(at, sizeof<T>());
  store<T>(at, value, 1);
  return at + 1 + sizeof<T>();
}
/** Bytes as a field: a multiple of eight, or none. */
@inline export function bytesField(at: usize, from: usize, length: u32): usize {
  store<u8>(at, length);
  copy(at + 1, from, length);
  return at + 1 + length;
}
/** Whether two MACs are equal. Constant time: where the difference is decides nothing. */
export function isSame(one: usize, other: usize): bool {
  let difference: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) difference |= load<u64>(one + i) ^ load<u64>(other + i);
  return difference == 0;
}
@inline export function isWhole(value: f64): bool {
  return value >= 0 && value <= <f64>MAX && floor<f64>(value) == value;
}
/** Of positions. */
@inline export function isAbove(one: usize, other: usize): bool {
  const a = load<u64>(one), b = load<u64>(other);
  return a > b || (a == b && load<u64>(one, 8) > load<u64>(other, 8));
}
export function place(position: usize, view: u64, order: u64): void {
  store<u64>(position, view);
  store<u64>(position, order, 8);
}
/** All positions of a table. */
export function placeAll(table: usize, value: u64): void {
  for (let i: u32 = 0; i < COUNTERS; i++) place(table + i * POSITION, value, value);
}
