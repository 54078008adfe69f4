// The load of a measurement: clients in this process that always have so many bundles outstanding.

import { build, type Histogram } from "hdr-histogram-js";
import type { Client } from "../../client/index.js";

/** What was seen in one window of time. */
export interface LoadWindow {
  readonly seconds: number;
  readonly operations: number;
  readonly errors: number;
  /** Of bundles, from submission to accepted result, in microseconds. */
  readonly latencyMicros: Histogram;
}

const longestMicros = 120_000_000;
/** After an error, so that a cluster that refuses everything is not asked in a tight loop. */
const pauseAfterErrorMs = 100;

const emptyHistogram = () =>
  build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: longestMicros,
    numberOfSignificantValueDigits: 3,
  });

/** Closed loops over clients; each loop submits its next bundle when the last one is answered. */
export class Load {
  readonly #clients: readonly Client[];
  readonly #nextBundle: () => readonly Uint8Array[];
  #running = true;
  #loops: Promise<void>[] = [];
  #sinceMs = performance.now();
  #operations = 0;
  #errors = 0;
  #latency = emptyHistogram();

  constructor(clients: readonly Client[], nextBundle: () => readonly Uint8Array[]) {
    this.#clients = clients;
    this.#nextBundle = nextBundle;
  }

  /** Operations answered in the current window. */
  get operations(): number {
    return this.#operations;
  }

  /** Begins, with so many bundles outstanding. */
  start(outstanding: number): void {
    this.#running = true;
    this.#loops = Array.from({ length: outstanding }, (_, loop) => {
      const client = this.#clients[loop % this.#clients.length]!;
      return this.#loop(client);
    });
  }

  /** Forgets what was seen and begins a new window. */
  reset(): void {
    this.#sinceMs = performance.now();
    this.#operations = 0;
    this.#errors = 0;
    this.#latency = emptyHistogram();
  }

  /** What the current window has seen. */
  window(): LoadWindow {
    return {
      seconds: (performance.now() - this.#sinceMs) / 1000,
      operations: this.#operations,
      errors: this.#errors,
      latencyMicros: this.#latency,
    };
  }

  /** Stops when what is outstanding is answered. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
  }

  async #loop(client: Client): Promise<void> {
    while (this.#running) {
      const operations = this.#nextBundle();
      const sentMs = performance.now();
      try {
        await client.callAll(operations);
        const micros = Math.round((performance.now() - sentMs) * 1000);
        this.#latency.recordValue(Math.min(Math.max(micros, 1), longestMicros));
        this.#operations += operations.length;
      } catch {
        this.#errors += operations.length;
        await new Promise((resolve) => setTimeout(resolve, pauseAfterErrorMs));
      }
    }
  }
}
