// The trusted subsystem: the module behind the TrustedCounter port, its measurement, its keys and its benchmark.
export { benchTrusted, type TrustedBenchmark } from "./bench.js";
export { measurement } from "./binary.js";
export { attestationInput, firstBootInput, kindNumbers, multiAttestationInput } from "./encoding.js";
export { clientKey, firstBootToken } from "./keys.js";
export { counterCount, openTrustedModule, type TrustedModuleOptions } from "./module.js";
