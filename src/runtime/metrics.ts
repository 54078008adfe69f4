// What a replica counts, in Prometheus' format.

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Observation } from "../core/index.js";
import type { ReplicaReport } from "./report.js";

/** From a fast disk's sync to a hopeless one's. */
const commitSecondsBuckets = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1];

/** One replica's metrics, in a registry of their own. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #commitSeconds: Histogram;
  readonly #views: Counter;
  readonly #suspicions: Counter;
  readonly #transfers: Counter;

  /** `report` is asked when somebody reads. */
  constructor(report: () => ReplicaReport) {
    const registers = [this.#registry];
    this.#commitSeconds = new Histogram({
      name: "troth_journal_commit_seconds",
      help: "Time to make a group of records durable.",
      buckets: commitSecondsBuckets,
      registers,
    });
    const counter = (name: string, help: string) => new Counter({ name, help, registers });
    this.#views = counter("troth_views_established_total", "Views established since the start.");
    this.#suspicions = counter(
      "troth_suspicions_total",
      "Times this replica suspected its leader.",
    );
    this.#transfers = counter("troth_state_transfers_total", "State transfers finished.");
    this.#addReported(report);
  }

  /** Takes up what a machine observed. */
  observe(observation: Observation): void {
    const { event } = observation;
    if (event === "view" && observation.status === "established") this.#views.inc();
    else if (event === "suspect") this.#suspicions.inc();
    else if (event === "transfer" && observation.status === "finished") this.#transfers.inc();
  }

  /** Takes up how long a commit of the journal took. */
  committed(milliseconds: number): void {
    this.#commitSeconds.observe(milliseconds / 1000);
  }

  /** The text that Prometheus scrapes, and its content type. */
  async scrape(): Promise<{ readonly text: string; readonly contentType: string }> {
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

  /** Values that are read off the replica's report rather than kept. */
  #addReported(report: () => ReplicaReport): void {
    const registers = [this.#registry];
    const gauge = (name: string, help: string, value: (report: ReplicaReport) => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value(report()));
        },
      });
    gauge("troth_operations", "Operations executed since the start.", (r) => r.operations);
    gauge("troth_order", "Last order executed.", (r) => r.executed);
    gauge("troth_stable_order", "Last stable checkpoint.", (r) => r.stable);
    gauge("troth_view", "Current view.", (r) => r.view);
    gauge("troth_connections", "Open connections.", (r) => r.connections);
    gauge("troth_queue_bytes", "Bytes queued to peers and clients.", (r) => r.queuedBytes);
    gauge("troth_resident_bytes", "Memory of the process.", (r) => r.rssBytes);
    gauge("troth_cpu_seconds", "Processor time of the process.", (r) => r.cpuSeconds);
    new Gauge({
      name: "troth_dropped",
      help: "Input dropped since the start, by reason.",
      labelNames: ["reason"],
      registers,
      collect() {
        for (const [reason, count] of Object.entries(report().dropped)) this.set({ reason }, count);
      },
    });
  }
}
