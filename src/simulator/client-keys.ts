// How simulated clients prove who they are, for each of the three ways of architecture.md §5,
// symbolically.

import {
  type ClientAuthentication,
  type ClientId,
  type Digest,
  equalBytes,
  type ReplicaId,
  type TrustedCounter,
} from "../core/index.js";
import { symbolicMac, twice } from "./mix.js";
import type { TrustedGroup } from "./model-counter.js";
import type { Random } from "./random.js";

/** Makes and checks the authenticators of client bundles. Lying replicas get neither. */
export interface ClientKeys {
  seal(client: ClientId, digest: Digest): Uint8Array;
  /** Whether a replica accepts the authenticator; with "mac", another replica may not. */
  isAuthentic(
    replica: ReplicaId,
    counter: TrustedCounter,
    claim: {
      readonly client: ClientId;
      readonly digest: Digest;
      readonly authenticator: Uint8Array;
    },
  ): boolean;
}

export function clientKeys(
  kind: ClientAuthentication,
  n: number,
  group: TrustedGroup,
  random: Random,
): ClientKeys {
  const key = Int32Array.from({ length: 4 }, () => random.next());
  const mac = (to: number, client: ClientId, digest: Digest): Uint8Array =>
    symbolicMac(key, client, to, digest);

  switch (kind) {
    case "trusted-mac":
      return {
        seal: (client, digest) => group.seal(client, digest),
        isAuthentic: (_replica, counter, { client, digest, authenticator }) =>
          counter.verifyClient(client, digest, authenticator),
      };
    case "signature": {
      const sign = (client: ClientId, digest: Digest): Uint8Array => twice(mac(n, client, digest));
      return {
        seal: sign,
        isAuthentic: (_replica, _counter, { client, digest, authenticator }) =>
          equalBytes(sign(client, digest), authenticator),
      };
    }
    case "mac":
      return {
        seal(client, digest) {
          const macs = new Uint8Array(32 * n);
          for (let i = 0; i < n; i++) macs.set(mac(i, client, digest), 32 * i);
          return macs;
        },
        isAuthentic: (replica, _counter, { client, digest, authenticator }) =>
          authenticator.length === 32 * n &&
          equalBytes(
            mac(replica, client, digest),
            authenticator.subarray(32 * replica, 32 * replica + 32),
          ),
      };
  }
}
