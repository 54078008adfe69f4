// What simulated clients ask of each service, and how their histories are judged.

import { UsageError } from "../../core/index.js";
import { keyValue, readRequest } from "../../services/index.js";
import type { Random, Workload } from "../../simulator/index.js";
import { judgeKeyValue } from "./judge.js";

/** A workload for the service; made anew for every seed. @throws UsageError `WORKLOAD_UNKNOWN` */
export function workloadFor(service: string): () => Workload {
  switch (service) {
    case "kv":
      return keyValueWorkload;
    case "null":
      return nullWorkload;
    default:
      throw new UsageError("WORKLOAD_UNKNOWN", `there is no workload for the service "${service}"`);
  }
}

function nullWorkload(): Workload {
  const operation = (random: Random) => random.bytes(8);
  return { next: operation, noise: operation, judge: () => null };
}

/** So many that few calls of a run overlap on one key: judging them grows fast with that number. */
const keys = Array.from({ length: 16 }, (_, index) => Buffer.from(`key ${index}`));
const counterKeys = ["counter 1", "counter 2", "counter 3", "counter 4"].map((key) =>
  Buffer.from(key),
);
const noiseKey = Buffer.from("noise");

function keyValueWorkload(): Workload {
  let last = 0;
  return {
    next(random) {
      const key = random.pick(keys);
      const value = Buffer.from(String(++last));
      const counterKey = random.pick(counterKeys);
      const expected = Buffer.from(String(1 + random.below(last)));
      return random.pick([
        keyValue.put(key, value),
        keyValue.get(key),
        keyValue.delete(key),
        keyValue.append(key, value),
        keyValue.compareAndSwap(key, random.chance(0.3) ? null : expected, value),
        keyValue.add(counterKey, BigInt(1 + random.below(3))),
        keyValue.get(counterKey),
      ]);
    },
    noise: (random) => keyValue.put(noiseKey, random.bytes(8)),
    describe: describeKeyValue,
    judge: judgeKeyValue,
  };
}

/** An operation as one would type it: `put key 3 "17"`. */
function describeKeyValue(operation: Uint8Array): string {
  const request = readRequest(operation);
  if (request === null) return "an operation that no service reads";
  const { kind, ...fields } = request;
  const words = Object.values(fields).map((field) =>
    field instanceof Uint8Array ? printed(field) : JSON.stringify(field),
  );
  return [kind, ...words].join(" ");
}

const printed = (bytes: Uint8Array): string =>
  bytes.every((byte) => byte >= 32 && byte < 127)
    ? JSON.stringify(Buffer.from(bytes).toString("latin1"))
    : `0x${Buffer.from(bytes).toString("hex")}`;
