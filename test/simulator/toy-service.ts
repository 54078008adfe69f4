// A service that counts: every operation is answered with how many came before it. And the workload
// to judge it by.

import { digest } from "@chainsafe/as-sha256";
import type { Page, Service } from "../../src/core/index.js";
import type { Call, Verdict, Workload } from "../../src/simulator/index.js";

const pageOf = (bytes: Uint8Array): Page => ({ digest: digest(bytes), bytes: () => bytes });

const asBytes = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};

const asNumber = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);

export function countingService(): Service {
  let count = 0;
  return {
    order: "total",
    apply: () => asBytes(++count),
    footprint: (_operation, touch) => touch("count", "write"),
    mark: () => count,
    rewind: (mark) => {
      count = mark;
    },
    settle: () => {},
    pages: () => [pageOf(asBytes(count))],
    readPage: (bytes) => (bytes.length === 4 ? pageOf(bytes.slice()) : null),
    restore: (pages) => {
      count = asNumber(pages[0]!.bytes());
    },
  };
}

const wrong = (explanation: string): Verdict => ({ verdict: "wrong", explanation });

/** Counts are distinct, and grow where one call ended before another began. */
export function countingWorkload(): Workload {
  let next = 0;
  return {
    next: () => asBytes(++next),
    noise: (random) => random.bytes(random.below(8)),
    judge(history: readonly Call[]) {
      const done = history.filter((call) => call.result !== null);
      for (const before of done) {
        for (const after of done) {
          if (before.returnedMs! >= after.invokedMs) continue;
          if (asNumber(before.result!) >= asNumber(after.result!))
            return wrong("a count went back");
        }
      }
      const counts = new Set(done.map((call) => asNumber(call.result!)));
      return counts.size === done.length
        ? { verdict: "ok" }
        : wrong("two calls got the same count");
    },
  };
}
