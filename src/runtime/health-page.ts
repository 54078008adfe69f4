// The health page, on the loopback interface only: /status (JSON), /metrics (Prometheus), / (for people).

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { UsageError } from "../core/index.js";
import type { Metrics } from "./metrics.js";
import type { ReplicaReport } from "./report.js";

const host = "127.0.0.1";

export interface HealthPageOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly report: () => ReplicaReport;
  readonly metrics: Metrics;
}

export interface HealthPage {
  readonly port: number;
  close(): Promise<void>;
}

/** Throws `UsageError` PORT_BUSY, with the remedy. */
export function openHealthPage(options: HealthPageOptions): Promise<HealthPage> {
  const server = createServer((request, response) => {
    void answer(request, response, options);
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? portBusy(host, options.port) : error);
    });
    server.listen(options.port, host, () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : options.port;
      resolve({ port, close: () => closeServer() });
    });
  });

  function closeServer(): Promise<void> {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  }
}

/** The error for a port that another program, or this replica a second time, has. */
export function portBusy(address: string, port: number): UsageError {
  return new UsageError(
    "PORT_BUSY",
    `${address}:${port} is in use: is this replica running already? ` +
      "Stop the program that has the port, or give this replica another one in cluster.json.",
    { host: address, port },
  );
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { report, metrics }: HealthPageOptions,
): Promise<void> {
  const reply = (status: number, type: string, body: string) =>
    response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
  if (request.method !== "GET") {
    reply(405, "text/plain", "only GET\n");
  } else if (request.url === "/status") {
    reply(200, "application/json", JSON.stringify(report()));
  } else if (request.url === "/metrics") {
    const { text, contentType } = await metrics.scrape();
    reply(200, contentType, text);
  } else if (request.url === "/") {
    reply(200, "text/html; charset=utf-8", page(report()));
  } else {
    reply(404, "text/plain", "there are /, /status and /metrics\n");
  }
}

function page(report: ReplicaReport): string {
  const { dropped, ...rest } = report;
  const entries = [
    ...Object.entries(rest),
    ...Object.entries(dropped).map(([reason, count]) => [`dropped: ${reason}`, count] as const),
  ];
  const rows = entries.map(([name, value]) => `<tr><td>${name}<td>${value}`).join("\n");
  return `<!doctype html><meta http-equiv="refresh" content="1"><title>Replica ${report.id}</title>
<style>body{font:16px system-ui;margin:2em}td{padding:.1em 1em .1em 0}</style>
<h1>Replica ${report.id}: ${report.role}</h1>
<table>
${rows}
</table>
<p><a href="/status">status</a>, <a href="/metrics">metrics</a>
`;
}
