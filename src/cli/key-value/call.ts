// Calls of the key-value service: connecting, calling, and printing what came of it.

import { type Client, connect } from "../../client/index.js";
import { readConfiguration } from "../../cluster/index.js";
import { UsageError } from "../../core/index.js";
import { protocolNamed } from "../../protocols/index.js";
import { keyValue, type KeyValueEntry, type Outcome, readOutcome } from "../../services/index.js";
import { exitCode } from "../exit-code.js";

/** The options that every call has. */
export interface CallOptions {
  readonly dir: string;
  readonly client: number;
  readonly deadline: number;
  readonly json: boolean;
}

/** A `write` succeeds when it is done; a `read` when there is a value. */
export type Purpose = "write" | "read";

/** Executes operations as one bundle, prints what came of the last one, and gives the exit code. */
export async function call(
  options: CallOptions,
  operations: readonly Uint8Array[],
  purpose: Purpose,
): Promise<number> {
  return withClient(options, async (client) => {
    const { results, replicas } = await perform(client, operations);
    const outcomes = results.map(outcomeOf);
    const outcome = outcomes.find(isRefusal) ?? outcomes.at(-1)!;
    const succeeded = outcome.kind === (purpose === "write" ? "done" : "value");
    if (options.json) {
      const value = outcome.kind === "value" ? textOf(outcome.value, "value") : {};
      print({ outcome: outcome.kind, ...value, ...(replicas === null ? {} : { replicas }) });
    } else if (purpose === "read" && outcome.kind === "value") {
      process.stdout.write(Buffer.concat([outcome.value, Buffer.from("\n")]));
    } else if (!succeeded) {
      console.error(`troth: ${complaint(outcome)}`);
    }
    return succeeded ? exitCode.ok : exitCode.failed;
  });
}

/**
 * The results, which at least f+1 replicas gave alike, and which replicas, if the client can tell.
 */
async function perform(client: Client, operations: readonly Uint8Array[]) {
  const [only] = operations;
  if (only === undefined || operations.length > 1) {
    return { results: await client.callAll(operations), replicas: null };
  }
  const { result, certificate } = await client.callCertified(only);
  return { results: [result], replicas: certificate.replicas };
}

/** Prints the entries whose keys begin with a prefix, and gives the exit code. */
export async function list(
  options: CallOptions,
  prefix: Uint8Array,
  limit: number,
): Promise<number> {
  return withClient(options, async (client) => {
    const entries: KeyValueEntry[] = [];
    for await (const entry of entriesFrom(client, prefix, limit)) entries.push(entry);
    if (options.json) {
      const text = entries.map(({ key, value }) => ({
        ...textOf(key, "key"),
        ...textOf(value, "value"),
      }));
      print({ entries: text });
    } else {
      for (const { key, value } of entries) {
        console.log(`${Buffer.from(key).toString()}\t${Buffer.from(value).toString()}`);
      }
    }
    return exitCode.ok;
  });
}

/** One answer after the other, as long as there are more. */
async function* entriesFrom(client: Client, prefix: Uint8Array, limit: number) {
  let after: Uint8Array = new Uint8Array(0);
  for (let left = limit; left > 0; ) {
    const wanted = Math.min(left, rangeEntriesAtOnce);
    const outcome = outcomeOf(await client.call(keyValue.range(prefix, wanted, after)));
    if (outcome.kind !== "entries") throw new UsageError("PREFIX_UNFIT", complaint(outcome));
    yield* outcome.entries;
    left -= outcome.entries.length;
    const last = outcome.entries.at(-1);
    if (!outcome.more || last === undefined) return;
    after = Uint8Array.from(last.key);
  }
}

const rangeEntriesAtOnce = 1024;

/**
 * @throws UsageError if the cluster replicates another service; what `connect` and the call throw.
 */
async function withClient<T>(
  { dir, client: id, deadline }: CallOptions,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const { service } = readConfiguration(dir);
  if (service !== "kv") {
    throw new UsageError("SERVICE_OTHER", `the cluster in ${dir} replicates ${service}, not kv`);
  }
  const client = await connect({
    folder: dir,
    client: id,
    protocol: protocolNamed,
    deadlineMs: deadline,
  });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

function outcomeOf(result: Uint8Array): Outcome {
  const outcome = readOutcome(result);
  if (outcome !== null) return outcome;
  throw new UsageError("SERVICE_OTHER", "the answer is not one of the key-value service");
}

const isRefusal = ({ kind }: Outcome) =>
  kind === "malformed" || kind === "not-a-counter" || kind === "too-long";

function complaint(outcome: Outcome): string {
  switch (outcome.kind) {
    case "absent":
      return "the key has no value";
    case "value":
      return `the key has another value: ${Buffer.from(outcome.value).toString()}`;
    case "not-a-counter":
      return "the value is not a counter";
    case "too-long":
      return "the value would become too long";
    default:
      return `the service answered "${outcome.kind}"`;
  }
}

/** A field with the text, or one with base64 where the bytes are not UTF-8. */
function textOf(bytes: Uint8Array, name: string): Record<string, string> {
  const text = Buffer.from(bytes).toString();
  if (Buffer.from(text).equals(bytes)) return { [name]: text };
  return { [`${name}Base64`]: Buffer.from(bytes).toString("base64") };
}

const print = (value: unknown) => console.log(JSON.stringify(value));
