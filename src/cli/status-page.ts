// Asking a replica on this machine how it is: its health page on a loopback port.

import { get } from "node:http";
import type { ReplicaReport } from "../runtime/index.js";

const patienceMs = 1000;

/**
 * The report of the replica whose health page is on this port; null if nobody answers in a second.
 */
export function askReplica(healthPort: number): Promise<ReplicaReport | null> {
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port: healthPort, path: "/status", agent: false };
    const request = get({ ...options, timeout: patienceMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", () => resolve(null));
      response.on("end", () => resolve(parse(response.statusCode, Buffer.concat(chunks))));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(null));
    request.on("close", () => resolve(null));
  });
}

function parse(statusCode: number | undefined, body: Buffer): ReplicaReport | null {
  if (statusCode !== 200) return null;
  try {
    return JSON.parse(body.toString()) as ReplicaReport;
  } catch {
    return null; // another program has the port
  }
}
