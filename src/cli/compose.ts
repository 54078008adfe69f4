// The composition root: which protocol, service and trusted module make a replica of this cluster.

import { type Configuration, readConfiguration, readReplicaKeys } from "../cluster/index.js";
import {
  type ClientAuthentication,
  type FaultModel,
  type Protocol,
  type Service,
  UsageError,
} from "../core/index.js";
import { protocolNamed } from "../protocols/index.js";
import { type RunningReplica, startReplica } from "../runtime/index.js";
import { serviceNamed } from "../services/index.js";
import { openTrustedModule } from "../trusted/index.js";

/** What a person chooses when a cluster is made. */
export interface Choice {
  readonly protocol: string;
  readonly service: string;
  readonly replicas: number;
  readonly faultModel: FaultModel | null;
  readonly clientAuthentication: ClientAuthentication | null;
}

/** A choice that fits together, with what follows from it. */
export interface Plan {
  readonly protocol: Protocol;
  readonly f: number;
  readonly clientAuthentication: ClientAuthentication;
}

const faultsMax = 100;

/**
 * Checks that protocol, service, fault model, client authentication and number of replicas fit together.
 * @throws UsageError `PROTOCOL_UNKNOWN`, `SERVICE_UNKNOWN`, or `CHOICE_UNFIT` with what would fit.
 */
export function planFor(choice: Choice): Plan {
  const protocol = protocolNamed(choice.protocol);
  const { name, faultModel, clientAuthentications } = protocol;
  const unfit = (message: string) => new UsageError("CHOICE_UNFIT", message, { ...choice });
  if (choice.faultModel !== null && choice.faultModel !== faultModel) {
    throw unfit(`${name} is a ${faultModel} protocol: use --fault ${faultModel}, or see "troth protocols"`);
  }
  const clientAuthentication = choice.clientAuthentication ?? clientAuthentications[0];
  if (clientAuthentication === undefined || !clientAuthentications.includes(clientAuthentication)) {
    throw unfit(`${name} takes --client-auth ${clientAuthentications.join(" or ")}`);
  }
  if (protocol.order === "partial" && serviceNamed(choice.service).order === "total") {
    throw unfit(`the service ${choice.service} needs a total order, which ${name} does not give`);
  }
  for (let f = 1; f <= faultsMax; f++) {
    if (protocol.replicas(f) === choice.replicas) return { protocol, f, clientAuthentication };
  }
  const fitting = [1, 2, 3].map(protocol.replicas).join(", ");
  throw unfit(`${name} needs ${protocol.replicasText} replicas: use --replicas ${fitting} …`);
}

/**
 * Starts one replica of the cluster in a folder, in this process. `disguise` may wrap the protocol (the demo's liar).
 * @throws UsageError when the configuration, a key or the trusted module is not as it should be.
 */
export async function startFromFolder(
  folder: string,
  id: number,
  disguise: (protocol: Protocol) => Protocol = (protocol) => protocol,
): Promise<{ readonly configuration: Configuration; readonly replica: RunningReplica }> {
  const configuration = readConfiguration(folder);
  if (id >= configuration.n) {
    throw new UsageError(
      "REPLICA_UNKNOWN",
      `${folder} has replicas 0 to ${configuration.n - 1}: use --replica with one of them`,
      { id },
    );
  }
  const keys = readReplicaKeys(folder, id);
  const counter = openTrustedModule({
    groupSecret: keys.groupSecret,
    instance: id,
    measurement: configuration.trustedMeasurement,
    firstBoot: keys.firstBoot,
  });
  const replica = await startReplica({
    folder,
    id,
    configuration,
    keys,
    protocol: disguise(protocolNamed(configuration.protocol)),
    service: serviceNamed(configuration.service),
    counter,
    memory: !configuration.durable,
  });
  return { configuration, replica };
}
