// Which protocol, service, fault model and ways of authentication fit together.

import {
  type ClientAuthentication,
  type FaultModel,
  type Freshness,
  freshnesses,
  type Protocol,
  type ReplicaAuthentication,
  type Service,
  UsageError,
} from "../core/index.js";
import { protocolNamed } from "../protocols/index.js";

/** What a person chooses when a cluster is made. */
export interface Choice {
  readonly protocol: string;
  readonly replicas: number;
  readonly faultModel: FaultModel | null;
  readonly clientAuthentication: ClientAuthentication | null;
  readonly replicaAuthentication: ReplicaAuthentication | null;
  readonly freshness: Freshness;
}

/** A choice that fits together, with what follows from it. */
export interface Plan {
  readonly protocol: Protocol;
  readonly f: number;
  readonly clientAuthentication: ClientAuthentication;
  /** Null: the protocol has no choice of it. */
  readonly replicaAuthentication: ReplicaAuthentication | null;
}

const faultsMax = 100;

/**
 * How many replicas; if nobody says, as many as it takes to withstand one fault.
 * @throws UsageError `PROTOCOL_UNKNOWN`, or `CHOICE_UNFIT` for a number that it cannot use.
 */
export function replicasFor(name: string, chosen: number | undefined): number {
  const protocol = protocolNamed(name);
  const n = chosen ?? protocol.replicas(1);
  faultsWithstood(protocol, n);
  return n;
}

/** How many faults exactly so many replicas are for. */
function faultsWithstood({ name, replicas, replicasText }: Protocol, n: number): number {
  for (let f = 1; f <= faultsMax; f++) if (replicas(f) === n) return f;
  const fitting = [1, 2, 3].map(replicas).join(", ");
  const message = `${name} needs ${replicasText} replicas: use --replicas ${fitting} …`;
  throw new UsageError("CHOICE_UNFIT", message, { protocol: name, replicas: n });
}

/** What a protocol's trusted counters may go by after a restart; "storage" alone if it has none. */
export const freshnessesOf = ({ usesTrustedCounter }: Protocol): readonly Freshness[] =>
  usesTrustedCounter ? freshnesses : ["storage"];

/**
 * Checks that protocol, service, fault model, authentications and number of replicas fit
 * together.
 * @throws UsageError `PROTOCOL_UNKNOWN`, or `CHOICE_UNFIT` with what would fit.
 */
export function planFor(choice: Choice, service: Service): Plan {
  const protocol = protocolNamed(choice.protocol);
  const { name, faultModel, clientAuthentications } = protocol;
  const unfit = (message: string) => new UsageError("CHOICE_UNFIT", message, { ...choice });
  if (choice.faultModel !== null && choice.faultModel !== faultModel) {
    throw unfit(
      `${name} is a ${faultModel} protocol: use --fault ${faultModel}, or see "troth protocols"`,
    );
  }
  const clientAuthentication = choice.clientAuthentication ?? clientAuthentications[0];
  if (clientAuthentication === undefined || !clientAuthentications.includes(clientAuthentication)) {
    throw unfit(`${name} takes --client-auth ${clientAuthentications.join(" or ")}`);
  }
  const replicaAuthentication = replicaAuthenticationOf(choice, protocol, unfit);
  if (!freshnessesOf(protocol).includes(choice.freshness)) {
    throw unfit(`${name} relies on no trusted counter: leave --freshness out`);
  }
  if (protocol.order === "partial" && service.order === "total") {
    throw unfit(
      `the service needs a total order, which ${name} does not give: choose another protocol ` +
        `(see "troth protocols"), or a service whose order is partial, such as kv`,
    );
  }
  const f = faultsWithstood(protocol, choice.replicas);
  return { protocol, f, clientAuthentication, replicaAuthentication };
}

function replicaAuthenticationOf(
  { replicaAuthentication: chosen }: Choice,
  { name, replicaAuthentications: offered }: Protocol,
  unfit: (message: string) => UsageError,
): ReplicaAuthentication | null {
  if (chosen === null) return offered[0] ?? null;
  if (offered.includes(chosen)) return chosen;
  if (offered.length > 0) throw unfit(`${name} takes --replica-auth ${offered.join(" or ")}`);
  throw unfit(
    `replicas of ${name} prove all they say by their trusted counters: leave --replica-auth out`,
  );
}
