// The health page, on the loopback interface only: /status (JSON), /metrics (Prometheus), / (for
// people).

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { UsageError } from "../core/index.js";
import type { Metrics } from "./metrics.js";
import type { ReplicaReport } from "./report.js";

const host = "127.0.0.1";

/** What the page shows. */
export interface HealthSource {
  readonly report: () => ReplicaReport;
  readonly metrics: Metrics;
}

export interface HealthPage {
  /** Begins to show a replica; until then the page says that it starts. */
  show(source: HealthSource): void;
  close(): Promise<void>;
}

/** Takes the port. Throws `UsageError` PORT_BUSY, with the remedy. */
export function openHealthPage(port: number): Promise<HealthPage> {
  let source: HealthSource | null = null;
  const server = createServer((request, response) => void answer(request, response, source));
  const page: HealthPage = {
    show: (shown) => {
      source = shown;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? portBusy(host, port) : error);
    });
    server.listen(port, host, () => resolve(page));
  });
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
  source: HealthSource | null,
): Promise<void> {
  const reply = (status: number, type: string, body: string) =>
    response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
  if (request.method !== "GET") {
    reply(405, "text/plain", "only GET\n");
  } else if (source === null) {
    reply(503, "text/plain", "starting\n");
  } else if (request.url === "/status") {
    reply(200, "application/json", JSON.stringify(source.report()));
  } else if (request.url === "/metrics") {
    const { text, contentType } = await source.metrics.scrape();
    reply(200, contentType, text);
  } else if (request.url === "/") {
    reply(200, "text/html; charset=utf-8", page(source.report()));
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
