// The composition root: what a replica of a cluster folder is made of.

import { type Configuration, readConfiguration, readReplicaKeys } from "../cluster/index.js";
import type { Protocol } from "../core/index.js";
import { protocolNamed } from "../protocols/index.js";
import { type RunningReplica, startReplica } from "../runtime/index.js";
import { openTrustedModule } from "../trusted/index.js";
import { openService } from "./service.js";

/**
 * Starts one replica of the cluster in a folder, in this process. `disguise` may wrap the protocol
 * (the demo's liar).
 * @throws UsageError when the configuration, a key, the service or the trusted module is not as it
 * should be.
 */
export async function startFromFolder(
  folder: string,
  id: number,
  disguise: (protocol: Protocol) => Protocol = (protocol) => protocol,
): Promise<{ readonly configuration: Configuration; readonly replica: RunningReplica }> {
  const configuration = readConfiguration(folder);
  const { n, f, freshness } = configuration;
  const keys = readReplicaKeys(folder, id);
  const replica = await startReplica({
    configuration,
    keys,
    protocol: disguise(protocolNamed(configuration.protocol)),
    service: await openService(configuration.service, folder),
    counter: (firstBoot) =>
      openTrustedModule({
        groupSecret: keys.groupSecret,
        instance: id,
        group: { n, f, freshness },
        measurement: configuration.trustedMeasurement,
        firstBoot,
      }),
    memory: !configuration.durable,
  });
  return { configuration, replica };
}
