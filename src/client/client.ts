// The face of the client library: calls in, results that a quorum of replicas vouched for out.

import { hash } from "node:crypto";
import type { AcceptedAnswer, ClientId, Digest, ReplicaId, SessionId } from "../core/index.js";
import { TrothError, type TrothErrorCode } from "./errors.js";
import {
  type ReplicaConnection,
  Session,
  type SessionEvents,
  type SessionOptions,
} from "./session.js";
import { type CallOptions, type Settle, Submission } from "./submission.js";

/** A result together with what makes it credible. */
export interface CertifiedResult {
  readonly result: Uint8Array;
  readonly certificate: ReplyCertificate;
}

/**
 * Who answered what. It records what this client saw on its authenticated connections; it proves
 * nothing to others, as replies carry no signatures.
 */
export interface ReplyCertificate {
  readonly client: ClientId;
  readonly session: SessionId;
  /** The operation's bundle in the session. */
  readonly number: number;
  /** SHA-256 of the result. */
  readonly digest: Digest;
  /**
   * The replicas that gave this result: so many that at least one is correct if no more than f are
   * faulty.
   */
  readonly replicas: readonly ReplicaId[];
  readonly f: number;
}

/** What a person is shown of a client. */
export interface ClientStatus {
  readonly session: SessionId;
  /** The view whose leader bundles go to; null before the first answers. */
  readonly view: number | null;
  readonly replicas: readonly ReplicaConnection[];
  /** Operations waiting for their turn. */
  readonly queuedOperations: number;
  /** Bundles sent and not answered. */
  readonly outstandingBundles: number;
}

/** A bundle's bytes besides its operations, and besides each operation. */
const bundleOverheadBytes = 32;
const operationOverheadBytes = 4;

/** Node's timers run no longer. */
const timerMsMax = 2 ** 31 - 1;

/** What a client is made of. */
export interface ClientOptions extends SessionOptions {
  readonly deadlineMs: number;
  readonly queueOperations: number;
}

/**
 * One client of a cluster, in one session at a time. Operations take effect at most once, and in
 * the order in which they were called, as long as the session lasts. Do not change an operation's
 * bytes before its call has ended; results may share memory with each other. Failures are a
 * {@link TrothError}, whose `effect` says whether the operation may have taken effect.
 */
export class Client {
  readonly #options: ClientOptions;
  #session: Session;
  /** Not sent yet, in order. */
  readonly #queue = new Set<Submission>();
  #queuedOperations = 0;
  /** Sent and not answered: what each bundle consists of. */
  #bundles = new Map<number, readonly Submission[]>();
  #flushScheduled = false;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #nextDeadlineMs = Number.POSITIVE_INFINITY;
  #closed = false;
  #onConnected: (() => void) | null = null;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#session = this.#newSession();
  }

  /**
   * Executes one operation and gives its result. Operations called in one turn of the event loop
   * share a bundle.
   */
  call(operation: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#enqueue([operation], false, options, (results) => resolve(results[0]!), reject);
    });
  }

  /**
   * Executes operations as one bundle: one after the other, with nothing in between, and with one
   * promise for all. Gives their results in order. At most `bundleOperationsMax` operations and
   * `bundleBytesMax` bytes.
   */
  callAll(
    operations: readonly Uint8Array[],
    options: CallOptions = {},
  ): Promise<readonly Uint8Array[]> {
    if (operations.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#enqueue(operations, true, options, (results) => resolve(results), reject);
    });
  }

  /** As `call`, in a bundle of its own, and says who vouched for the result. */
  callCertified(operation: Uint8Array, options: CallOptions = {}): Promise<CertifiedResult> {
    return new Promise((resolve, reject) => {
      const settle: Settle = ([result], { number, replicas }) => {
        const { configuration, credential } = this.#options;
        const digest = hash("sha256", result!, "buffer");
        const certificate = {
          client: credential.client,
          session: this.#session.id,
          number,
          digest,
          replicas,
          f: configuration.f,
        };
        resolve({ result: result!, certificate });
      };
      this.#enqueue([operation], true, options, settle, reject);
    });
  }

  status(): ClientStatus {
    return {
      session: this.#session.id,
      view: this.#session.view,
      replicas: this.#session.connections(),
      queuedOperations: this.#queuedOperations,
      outstandingBundles: this.#bundles.size,
    };
  }

  /** Ends all calls with CLOSED and all connections. Closing twice does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#deadlineTimer);
    this.#session.close();
    const waiting = [...this.#pending()];
    this.#bundles.clear();
    for (const submission of waiting) this.#giveUp(submission, "CLOSED", "the client was closed.");
  }

  /**
   * Resolves when enough replicas for a result are connected; closes the client and throws
   * UNREACHABLE otherwise.
   */
  async connected(): Promise<void> {
    const { protocol, configuration, deadlineMs } = this.#options;
    const needed = protocol.client.replyQuorum(configuration.f);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    const enough = new Promise<void>((resolve) => {
      this.#onConnected = () => {
        if (this.#session.connectedReplicas >= needed) resolve();
      };
    });
    await Promise.race([enough, late]);
    clearTimeout(timer);
    this.#onConnected = null;
    if (this.#session.connectedReplicas >= needed) return;
    const situation = this.#describe();
    this.close();
    throw refuse("UNREACHABLE", `no ${needed} replicas within ${deadlineMs} ms: ${situation}`);
  }

  #newSession(): Session {
    const events: SessionEvents = {
      connected: () => {
        this.#onConnected?.();
        this.#scheduleFlush();
      },
      answered: (answer) => this.#onAnswered(answer),
      lost: (number) => this.#onLost(number),
      expired: () => this.#onExpired(),
    };
    return new Session(nextSessionId(), this.#options, events);
  }

  #enqueue(
    operations: readonly Uint8Array[],
    alone: boolean,
    { signal, deadlineMs = this.#options.deadlineMs }: CallOptions,
    resolve: Settle,
    reject: (error: TrothError) => void,
  ): void {
    const bytes = operations.reduce((sum, { length }) => sum + length + operationOverheadBytes, 0);
    const refused = this.#refusal(operations, bytes, signal);
    if (refused !== null) return reject(refused);
    const submission = new Submission({
      operations,
      bytes,
      alone,
      deadlineAtMs: performance.now() + deadlineMs,
      signal,
      aborted: (aborted) => this.#giveUp(aborted, "ABORTED", "the caller gave up."),
      resolve,
      reject,
    });
    this.#queue.add(submission);
    this.#queuedOperations += operations.length;
    this.#watch(submission.deadlineAtMs);
    this.#scheduleFlush();
  }

  /** Why operations are not even queued; null if they are. */
  #refusal(
    operations: readonly Uint8Array[],
    bytes: number,
    signal: AbortSignal | undefined,
  ): TrothError | null {
    const { limits, queueOperations } = this.#options;
    if (this.#closed) return refuse("CLOSED", "the client was closed: connect again.");
    if (signal?.aborted === true) return refuse("ABORTED", "the signal was aborted already.");
    const largest = operations.reduce((most, { length }) => Math.max(most, length), 0);
    if (largest > limits.operationBytesMax) {
      const message = `an operation of ${largest} bytes; the limit is ${limits.operationBytesMax}.`;
      return refuse("OPERATION_TOO_LARGE", message);
    }
    const { bundleOperationsMax, bundleBytesMax } = limits;
    if (operations.length > bundleOperationsMax || bytes + bundleOverheadBytes > bundleBytesMax) {
      const message =
        `${operations.length} operations of ${bytes} bytes do not fit one bundle of ` +
        `${bundleOperationsMax} operations and ${bundleBytesMax} bytes: split them.`;
      return refuse("BUNDLE_TOO_LARGE", message);
    }
    if (this.#queuedOperations + operations.length > queueOperations) {
      const message = `${this.#queuedOperations} operations wait already: await results first.`;
      return refuse("OVERLOADED", message);
    }
    return null;
  }

  /** Bundles are made when the turn ends, so that all that was called in it goes together. */
  #scheduleFlush(): void {
    if (this.#flushScheduled || this.#queue.size === 0) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      while (!this.#closed && this.#queue.size > 0 && this.#session.ready) this.#sendBundle();
      this.#session.flush();
    });
  }

  #sendBundle(): void {
    const submissions = this.#takeBundle();
    const number = this.#session.submit(
      submissions.length === 1
        ? submissions[0]!.operations
        : submissions.flatMap(({ operations }) => operations),
    );
    for (const submission of submissions) submission.sent = true;
    this.#bundles.set(number, submissions);
  }

  /** The longest prefix of the queue that may share a bundle. */
  #takeBundle(): Submission[] {
    const { bundleOperationsMax, bundleBytesMax } = this.#options.limits;
    const taken: Submission[] = [];
    let operations = 0;
    let bytes = bundleOverheadBytes;
    for (const submission of this.#queue) {
      operations += submission.operations.length;
      bytes += submission.bytes;
      const fits =
        operations <= bundleOperationsMax && bytes <= bundleBytesMax && !submission.alone;
      if (taken.length > 0 && !fits) break;
      taken.push(submission);
      this.#unqueue(submission);
      if (submission.alone) break;
    }
    return taken;
  }

  #unqueue(submission: Submission): void {
    if (this.#queue.delete(submission)) this.#queuedOperations -= submission.operations.length;
  }

  #onAnswered(answer: AcceptedAnswer): void {
    const { number, results } = answer;
    const submissions = this.#takeAnswered(number);
    if (submissions.length === 1) {
      submissions[0]!.succeed(results, answer);
    } else {
      let at = 0;
      for (const submission of submissions) {
        submission.succeed(results.slice(at, (at += submission.operations.length)), answer);
      }
    }
  }

  #onLost(number: number): void {
    for (const submission of this.#takeAnswered(number)) {
      submission.fail("RESULT_LOST", "the replicas no longer keep the result.");
    }
  }

  #takeAnswered(number: number): readonly Submission[] {
    const submissions = this.#bundles.get(number) ?? [];
    this.#bundles.delete(number);
    this.#scheduleFlush();
    return submissions;
  }

  /** What was sent in the old session is settled as unknown; what was not goes into the new one. */
  #onExpired(): void {
    const lost = this.#bundles;
    this.#bundles = new Map();
    this.#session.close();
    this.#session = this.#newSession();
    for (const submissions of lost.values()) {
      for (const submission of submissions) {
        submission.fail(
          "SESSION_EXPIRED",
          "the replicas forgot this client's session: it was idle while newer ones began, " +
            "or this machine's clock is behind.",
        );
      }
    }
  }

  #giveUp(submission: Submission, code: TrothErrorCode, message: string): void {
    this.#unqueue(submission);
    submission.fail(code, message);
  }

  /** Every call that has not ended, and some that have. */
  *#pending(): Iterable<Submission> {
    yield* this.#queue;
    for (const submissions of this.#bundles.values()) yield* submissions;
  }

  /** One timer serves all deadlines: it runs out at the earliest, and then looks for the next. */
  #watch(deadlineAtMs: number): void {
    if (deadlineAtMs >= this.#nextDeadlineMs) return;
    this.#nextDeadlineMs = deadlineAtMs;
    clearTimeout(this.#deadlineTimer);
    const afterMs = Math.ceil(deadlineAtMs - performance.now());
    this.#deadlineTimer = setTimeout(() => this.#onDeadline(), Math.min(afterMs, timerMsMax));
  }

  #onDeadline(): void {
    const now = performance.now();
    this.#nextDeadlineMs = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const submission of this.#pending()) {
      if (submission.settled) continue;
      if (submission.deadlineAtMs > now) next = Math.min(next, submission.deadlineAtMs);
      else this.#giveUp(submission, "DEADLINE", `no result by the deadline: ${this.#describe()}`);
    }
    this.#watch(next);
  }

  /** How it stands with the replicas, for messages. */
  #describe(): string {
    const connections = this.#session.connections();
    const missing = connections.filter(({ connected }) => !connected);
    const n = connections.length;
    const reached = `${n - missing.length} of ${n} replicas connected`;
    const problems = missing.map(
      ({ id, address, problem }) => `replica ${id} at ${address}: ${problem ?? "no answer yet"}`,
    );
    return `${[reached, ...problems].join("; ")}.`;
  }
}

const refuse = (code: TrothErrorCode, message: string) => new TrothError(code, "none", message);

let lastSessionId: SessionId = 0;

/**
 * Higher than any before, and hardly ever that of another process: microseconds since 1970, the
 * last three at random.
 */
function nextSessionId(): SessionId {
  const fresh = Date.now() * 1000 + Math.floor(Math.random() * 1000);
  lastSessionId = Math.max(fresh, lastSessionId + 1);
  return lastSessionId;
}
