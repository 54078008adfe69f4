// Verifies client signatures on worker threads, in batches, each signature once.

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { ClientId, Digest } from "../core/index.js";
import { knownSignaturesMax, signaturesPerJob } from "./limits.js";

export const digestBytes = 32;
export const signatureBytes = 64;
/** One signature in a job: client (32 bits, little-endian), digest, signature. */
export const entryBytes = 4 + digestBytes + signatureBytes;

/** What a worker is given at its start. */
export interface WorkerData {
  /** Each client's Ed25519 public key: base64 of its SPKI in DER. */
  readonly clientKeys: readonly string[];
}

/** Entries to verify; the worker answers `Answer`, jobs in order. */
export type Job = Uint8Array;
/** A byte for each entry: 1 if genuine. */
export type Answer = Uint8Array;

interface Waiting {
  readonly client: ClientId;
  readonly digest: Digest;
  readonly signature: Uint8Array;
  readonly settle: (genuine: boolean) => void;
}

interface Thread {
  readonly worker: Worker;
  /** Jobs it has not answered, oldest first. */
  readonly jobs: Waiting[][];
}

/** With few cores one thread beside the machine's is all that pays; more share the rest. */
const threadsMax = 4;

/** A pool of threads and a memory of what they found genuine. */
export class SignatureVerifier {
  readonly #threads: Thread[];
  /**
   * By client, digest and signature: all three, so that no other signature passes for a genuine
   * one.
   */
  readonly #known = new Map<string, true | Promise<boolean>>();
  #gathered: Waiting[] = [];

  /** `failed` is told if a thread dies. */
  constructor(clientKeys: readonly string[], failed: (error: Error) => void) {
    const count = Math.max(1, Math.min(threadsMax, availableParallelism() - 1));
    const workerData: WorkerData = { clientKeys };
    this.#threads = Array.from({ length: count }, () => {
      const worker = new Worker(new URL("./signature-worker.js", import.meta.url), { workerData });
      const thread: Thread = { worker, jobs: [] };
      worker.on("message", (answer: Answer) => this.#settle(thread, answer));
      worker.on("error", failed);
      return thread;
    });
  }

  /** Whether the client signed the digest: at once if it is known, else in a later turn. */
  verify(client: ClientId, digest: Digest, signature: Uint8Array): boolean | Promise<boolean> {
    if (digest.length !== digestBytes || signature.length !== signatureBytes) return false;
    const key = `${client}:${latin1(digest)}${latin1(signature)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const verdict = new Promise<boolean>((resolve) => {
      const settle = (genuine: boolean) => {
        if (!genuine) this.#known.delete(key);
        else if (this.#known.has(key)) this.#known.set(key, true);
        resolve(genuine);
      };
      if (this.#gathered.length === 0) queueMicrotask(() => this.#handOut());
      this.#gathered.push({ client, digest, signature, settle });
    });
    this.#remember(key, verdict);
    return verdict;
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #remember(key: string, verdict: Promise<boolean>): void {
    this.#known.set(key, verdict);
    if (this.#known.size <= knownSignaturesMax) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  #handOut(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    for (let start = 0; start < gathered.length; start += signaturesPerJob) {
      const entries = gathered.slice(start, start + signaturesPerJob);
      const thread = this.#threads.reduce((a, b) => (b.jobs.length < a.jobs.length ? b : a));
      const job = encodeJob(entries);
      thread.jobs.push(entries);
      thread.worker.postMessage(job, [job.buffer]);
    }
  }

  #settle(thread: Thread, answer: Answer): void {
    thread.jobs.shift()?.forEach((waiting, index) => waiting.settle(answer[index] === 1));
  }
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

function encodeJob(entries: readonly Waiting[]): Uint8Array<ArrayBuffer> {
  const job = new Uint8Array(entries.length * entryBytes);
  const view = new DataView(job.buffer);
  entries.forEach(({ client, digest, signature }, index) => {
    const start = index * entryBytes;
    view.setUint32(start, client, true);
    job.set(digest, start + 4);
    job.set(signature, start + 4 + digestBytes);
  });
  return job;
}
