// Keeps the replicas of one machine running: a crashed one is started again, after a growing pause.

import { exitCode } from "./exit-code.js";
import { type Exit, ReplicaProcess } from "./replica-process.js";

const pauseMsLeast = 500;
const pauseMsMost = 30_000;
/** A replica that ran so long is healthy again: its next crash pauses shortly. */
const healthyAfterMs = 30_000;

/** What a supervisor reports while it works. */
export interface SupervisorEvents {
  /**
   * A replica ended on its own; it starts again after `pauseMs`, or never if null (`exit` says
   * why).
   */
  ended(replica: number, exit: Exit, pauseMs: number | null): void;
  /** A replica that had ended serves clients again. */
  restarted(replica: number): void;
}

/** A replica that ended before it served clients. */
export interface StartFailure {
  readonly replica: number;
  readonly exit: Exit;
}

/** The replicas of one cluster folder, as child processes. */
export class Supervisor {
  readonly #folder: string;
  readonly #events: SupervisorEvents;
  readonly #running = new Map<number, ReplicaProcess>();
  readonly #pauses = new Map<number, NodeJS.Timeout>();
  #stopping = false;

  constructor(folder: string, events: SupervisorEvents) {
    this.#folder = folder;
    this.#events = events;
  }

  /**
   * Starts replicas 0 … n-1. Null when all of them serve; otherwise the first failure, and all are
   * stopped.
   */
  async start(n: number): Promise<StartFailure | null> {
    const processes = Array.from({ length: n }, (_, replica) => this.#launch(replica));
    const failure = await firstFailure(processes);
    if (failure !== null) {
      await this.stop();
      return failure;
    }
    if (!this.#stopping) for (const child of processes) void this.#watch(child, pauseMsLeast);
    return null;
  }

  /** The process of a replica; null if it does not run now. */
  pid(replica: number): number | null {
    return this.#running.get(replica)?.pid ?? null;
  }

  /** Stops every replica and waits for their ends. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const pause of this.#pauses.values()) clearTimeout(pause);
    await Promise.all([...this.#running.values()].map((child) => child.stop()));
  }

  #launch(replica: number): ReplicaProcess {
    const child = new ReplicaProcess({ folder: this.#folder, replica });
    this.#running.set(replica, child);
    void child.exited.then(() => this.#running.delete(replica));
    return child;
  }

  async #watch(child: ReplicaProcess, pauseMs: number): Promise<void> {
    const since = performance.now();
    const exit = await child.exited;
    if (this.#stopping) return;
    if (exit.code === exitCode.usage) {
      this.#events.ended(child.replica, exit, null);
      return;
    }
    const healthy = performance.now() - since >= healthyAfterMs;
    const pause = healthy ? pauseMsLeast : pauseMs;
    this.#events.ended(child.replica, exit, pause);
    this.#pauses.set(
      child.replica,
      setTimeout(() => this.#restart(child.replica, Math.min(pause * 2, pauseMsMost)), pause),
    );
  }

  #restart(replica: number, nextPauseMs: number): void {
    const child = this.#launch(replica);
    void child.started.then((failure) => {
      if (failure === null && !this.#stopping) this.#events.restarted(replica);
    });
    void this.#watch(child, nextPauseMs);
  }
}

/** Null when all serve clients. */
function firstFailure(processes: readonly ReplicaProcess[]): Promise<StartFailure | null> {
  return new Promise((resolve) => {
    const starts = processes.map(async (child) => {
      const exit = await child.started;
      if (exit !== null) resolve({ replica: child.replica, exit });
    });
    void Promise.all(starts).then(() => resolve(null));
  });
}
