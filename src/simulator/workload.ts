// What simulated clients ask for, and what their calls are judged by. Operations are opaque to the
// simulator.

import type { ClientId } from "../core/index.js";
import type { Verdict } from "./checkers/history.js";
import type { Random } from "./random.js";

/**
 * One operation of a correct client, from its invocation to its answer. Times are virtual
 * milliseconds.
 */
export interface Call {
  readonly client: ClientId;
  readonly operation: Uint8Array;
  readonly invokedMs: number;
  /**
   * Null if no answer came, or that its session is expired: it may or may not have taken effect.
   */
  returnedMs: number | null;
  result: Uint8Array | null;
  /** Where replicas say that it took effect; see `HistoryOperation`. */
  position?: number | undefined;
}

/** Operations for one service. */
export interface Workload {
  /**
   * The next operation of a correct client. Writes should carry distinct values: then histories
   * tell more.
   */
  next(random: Random, client: ClientId): Uint8Array;
  /**
   * The last bundle of a correct client, when the network has healed: reads of everything, so that
   * the history shows what is lost in the end. Default: as before.
   */
  last?(): Uint8Array[];
  /** An operation of a lying client, on what no correct client touches. */
  noise(random: Random): Uint8Array;
  /** An operation for people to read. Default: its bytes. */
  describe?(operation: Uint8Array): string;
  /** Whether the history is one of a correct service: linearizable, say. */
  judge(history: readonly Call[]): Verdict;
}
