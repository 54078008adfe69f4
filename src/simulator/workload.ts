// What simulated clients ask for, and what their calls are judged by. Operations are opaque to the
// simulator.

import type { ClientId } from "../core/index.js";
import type { Random } from "./random.js";

/**
 * One operation of a correct client, from its invocation to its answer. Times are virtual
 * milliseconds.
 */
export interface Call {
  readonly client: ClientId;
  readonly operation: Uint8Array;
  readonly invokedMs: number;
  /** Null if no answer came: it may or may not have taken effect. */
  returnedMs: number | null;
  result: Uint8Array | null;
}

/** Operations for one service. */
export interface Workload {
  /**
   * The next operation of a correct client. Writes should carry distinct values: then histories
   * tell more.
   */
  next(random: Random, client: ClientId): Uint8Array;
  /** An operation of a lying client, on what no correct client touches. */
  noise(random: Random): Uint8Array;
  /** An operation for people to read. Default: its bytes. */
  describe?(operation: Uint8Array): string;
  /** Null, or what is wrong with the history: that it is not linearizable, say. */
  judge(history: readonly Call[]): string | null;
}
