// Who is at the other end of a TLS connection: the common name of its certificate.

import type { TLSSocket } from "node:tls";
import type { Peer } from "./link.js";

/** The common name of a peer's certificate: `replica-0`, `client-17`. */
export const peerName = ({ kind, id }: Peer): string => `${kind}-${id}`;

/** The peer whose certificate TLS has verified; null if its common name is not a peer's. */
export function peerOf(socket: TLSSocket): Peer | null {
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  const match = typeof name === "string" ? /^(replica|client)-(0|[1-9]\d{0,9})$/.exec(name) : null;
  return match === null
    ? null
    : { kind: match[1] === "replica" ? "replica" : "client", id: Number(match[2]) };
}
