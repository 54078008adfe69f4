// How fast the trusted module is beside `createHmac`, in one run: `troth bench-trusted`.

import { createHmac, randomBytes } from "node:crypto";
import { clientMacInput } from "../codec/index.js";
import { assert, origin } from "../core/index.js";
import { attestationInput, type TrustedGroup } from "./encoding.js";
import { clientKey, firstBootToken } from "./keys.js";
import { openTrustedModule } from "./module.js";

/** Operations per second, each taken alone. */
export interface TrustedBenchmark {
  readonly certificatesPerSecond: number;
  readonly verificationsPerSecond: number;
  readonly clientVerificationsPerSecond: number;
  /** `createHmac` over the same bytes as the certificates, and with no counter to guard. */
  readonly createHmacPerSecond: number;
  /** Certificates to `createHmac`. */
  readonly ratio: number;
}

/** Runs for about `seconds`, in short turns of each so that a busy machine slows all alike. */
export function benchTrusted(options: { readonly seconds: number }): TrustedBenchmark {
  const turns = contestants();
  const spentMs = turns.map(() => 0);
  const done = turns.map(() => 0);
  const start = performance.now();
  for (let round = 0; round < 2 || performance.now() - start < options.seconds * 1000; round++) {
    for (const [index, turn] of turns.entries()) {
      const before = performance.now();
      for (let i = 0; i < turnLength; i++) turn();
      if (round === 0) continue; // warming up
      spentMs[index]! += performance.now() - before;
      done[index]! += turnLength;
    }
  }
  const [certificates, verifications, clients, hmacs] = turns.map(
    (_, index) => (done[index]! / spentMs[index]!) * 1000,
  ) as [number, number, number, number];
  return {
    certificatesPerSecond: certificates,
    verificationsPerSecond: verifications,
    clientVerificationsPerSecond: clients,
    createHmacPerSecond: hmacs,
    ratio: certificates / hmacs,
  };
}

/** Long, so that each pays for its own garbage: in short turns ours pays for createHmac's. */
const turnLength = 50_000;

function contestants(): readonly (() => void)[] {
  const groupSecret = randomBytes(32);
  const group: TrustedGroup = { n: 3, f: 1, freshness: "storage" };
  const firstBoot = firstBootToken(groupSecret, 0, group);
  const options = { groupSecret, instance: 0, group, measurement: null, firstBoot };
  const counter = openTrustedModule(options);
  const digest = randomBytes(32);
  let order = 0;
  const certify = () => counter.continuing(0, { view: 1, order: ++order }, digest);
  const attestation = certify();
  assert(attestation !== null, "a fresh counter certifies");
  const sealed = createHmac("sha256", clientKey(groupSecret, 7, group))
    .update(clientMacInput(7, digest))
    .digest();
  const fields = { ...attestation, previous: origin };
  const input = attestationInput(fields, digest);
  return [
    () => assert(certify() !== null, "the counter moves"),
    () => assert(counter.verify(attestation, digest), "a genuine certificate verifies"),
    () => assert(counter.verifyClient(7, digest, sealed), "a genuine client MAC verifies"),
    () => createHmac("sha256", groupSecret).update(input).digest(),
  ];
}
