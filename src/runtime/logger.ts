// Logs: pino's JSON lines on the error stream, for machines and `pino-pretty` alike.

import { destination, type LevelWithSilent, type Logger, pino } from "pino";

export type { Logger } from "pino";

/** A logger that writes at once, so that the last words before an exit are not lost. */
export function createLogger(level: LevelWithSilent = "warn"): Logger {
  return pino({ level }, destination({ dest: 2, sync: true }));
}
