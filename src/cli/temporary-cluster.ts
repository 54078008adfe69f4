// A cluster of real processes that lives as long as one command: for the bench and the demo.

import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Configuration } from "../cluster/index.js";
import { UsageError } from "../core/index.js";
import { initialiseFolder, type InitOptions } from "./commands/init.js";
import { freeBasePort } from "./free-ports.js";
import { replicasFor } from "./plan.js";
import { describeExit, ReplicaProcess } from "./replica-process.js";

/**
 * A running cluster in a folder of its own. Replicas may be killed, started and replaced one by
 * one.
 */
export class TemporaryCluster {
  readonly folder: string;
  readonly configuration: Configuration;
  readonly #processes = new Map<number, ReplicaProcess>();

  private constructor(folder: string, configuration: Configuration) {
    this.folder = folder;
    this.configuration = configuration;
  }

  /** Makes the folder and starts all replicas. @throws UsageError if one does not start. */
  static async start(options: Omit<InitOptions, "dir" | "basePort">): Promise<TemporaryCluster> {
    const parent = await mkdtemp(join(tmpdir(), "troth-"));
    removeAtExit(parent);
    const dir = join(parent, "cluster");
    try {
      const basePort = await freeBasePort(replicasFor(options.protocol, options.replicas));
      const configuration = await initialiseFolder({ ...options, dir, basePort });
      const cluster = new TemporaryCluster(dir, configuration);
      try {
        await Promise.all(configuration.replicas.map(({ id }) => cluster.launch(id)));
        return cluster;
      } catch (error) {
        await cluster.stop();
        throw error;
      }
    } catch (error) {
      await rm(parent, { recursive: true, force: true });
      throw error;
    }
  }

  /** The process of a replica. */
  process(replica: number): ReplicaProcess {
    const child = this.#processes.get(replica);
    if (child === undefined) throw new UsageError("REPLICA_UNKNOWN", `no replica ${replica} here`);
    return child;
  }

  /**
   * Starts a replica that does not run, by `troth start` or another script, and waits until it
   * serves.
   */
  async launch(replica: number, script?: string): Promise<ReplicaProcess> {
    const folder = this.folder;
    const child = new ReplicaProcess({
      folder,
      replica,
      ...(script === undefined ? {} : { script }),
    });
    this.#processes.set(replica, child);
    const exit = await child.started;
    if (exit === null) return child;
    throw new UsageError(
      "REPLICA_NOT_STARTED",
      `replica ${replica} did not start: ${describeExit(exit)}`,
      { replica },
    );
  }

  /** Stops everything and removes the folder. */
  async stop(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((child) => child.stop()));
    await rm(join(this.folder, ".."), { recursive: true, force: true });
  }
}

/** Ctrl-C leaves nothing behind: the replicas stop when this process is gone. */
function removeAtExit(folder: string): void {
  process.once("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  if (process.listenerCount("SIGINT") === 0) process.once("SIGINT", () => process.exit(130));
}
