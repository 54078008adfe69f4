// The trusted subsystem: the module behind the TrustedCounter port, its measurement and its keys.
export { benchTrusted, type TrustedBenchmark } from "./bench.js";
export { measurement } from "./binary.js";
export type { TrustedGroup } from "./encoding.js";
export { clientKey, firstBootToken } from "./keys.js";
export {
  openTrustedFaces,
  openTrustedModule,
  type TrustedFaces,
  type TrustedModuleOptions,
} from "./module.js";
