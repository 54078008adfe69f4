// What real replicas prove their statements with keeps every rule of identities.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { after } from "node:test";
import type { ReplicaAuthentication } from "../../src/core/index.js";
import { type ReplicaProofs, replicaProofs } from "../../src/runtime/replica-proofs.js";
import { SignatureVerifier } from "../../src/runtime/signature-verifier.js";
import { firstBootToken, openTrustedModule } from "../../src/trusted/index.js";
import { identityCompliance, type Members } from "./identity-compliance.js";

const signers = Array.from({ length: 4 }, () => generateKeyPairSync("ed25519"));
const replica = signers.map(({ publicKey }) =>
  publicKey.export({ type: "spki", format: "der" }).toString("base64"),
);
const signatures = new SignatureVerifier({ client: [], replica }, (error) => {
  throw error;
});
after(() => signatures.close());

function makeMembers(authentication: ReplicaAuthentication, n: number): Members {
  const groupSecret = randomBytes(32);
  const group = { n, f: 1, freshness: "storage" } as const;
  const shared = Array.from({ length: n }, () => Array.from({ length: n }, () => randomBytes(32)));
  const proofs: ReplicaProofs[] = signers.map(({ privateKey }, id) => {
    // Two of them have lost their tokens: their counters are retired, and their MACs as good.
    const firstBoot = id < 2 ? firstBootToken(groupSecret, id, group) : null;
    return replicaProofs({
      replica: id,
      n,
      authentication,
      signingKey: privateKey,
      signatures,
      macKeys: shared.map((_, peer) => shared[Math.min(id, peer)]![Math.max(id, peer)]!),
      counter: openTrustedModule({
        groupSecret,
        instance: id,
        group,
        measurement: null,
        firstBoot,
      }),
    });
  });
  return {
    identity: (id) => proofs[id]!,
    believes: (receiver, claim) => proofs[receiver]!.verify(claim),
  };
}

identityCompliance("real", makeMembers);
