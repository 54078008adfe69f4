// With freshness `leases`: tells the log how a trusted module that was started before comes back.

import type { LeaseKeeper } from "../core/index.js";
import type { Logger } from "./logger.js";

const lookMs = 250;
/** After so long it is worth saying why it may never be. */
const patienceMs = 10_000;

/** Watches a module that waits for what f+1 others recorded; the result stops watching. */
export function watchAdmission(leases: LeaseKeeper, f: number, logger: Logger): () => void {
  const needed = `${f + 1} others whose modules were not restarted themselves`;
  logger.info(`this replica was started before: it votes again when ${needed} have answered`);
  const sinceMs = performance.now();
  let hasWarned = false;
  const timer = setInterval(() => {
    const waitedMs = Math.round(performance.now() - sinceMs);
    if (leases.isActive) {
      clearInterval(timer);
      logger.info({ waitedMs }, "admitted: the trusted module knows where it stood");
    } else if (!hasWarned && waitedMs >= patienceMs) {
      hasWarned = true;
      logger.warn(
        `still not admitted: it takes ${needed}. Start those that are down. If more than ${f} ` +
          "were down at a time, none of them ever votes again, and the cluster cannot go on: " +
          'make a new one with "troth init".',
      );
    }
  }, lookMs);
  timer.unref();
  return () => clearInterval(timer);
}
