// A client that lies: it holds its own key, and sends whatever it likes under it, or without it.

import { encodeBundle } from "../../codec/index.js";
import type { ClientId, Protocol, ReplicaId } from "../../core/index.js";
import type { ClientKeys } from "../client-keys.js";
import { symbolicHash } from "../mix.js";
import type { Random } from "../random.js";
import type { Workload } from "../workload.js";

export interface LyingClientOptions {
  readonly client: ClientId;
  /** A correct client that it tries to impersonate. */
  readonly victim: ClientId;
  readonly n: number;
  readonly protocol: Protocol;
  readonly keys: ClientKeys;
  readonly workload: Workload;
  readonly random: Random;
  readonly send: (to: ReplicaId, bytes: Uint8Array) => void;
}

export class LyingClient {
  readonly #options: LyingClientOptions;
  #number = 0;
  #session = 1;

  constructor(options: LyingClientOptions) {
    this.#options = options;
  }

  /** One burst of lies, and some truth so that they matter. */
  act(): void {
    const { random, n, send } = this.#options;
    const number = this.#pickNumber();
    const same = random.chance(0.4) ? this.#request(number) : null;
    for (let to = 0; to < n; to++) {
      if (random.chance(0.8)) send(to, same ?? this.#request(number));
    }
  }

  /** The next number mostly; else one used before, or one far ahead. */
  #pickNumber(): number {
    const { random } = this.#options;
    const way = random.below(10);
    if (way === 0) return random.below(this.#number + 1);
    if (way === 1) return this.#number + 2 + random.below(1000);
    if (way === 2) {
      this.#session += 1 + random.below(3);
      this.#number = 0;
    }
    return ++this.#number;
  }

  /** A request of that number; no two are alike. */
  #request(number: number): Uint8Array {
    const { random, client, victim, keys, protocol, workload } = this.#options;
    const impersonates = random.chance(0.1);
    const body = random.chance(0.05)
      ? random.bytes(random.below(64))
      : encodeBundle({
          client: impersonates ? victim : client,
          session: random.chance(0.1) ? random.below(this.#session + 1) : this.#session,
          number,
          acknowledged: random.pick([0, Math.max(0, number - 1), number, number + 5]),
          operations: Array.from({ length: random.below(3) }, () => workload.noise(random)),
        });
    const authenticator = keys.seal(client, symbolicHash(body));
    if (random.chance(0.2)) {
      // With "mac", wrong for one replica only.
      authenticator[random.below(authenticator.length)]! ^= 1;
    }
    const message = protocol.client.request(body, authenticator);
    const bytes = protocol.messages.encode(message);
    if (random.chance(0.05)) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    return bytes;
  }
}
