// Message delays: how many messages, one after the other, lie between a client's request and its
// answer when nothing goes wrong.

import type { Protocol, Service, Tagged } from "../core/index.js";
import { scenario } from "./scenario.js";

/** More than any protocol takes. */
const delaysMax = 16;

/**
 * Measured with delays of one unit, for one request, where two replicas may fail: among fewer some
 * protocols need not say all that they say. Null if it is not answered by then.
 */
export function messageDelays<M extends Tagged, D extends Tagged>(
  protocol: Protocol<M, D>,
  service: () => Service,
  operation: Uint8Array,
): number | null {
  const world = scenario({ protocol, n: protocol.replicas(2), service });
  world.drop(() => true); // what replicas say as they come up
  // Where there is no leader, whoever is asked orders the request: one is enough.
  const asked = protocol.order === "partial" ? { to: [0] } : {};
  const { client, number } = world.submit(0, [operation], asked);
  for (let delays = 1; delays <= delaysMax; delays += 1) {
    world.deliver();
    world.elapse(0); // what is due at the end of a turn
    if (world.result(client, number) !== null) return delays;
  }
  return null;
}
