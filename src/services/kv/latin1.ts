// Bytes as text with one character a byte: such text compares as its bytes do, and can key a map.

/** Byte b becomes the character of code b. For short byte strings: keys. */
export function toLatin1(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

/** The inverse of {@link toLatin1}. */
export function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
