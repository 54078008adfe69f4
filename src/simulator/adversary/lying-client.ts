// A client that lies: it holds its own key, and sends whatever it likes under it, or without it.

import { type Bundle, encodeBundle } from "../../codec/index.js";
import type { ClientId, Limits, Protocol, ReplicaId } from "../../core/index.js";
import type { ClientKeys } from "../client-keys.js";
import { symbolicHash } from "../mix.js";
import type { Random } from "../random.js";
import type { Workload } from "../workload.js";
import { Hoard } from "./lie.js";

export interface LyingClientOptions {
  readonly client: ClientId;
  /** A correct client that it tries to impersonate. */
  readonly victim: ClientId;
  readonly n: number;
  readonly limits: Limits;
  readonly protocol: Protocol;
  readonly keys: ClientKeys;
  readonly workload: Workload;
  readonly random: Random;
  readonly send: (to: ReplicaId, bytes: Uint8Array) => void;
}

/** Requests in one burst at most: no client is faster than its link. */
const burstMax = 12;
const farNumber = 2 ** 52;

export class LyingClient {
  readonly #options: LyingClientOptions;
  readonly #past = new Hoard<Uint8Array>(64);
  readonly #tricks: readonly (() => void)[];
  #number = 0;
  #session = 1;

  constructor(options: LyingClientOptions) {
    this.#options = options;
    const { random } = options;
    const all = [
      () => this.#two(),
      () => this.#replay(),
      () => this.#window(),
      () => this.#sessions(),
      () => this.#far(),
      () => this.#malformed(),
      () => this.#impersonate(),
      () => this.#flood(),
    ];
    // Honest requests keep its session alive, so that its lies matter.
    this.#tricks = [() => this.#honest(), ...random.shuffled(all).slice(0, 1 + random.below(4))];
  }

  /** One burst of lies, or some truth so that they matter. */
  act(): void {
    this.#options.random.pick(this.#tricks)();
  }

  /** One request as anybody might make it. */
  keepBusy(): void {
    this.#honest();
  }

  #honest(): void {
    const request = this.#request({ number: ++this.#number });
    for (let to = 0; to < this.#options.n; to++) this.#send(to, request);
  }

  /** Different bundles of one number, to different replicas. */
  #two(): void {
    const number = this.#sometimesOld(++this.#number);
    const requests = [this.#request({ number }), this.#request({ number })];
    for (let to = 0; to < this.#options.n; to++)
      this.#send(to, this.#options.random.pick(requests));
  }

  /** What it sent long ago, in this session or another. */
  #replay(): void {
    const { random } = this.#options;
    if (this.#past.isEmpty) return this.#honest();
    for (let i = random.below(burstMax); i >= 0; i--) this.#toSome(this.#past.pick(random));
  }

  /** Many numbers at once, in no order, some of them left out. */
  #window(): void {
    const { random, limits } = this.#options;
    const count = Math.min(
      burstMax,
      random.pick([2, limits.sessionWindow, 2 * limits.sessionWindow]),
    );
    const numbers = Array.from({ length: count }, () => ++this.#number);
    for (const number of random.shuffled(numbers)) {
      if (random.chance(0.9)) this.#toSome(this.#request({ number, acknowledged: 0 }));
    }
  }

  /** Sessions without end, so that older ones are forgotten; or one of them again. */
  #sessions(): void {
    const { random, limits } = this.#options;
    for (let i = random.below(Math.min(burstMax, 2 * limits.sessionsPerClient)); i >= 0; i--) {
      this.#session += 1 + random.below(3);
      this.#number = 1;
      this.#toSome(this.#request({ number: 1 }));
    }
    const session = 1 + random.below(this.#session);
    this.#toSome(this.#request({ number: 1 + random.below(4), session }));
  }

  /** Numbers, sessions and acknowledgements far ahead. */
  #far(): void {
    const { random } = this.#options;
    const number = this.#number + 2 + random.below(1_000);
    this.#toSome(
      random.pick([
        () => this.#request({ number }),
        () => this.#request({ number: farNumber, acknowledged: farNumber - 1 }),
        () => this.#request({ number: ++this.#number, acknowledged: this.#number - 1 }),
        () => this.#request({ number: ++this.#number, session: farNumber }),
      ])(),
    );
  }

  /** What no client should send: no operations, too many, too large, or what is no bundle. */
  #malformed(): void {
    const { random, limits } = this.#options;
    const number = ++this.#number;
    const empty = new Uint8Array(0);
    const bundles: (() => Uint8Array)[] = [
      () => this.#request({ number, operations: [] }),
      () => this.#request({ number, operations: [empty] }),
      () => this.#request({ number, operations: [random.bytes(16)] }),
      () =>
        this.#request({
          number,
          operations: Array.from({ length: limits.bundleOperationsMax + 1 }, () => empty),
        }),
      () => this.#request({ number, operations: [new Uint8Array(limits.operationBytesMax + 1)] }),
      () => this.#request({ number: 0 }),
      () => this.#request({ number, session: 0 }),
      () => this.#request({ number, acknowledged: number + random.below(3) }),
      () => this.#sealed(random.bytes(random.below(64))),
    ];
    const bytes = random.pick(bundles)();
    if (random.chance(0.2)) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    this.#toSome(bytes);
  }

  /** Another client's bundle under its own key. */
  #impersonate(): void {
    const { random, victim } = this.#options;
    this.#toSome(this.#request({ number: 1 + random.below(30), client: victim }));
  }

  /** As much as it may, as fast as it may. */
  #flood(): void {
    const { random } = this.#options;
    const same = random.chance(0.3) ? this.#request({ number: ++this.#number }) : null;
    for (let i = 0; i < burstMax; i++) {
      this.#toSome(same ?? this.#request({ number: ++this.#number, acknowledged: 0 }));
    }
  }

  #sometimesOld(number: number): number {
    const { random } = this.#options;
    return random.chance(0.2) ? 1 + random.below(number) : number;
  }

  #toSome(bytes: Uint8Array): void {
    const { random, n } = this.#options;
    const chance = random.pick([0.4, 0.8, 1]);
    for (let to = 0; to < n; to++) if (random.chance(chance)) this.#send(to, bytes);
  }

  #send(to: ReplicaId, bytes: Uint8Array): void {
    this.#past.put(bytes);
    this.#options.send(to, bytes);
  }

  /** A request as given, and else as an honest client would make it. */
  #request(given: Partial<Bundle> & { readonly number: number }): Uint8Array {
    const { random, client, workload } = this.#options;
    const length = 1 + random.below(2);
    return this.#sealed(
      encodeBundle({
        client,
        session: this.#session,
        acknowledged: random.pick([0, Math.max(0, given.number - 1)]),
        operations: Array.from({ length }, () => workload.noise(random)),
        ...given,
      }),
    );
  }

  #sealed(body: Uint8Array): Uint8Array {
    const { random, client, keys, protocol, n } = this.#options;
    const authenticator = keys.seal(client, symbolicHash(body));
    if (random.chance(0.2)) {
      // With a MAC for each replica: wrong for some of them, and right for the rest.
      const part = Math.max(1, Math.floor(authenticator.length / n));
      for (let i = random.below(n); i >= 0; i--) {
        authenticator[Math.min(random.below(n) * part, authenticator.length - 1)]! ^= 1;
      }
    }
    return protocol.messages.encode(protocol.client.request(body, authenticator));
  }
}
