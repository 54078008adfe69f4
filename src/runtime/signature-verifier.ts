// Verifies signatures of clients and replicas on worker threads, in batches, each signature once.

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Digest } from "../core/index.js";
import { knownSignaturesMax, signaturesPerJob } from "./limits.js";

export const digestBytes = 32;
export const signatureBytes = 64;
/** Who signs; in a job, by its place in this list. */
export const roles = ["client", "replica"] as const;
export type Role = (typeof roles)[number];

/** Where the parts of one signature in a job begin; the signer is 32 bits, little-endian. */
export const entry = { role: 0, signer: 1, digest: 5, signature: 5 + digestBytes } as const;
export const entryBytes = entry.signature + signatureBytes;

/** What a worker is given at its start. */
export interface WorkerData {
  /** Each signer's Ed25519 public key: base64 of its SPKI in DER. */
  readonly keys: Readonly<Record<Role, readonly string[]>>;
}

/** Entries to verify; the worker answers `Answer`, jobs in order. */
export type Job = Uint8Array;
/** A byte for each entry: 1 if genuine. */
export type Answer = Uint8Array;

interface Waiting {
  readonly role: Role;
  readonly signer: number;
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
   * By signer, digest and signature: all three, so that no other signature passes for a genuine
   * one.
   */
  readonly #known = new Map<string, true | Promise<boolean>>();
  #gathered: Waiting[] = [];

  /** `failed` is told if a thread dies. */
  constructor(keys: WorkerData["keys"], failed: (error: Error) => void) {
    const count = Math.max(1, Math.min(threadsMax, availableParallelism() - 1));
    const workerData: WorkerData = { keys };
    this.#threads = Array.from({ length: count }, () => {
      const worker = new Worker(new URL("./signature-worker.js", import.meta.url), { workerData });
      const thread: Thread = { worker, jobs: [] };
      worker.on("message", (answer: Answer) => this.#settle(thread, answer));
      worker.on("error", failed);
      return thread;
    });
  }

  /** Whether the signer signed the digest: at once if it is known, else in a later turn. */
  verify(
    role: Role,
    signer: number,
    digest: Digest,
    signature: Uint8Array,
  ): boolean | Promise<boolean> {
    if (digest.length !== digestBytes || signature.length !== signatureBytes) return false;
    const key = `${role} ${signer}:${latin1(digest)}${latin1(signature)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const verdict = new Promise<boolean>((resolve) => {
      const settle = (genuine: boolean) => {
        if (!genuine) this.#known.delete(key);
        else if (this.#known.has(key)) this.#known.set(key, true);
        resolve(genuine);
      };
      if (this.#gathered.length === 0) queueMicrotask(() => this.#handOut());
      this.#gathered.push({ role, signer, digest, signature, settle });
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
  entries.forEach(({ role, signer, digest, signature }, index) => {
    const start = index * entryBytes;
    job[start + entry.role] = roles.indexOf(role);
    view.setUint32(start + entry.signer, signer, true);
    job.set(digest, start + entry.digest);
    job.set(signature, start + entry.signature);
  });
  return job;
}
