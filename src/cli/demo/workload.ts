// The demo's clients: what they ask for all the time, what they were answered, and what that
// proves.

import { type Client, connect } from "../../client/index.js";
import { protocolNamed } from "../../protocols/index.js";
import { keyValue, readOutcome } from "../../services/index.js";
import type { Call } from "../../simulator/index.js";

/** Keys that all clients work on, so that the order of their operations shows. */
const sharedKeys = Array.from({ length: 8 }, (_, index) => Buffer.from(`shared-${index}`));
const counterKey = Buffer.from("counter");
/** One operation in so many is on a shared key, and judged; the others write keys of their own. */
const sharedEvery = 4;
/** Operations that each client has outstanding. */
const loopsPerClient = 4;
/** Keys read back at a time. */
const readBackBundle = 64;
const deadlineMs = 20_000;

/** Clients that have a few operations outstanding each, from `start` to `stop`. */
export class Workload {
  /** Operations answered. */
  answered = 0;
  /** Operations that ended without an answer. */
  unknown = 0;
  /** All calls on shared keys. */
  readonly history: Call[] = [];
  readonly #clients: readonly Client[];
  readonly #loops: readonly Promise<void>[];
  /** Values that were acknowledged, each under a key of its own. */
  readonly #acknowledged = new Map<string, string>();
  /** The last value read of each shared key: what a compare-and-swap expects. */
  readonly #seen = new Map<Uint8Array, Uint8Array>();
  #running = true;
  #watchedSinceMs = Number.POSITIVE_INFINITY;
  #backAtMs: number | null = null;

  private constructor(clients: readonly Client[]) {
    this.#clients = clients;
    this.#loops = clients.flatMap((client, id) =>
      Array.from({ length: loopsPerClient }, (_, loop) => this.#loop(client, `${id}.${loop}`, id)),
    );
  }

  /** Connects clients 0 … n-1 and sets them to work. */
  static async start(folder: string, n: number): Promise<Workload> {
    const clients = Array.from({ length: n }, (_, client) =>
      connect({ folder, client, protocol: protocolNamed, deadlineMs }),
    );
    return new Workload(await Promise.all(clients));
  }

  /** Writes to keys of their own that were acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** From now on, `backAtMs` tells when an operation called after this moment is answered. */
  watch(): void {
    this.#backAtMs = null;
    this.#watchedSinceMs = performance.now();
  }

  /** Null as long as nothing that was called since `watch` is answered. */
  get backAtMs(): number | null {
    return this.#backAtMs;
  }

  /** Answers of a replica that contradicted the accepted result, over all clients. */
  blamed(replica: number): number {
    const counts = this.#clients.map((client) => client.status().replicas[replica]?.blamed ?? 0);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Ends the load when what is outstanding is answered. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
  }

  /** Reads all acknowledged writes: the keys whose value is another, or gone. */
  async readBack(): Promise<string[]> {
    const client = this.#clients[0]!;
    const lost: string[] = [];
    const entries = [...this.#acknowledged];
    for (let at = 0; at < entries.length; at += readBackBundle) {
      const bundle = entries.slice(at, at + readBackBundle);
      const gets = bundle.map(([key]) => keyValue.get(Buffer.from(key)));
      const results = await client.callAll(gets);
      for (const [index, [key, value]] of bundle.entries()) {
        const outcome = readOutcome(results[index]!);
        const read = outcome?.kind === "value" ? Buffer.from(outcome.value).toString() : null;
        if (read !== value) lost.push(key);
      }
    }
    for (const key of [...sharedKeys, counterKey]) await this.#record(client, 0, keyValue.get(key));
    return lost;
  }

  close(): void {
    this.#running = false;
    for (const client of this.#clients) client.close();
  }

  async #loop(client: Client, name: string, id: number): Promise<void> {
    let number = 0;
    while (this.#running) {
      number += 1;
      if (number % sharedEvery === 0) await this.#contend(client, id, `${name}/${number}`);
      else await this.#write(client, `client-${name}-${number}`, `value ${number} of ${name}`);
    }
  }

  /**
   * A put, a get, a compare-and-swap or an addition, on a key that others use too; values are
   * distinct.
   */
  async #contend(client: Client, id: number, text: string): Promise<void> {
    const key = sharedKeys[Math.floor(Math.random() * sharedKeys.length)]!;
    const value = Buffer.from(text);
    const operations = [
      keyValue.put(key, value),
      keyValue.compareAndSwap(key, this.#seen.get(key) ?? null, value),
      keyValue.add(counterKey, 1n),
      keyValue.get(counterKey),
      keyValue.get(key),
    ];
    const operation = operations[Math.floor(Math.random() * operations.length)]!;
    const result = await this.#record(client, id, operation);
    const outcome = result === null ? null : readOutcome(result);
    if (outcome?.kind === "value" && operation !== operations[3])
      this.#seen.set(key, outcome.value);
  }

  async #write(client: Client, key: string, value: string): Promise<void> {
    const operation = keyValue.put(Buffer.from(key), Buffer.from(value));
    const result = await this.#call(client, operation, performance.now());
    if (result !== null && readOutcome(result)?.kind === "done") this.#acknowledged.set(key, value);
  }

  /** Calls, and enters the call into the history. */
  async #record(client: Client, id: number, operation: Uint8Array): Promise<Uint8Array | null> {
    const invokedMs = performance.now();
    const call: Call = { client: id, operation, invokedMs, returnedMs: null, result: null };
    this.history.push(call);
    call.result = await this.#call(client, operation, invokedMs);
    if (call.result !== null) call.returnedMs = performance.now();
    return call.result;
  }

  /** Null if there was no answer. */
  async #call(client: Client, operation: Uint8Array, invokedMs: number) {
    try {
      const result = await client.call(operation);
      this.answered += 1;
      if (invokedMs >= this.#watchedSinceMs) this.#backAtMs ??= performance.now();
      return result;
    } catch {
      this.unknown += 1;
      return null;
    }
  }
}
