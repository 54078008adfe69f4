// The cluster folder: public configuration, and everyone's secrets. No sockets.
export {
  type Configuration,
  clientsMax,
  faultsTolerated,
  readConfiguration,
  replicasMax,
} from "./configuration.js";
export { type ClientCredential, readClientCredential } from "./credential.js";
export { type InitialiseOptions, initialise } from "./initialise.js";
export { discardFirstBoot, type ReplicaKeys, readReplicaKeys } from "./keys.js";
