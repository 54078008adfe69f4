// The hosts of a simulated cluster and what they share: one trusted group, the clients' keys, one
// hash.

import type {
  ClientAuthentication,
  Freshness,
  Limits,
  Protocol,
  ReplicaAuthentication,
  ReplicaContext,
  ReplicaId,
  ReplicaMachine,
  Service,
  Tagged,
  Timing,
  TrustedCounter,
} from "../core/index.js";
import { type ClientKeys, clientKeys } from "./client-keys.js";
import { type Identities, identities } from "./identities.js";
import { symbolicHash } from "./mix.js";
import { type TrustedGroup, trustedGroup } from "./model-counter.js";
import type { LeaseRules } from "./model-leases.js";
import type { Random } from "./random.js";
import { ReplicaHost, type Surroundings } from "./replica-host.js";

export interface ClusterOptions {
  readonly protocol: Protocol;
  readonly n: number;
  readonly f: number;
  readonly service: () => Service;
  readonly limits: Limits;
  readonly timing: Timing;
  readonly clientAuthentication: ClientAuthentication;
  readonly replicaAuthentication: ReplicaAuthentication | null;
  /** Default: `storage`. */
  readonly freshness?: Freshness;
  /** How instances keep leases. Default: as decision 0008 says. */
  readonly rules?: LeaseRules;
  readonly random: Random;
  readonly surroundings: Surroundings;
  /** What the machine of a lying replica is; undefined for correct ones. */
  readonly decorate: (replica: ReplicaId) => Decorate | undefined;
  /** The counter that a lying host starts with; undefined for the others, which get the group's. */
  readonly counter?: (replica: ReplicaId, group: TrustedGroup) => TrustedCounter | undefined;
}

/** Makes a liar's machine; it may have more services than the one in the context. */
export type Decorate = (
  context: ReplicaContext,
  service: () => Service,
) => ReplicaMachine<Tagged, Tagged>;

export interface Cluster {
  readonly hosts: readonly ReplicaHost[];
  readonly keys: ClientKeys;
  readonly identities: Identities;
  readonly group: TrustedGroup;
  /** What the machine of a replica is made of, but for what is new in every life. */
  context(replica: ReplicaId): Omit<ReplicaContext, "service" | "counter">;
}

export function cluster(options: ClusterOptions): Cluster {
  const { protocol, n, f, service, limits, timing, surroundings } = options;
  const { clientAuthentication, replicaAuthentication } = options;
  const { freshness = "storage", rules } = options;
  const settings = { freshness, n, f, ...(rules === undefined ? {} : { rules }) };
  const group = trustedGroup(options.random.fork("trusted group"), settings);
  const keys = clientKeys(clientAuthentication, n, group, options.random.fork("client keys"));
  const members = identities(replicaAuthentication, n, options.random);
  const context = (replica: ReplicaId) => ({
    replica,
    n,
    f,
    hash: symbolicHash,
    limits,
    timing,
    clientAuthentication,
    replicaAuthentication,
    identity: members.of(replica),
  });
  const hosts = Array.from({ length: n }, (_, replica) => {
    const decorate = options.decorate(replica);
    return new ReplicaHost({
      protocol,
      context: context(replica),
      service,
      counter: (hasToken) => options.counter?.(replica, group) ?? group.counter(replica, hasToken),
      keys,
      identities: members,
      surroundings,
      ...(decorate === undefined ? {} : { decorate }),
    });
  });
  return { hosts, keys, identities: members, group, context };
}

/** The most faulty replicas that `n` replicas tolerate. */
export function faultsTolerated(protocol: Protocol, n: number): number {
  let f = 0;
  while (protocol.replicas(f + 1) <= n) f++;
  return f;
}
