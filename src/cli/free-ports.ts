// Finding ports that nothing listens on, for clusters that live as long as one command.

import { createServer } from "node:net";

/**
 * Base ports lie here: above well-known services, below the ports systems give to outgoing
 * connections.
 */
const lowestPort = 20_000;
const highestPort = 32_000;

/** Whether one can listen on the port of the loopback interface right now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}

/**
 * A base port whose n replica ports and n health ports (100 above) are free. Another program may
 * take one before it is used; the replica then says so.
 */
export async function freeBasePort(n: number): Promise<number> {
  for (;;) {
    const base = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort));
    const ports = Array.from({ length: n }, (_, id) => [base + id, base + 100 + id]).flat();
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return base;
  }
}
