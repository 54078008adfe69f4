// What simulated clients ask of each service, and how their histories are judged.

import { type ClientId, type Protocol, UsageError } from "../../core/index.js";
import { keyValue, readRequest } from "../../services/index.js";
import type { Random, Workload } from "../../simulator/index.js";
import { judgeKeyValue } from "./judge.js";

/**
 * A workload for the service; made anew for every seed. Where the order is partial, seeds differ in
 * how much of what clients ask for interferes. @throws UsageError `WORKLOAD_UNKNOWN`
 */
export function workloadFor(service: string, order: Protocol["order"]): () => Workload {
  switch (service) {
    case "kv":
      return order === "total" ? keyValueWorkload : contendedWorkload;
    case "null":
      return nullWorkload;
    default:
      throw new UsageError("WORKLOAD_UNKNOWN", `there is no workload for the service "${service}"`);
  }
}

function nullWorkload(): Workload {
  const operation = (random: Random) => random.bytes(8);
  return { next: operation, noise: operation, judge: () => ({ verdict: "ok" }) };
}

const keys = Array.from({ length: 16 }, (_, index) => Buffer.from(`key ${index}`));
const counterKeys = Array.from({ length: 4 }, (_, index) => Buffer.from(`counter ${index}`));
const noiseKey = Buffer.from("noise");

/** Of all operations those on keys that others use too: the thesis's contention (§4.5). */
const contentions = [0, 0.02, 0.1, 0.5, 1];

/** Clients use keys of their own, and others as often as the seed says. */
function contendedWorkload(): Workload {
  const shared = keyValueWorkload();
  const own = new Map<ClientId, Buffer>();
  let contention: number | null = null;
  let last = 0;
  return {
    ...shared,
    next(random, client) {
      contention ??= random.pick(contentions);
      if (random.chance(contention)) return shared.next(random, client);
      const key = own.get(client) ?? Buffer.from(`of client ${client}`);
      own.set(client, key);
      const value = Buffer.from(`own${++last}`);
      return random.pick([
        () => keyValue.put(key, value),
        () => keyValue.get(key),
        () => keyValue.append(key, value),
      ])();
    },
    last: () => [...shared.last!(), ...[...own.values()].map((key) => keyValue.get(key))],
  };
}

function keyValueWorkload(): Workload {
  let last = 0;
  /** Drawn by the first operation: few keys that all clients change at a time, or many. */
  let keyCount: number | null = null;
  return {
    next(random) {
      keyCount ??= random.pick([1, 2, 4, keys.length]);
      const key = keys[random.below(keyCount)]!;
      const counterKey = counterKeys[random.below(Math.min(keyCount, counterKeys.length))]!;
      // A text that begins with a mark of its own: then a value tells what was appended to what.
      const value = Buffer.from(`v${++last}`);
      const expected = Buffer.from(`v${1 + random.below(last)}`);
      const isAbsent = random.chance(0.3);
      const summand = BigInt(1 + random.below(3));
      return random.pick([
        () => keyValue.put(key, value),
        () => keyValue.get(key),
        () => keyValue.delete(key),
        () => keyValue.append(key, value),
        () => keyValue.compareAndSwap(key, isAbsent ? null : expected, value),
        () => keyValue.add(counterKey, summand),
        () => keyValue.get(counterKey),
      ])();
    },
    last: () => [...keys, ...counterKeys].map((key) => keyValue.get(key)),
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
