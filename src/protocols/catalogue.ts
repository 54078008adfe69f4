// The catalogue: every protocol there is, by name.

import { type Protocol, UsageError } from "../core/index.js";
import { leased } from "../parts/index.js";
import { ezbft } from "./ezbft/index.js";
import { fab, fabFast } from "./fab/index.js";
import { hybster } from "./hybster/index.js";
import { hybridPbft, pbft } from "./pbft/index.js";
import { zyzzyva } from "./zyzzyva/index.js";

/** Protocols with a trusted counter are wrapped: it may keep leases. */
const protocols = [leased(hybster), pbft, hybridPbft, fab, fabFast, zyzzyva, ezbft] as const;

/** Hosts handle every protocol alike: what its messages are is its own business. */
type AnyProtocol = Protocol;

/** All protocols, in the order of the catalogue. */
export const catalogue = protocols as unknown as readonly AnyProtocol[];

/**
 * The protocol of that name; throws {@link UsageError} `PROTOCOL_UNKNOWN`, naming those there are.
 */
export function protocolNamed(name: string): AnyProtocol {
  const protocol = catalogue.find((candidate) => candidate.name === name);
  if (protocol === undefined) {
    const known = catalogue.map((candidate) => candidate.name);
    throw new UsageError(
      "PROTOCOL_UNKNOWN",
      `there is no protocol "${name}"; choose one of: ${known.join(", ")}`,
      { name, known },
    );
  }
  return protocol;
}
