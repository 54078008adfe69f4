// The first frame in each direction: what both ends must agree on before they talk.

import * as z from "zod";

const helloSchema = z.strictObject({
  version: z.literal(1),
  /** The cluster's name. */
  cluster: z.string(),
  /** Of a client that dials. */
  session: z.int().min(0).optional(),
});

export type Hello = z.infer<typeof helloSchema>;

/** More than any hello needs. */
const helloBytesMax = 1024;

export function encodeHello(hello: Hello): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(hello));
}

/** Null if the frame is not a hello of this version. */
export function decodeHello(frame: Uint8Array): Hello | null {
  if (frame.length > helloBytesMax) return null;
  try {
    return helloSchema.parse(JSON.parse(new TextDecoder().decode(frame)));
  } catch {
    return null; // neither JSON nor a hello: the peer's fault, not ours
  }
}
