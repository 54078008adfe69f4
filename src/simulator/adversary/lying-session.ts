// A session of a lying client where clients take part in the protocol: the requests are honest, and
// what is said about them afterwards is not.

import {
  type ClaimContext,
  type ClientId,
  type ClientInput,
  type ClientMachine,
  type Protocol,
  type ReplicaId,
  replicaIds,
  type SessionId,
  type Tagged,
} from "../../core/index.js";
import type { ClientKeys } from "../client-keys.js";
import { symbolicHash } from "../mix.js";
import type { Random } from "../random.js";
import type { Workload } from "../workload.js";
import { Hoard } from "./lie.js";
import { mutate, shorten, transplanted } from "./mutate.js";

export interface LyingSessionOptions {
  readonly client: ClientId;
  readonly protocol: Protocol;
  readonly context: ClaimContext;
  readonly keys: ClientKeys;
  readonly workload: Workload;
  readonly random: Random;
  readonly send: (to: ReplicaId, bytes: Uint8Array) => void;
  readonly after: (ms: number, action: () => void) => void;
}

const firstSession: SessionId = 1_000_000;
const windowBytes = 2 ** 30;
const retryMs = 20;
const retryMsMax = 500;
/** What was said long ago is said again so late at most. */
const latestMs = 400;

export class LyingSession {
  readonly #options: LyingSessionOptions;
  readonly #past = new Hoard<Tagged>(32);
  readonly #timers = new Map<string, number>();
  readonly #requests: string;
  #session = firstSession;
  #tokens = 0;
  #machine: ClientMachine<Tagged>;

  constructor(options: LyingSessionOptions) {
    this.#options = options;
    this.#requests = options.protocol.client.request(new Uint8Array(), new Uint8Array()).kind;
    this.#machine = this.#newMachine();
  }

  /** One more request, if it may. */
  submit(): void {
    const { workload, random } = this.#options;
    if (!this.#machine.isFull) this.#step({ kind: "submit", operations: [workload.noise(random)] });
  }

  hear(from: ReplicaId, bytes: Uint8Array): void {
    const message = this.#options.protocol.messages.decode(bytes);
    if (message !== null) this.#step({ kind: "message", from, message });
  }

  #newMachine(): ClientMachine<Tagged> {
    const { client, protocol, context, keys } = this.#options;
    return protocol.client.machine({
      ...context,
      client,
      session: this.#session,
      authenticate: (body) => keys.seal(client, symbolicHash(body)),
      isAuthentic: () => true,
      windowBundles: context.limits.sessionWindow,
      windowBytes,
      retryMs,
      retryMsMax,
    });
  }

  #step(input: ClientInput<Tagged>): void {
    // Its clock stands still: what it measures does not matter to a liar.
    for (const effect of this.#machine.step(0, input)) {
      if (effect.kind === "send") this.#say([effect.to], effect.message);
      if (effect.kind === "broadcast") this.#say(this.#everyone(), effect.message);
      if (effect.kind === "set-timer") this.#setTimer(effect.timer, effect.afterMs);
      if (effect.kind === "expired") {
        this.#session += 1;
        this.#machine = this.#newMachine();
        return;
      }
    }
  }

  #setTimer(timer: string, afterMs: number): void {
    const token = ++this.#tokens;
    this.#timers.set(timer, token);
    this.#options.after(afterMs, () => {
      if (this.#timers.get(timer) === token) this.#step({ kind: "timeout", timer });
    });
  }

  #everyone(): ReplicaId[] {
    return replicaIds(this.#options.context.n);
  }

  #say(to: readonly ReplicaId[], message: Tagged): void {
    if (message.kind === this.#requests) return this.#send(to, message);
    const { random, after } = this.#options;
    const some = to.filter(() => random.chance(0.4));
    const past = this.#past;
    const tricks: readonly (() => void)[] = [
      () => this.#send(to, message),
      () => this.#send(some, message),
      () => this.#send(some.slice(0, 1), message),
      () => {},
      () => after(random.between(0, latestMs), () => this.#send(some, message)),
      () => {
        for (const one of to) this.#send([one], this.#altered(message));
      },
      () => this.#send(some, past.isEmpty ? message : past.pick(random)),
    ];
    random.pick(tricks)();
    past.put(message);
  }

  /** Cut short, changed somewhere, or with a part of what it said before. */
  #altered(message: Tagged): Tagged {
    const { random, protocol } = this.#options;
    const { messages } = protocol;
    const donor = this.#past.isEmpty ? message : this.#past.pick(random);
    return random.pick([
      () => mutate(messages, message, random),
      () => shorten(messages, message, random),
      () => transplanted(messages, message, [donor], random),
    ])();
  }

  #send(to: readonly ReplicaId[], message: Tagged): void {
    const bytes = this.#options.protocol.messages.encode(message);
    for (const one of to) this.#options.send(one, bytes);
  }
}
