// A cluster under measurement: its processes, its clients, and what a slice of load on it showed.

import { type Client, connect } from "../../client/index.js";
import { protocolNamed } from "../../protocols/index.js";
import { look } from "../replica-table.js";
import { TemporaryCluster } from "../temporary-cluster.js";
import { Load, type LoadWindow } from "./load.js";
import type { BenchSettings } from "./settings.js";
import { bundleSource } from "./workload.js";

/** What one replica's process used during a slice, and its memory at the end of it. */
export interface ReplicaUse {
  readonly id: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

/** One stretch of measurement. */
export interface Slice {
  readonly window: LoadWindow;
  readonly replicas: readonly ReplicaUse[];
  /** Of the process with the clients. */
  readonly clientCpuSeconds: number;
}

/** Told once a second what the current slice has done so far. */
export type Progress = (operationsPerSecond: number, second: number) => void;

const progressMs = 1000;

export class Rig {
  readonly settings: BenchSettings;
  readonly #cluster: TemporaryCluster;
  readonly #clients: readonly Client[];

  private constructor(
    settings: BenchSettings,
    cluster: TemporaryCluster,
    clients: readonly Client[],
  ) {
    this.settings = settings;
    this.#cluster = cluster;
    this.#clients = clients;
  }

  /** Makes and starts the cluster, and connects the clients. @throws UsageError, TrothError */
  static async start(settings: BenchSettings): Promise<Rig> {
    const { clients, durable, ...rest } = settings;
    const cluster = await TemporaryCluster.start({ ...rest, clients, memory: !durable });
    try {
      const connected = Array.from({ length: clients }, (_, client) =>
        connect({ folder: cluster.folder, protocol: protocolNamed, client }),
      );
      return new Rig(settings, cluster, await Promise.all(connected));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Loads the cluster for `warmUpMs`, then measures for `measureMs`. */
  async slice(
    outstanding: number,
    warmUpMs: number,
    measureMs: number,
    progress: Progress,
  ): Promise<Slice> {
    const load = new Load(this.#clients, bundleSource(this.settings));
    load.start(outstanding);
    await pause(warmUpMs);
    const before = await this.#use();
    const ownBefore = process.cpuUsage();
    load.reset();
    const ticker = reportProgress(load, progress);
    await pause(measureMs);
    clearInterval(ticker);
    const window = load.window();
    const own = process.cpuUsage(ownBefore);
    const after = await this.#use();
    await load.stop();
    return {
      window,
      replicas: after.map((use, id) => ({
        ...use,
        cpuSeconds: use.cpuSeconds - (before[id]?.cpuSeconds ?? 0),
      })),
      clientCpuSeconds: (own.user + own.system) / 1e6,
    };
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#cluster.stop();
  }

  async #use(): Promise<ReplicaUse[]> {
    const { reports } = await look(this.#cluster.configuration);
    return reports.map((report, id) => ({
      id,
      cpuSeconds: report?.cpuSeconds ?? 0,
      rssBytes: report?.rssBytes ?? 0,
    }));
  }
}

function reportProgress(load: Load, progress: Progress): NodeJS.Timeout {
  let last = 0;
  let second = 0;
  return setInterval(() => {
    second += 1;
    progress(load.operations - last, second);
    last = load.operations;
  }, progressMs);
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
