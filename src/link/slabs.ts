// Reusable pieces of memory for frames on their way out, shared by all links of a process.

const KiB = 1024;
/** An idle link holds none; one that sends little takes small ones. */
const sizes = [4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB];
/** Kept for reuse, of each size. */
const spareBytesMax = 4 * 1024 * KiB;

const spares: Uint8Array[][] = sizes.map(() => []);

/** The index of the largest size. */
export const largestSlab = sizes.length - 1;

/** A slab of the size with this index, or of exactly `bytes` if they do not fit in that. */
export function takeSlab(index: number, bytes: number): Uint8Array {
  const size = sizes[index]!;
  return bytes > size ? new Uint8Array(bytes) : (spares[index]!.pop() ?? new Uint8Array(size));
}

/** Gives a slab back that nobody reads any more. */
export function giveSlab(slab: Uint8Array): void {
  const index = sizes.indexOf(slab.length);
  const spare = spares[index];
  if (spare !== undefined && spare.length * slab.length < spareBytesMax) spare.push(slab);
}
