// What clients believe of replicas' proofs, deployed and simulated: signatures, and nothing else.

import assert from "node:assert/strict";
import { createHash, sign } from "node:crypto";
import { test } from "node:test";
import { ReplicaVerifier } from "../../src/client/replica-verifier.js";
import { readConfiguration, readReplicaKeys } from "../../src/cluster/index.js";
import { replicaProofInput } from "../../src/codec/index.js";
import type { Claim, ReplicaAuthentication } from "../../src/core/index.js";
import { identities, Random } from "../../src/simulator/index.js";
import { newCluster, usage } from "../cluster/folder.js";

const digest = createHash("sha256").update("what replica 1 said").digest();
const other = createHash("sha256").update("something else").digest();

/** What a client says to a proof by replica 1 of `digest`, presented in some ways. */
function verdicts(believes: (claim: Claim) => boolean, proof: Uint8Array) {
  const said = { kind: "replica", replica: 1, digest, proof, isTransferable: true } as const;
  const client = { kind: "client", client: 1, digest, authenticator: proof } as const;
  return {
    genuine: believes(said),
    direct: believes({ ...said, isTransferable: false }),
    wrong: [
      { ...said, replica: 0 },
      { ...said, replica: 3 },
      { ...said, digest: other },
      { ...said, proof: proof.slice(1) },
      { ...said, proof: new Uint8Array(64) },
      client,
    ].map(believes),
  };
}

const none = { genuine: false, direct: false, wrong: Array<boolean>(6).fill(false) };
const expected: Record<ReplicaAuthentication, typeof none> = {
  signature: { ...none, genuine: true, direct: true },
  mac: { ...none, genuine: true },
  "trusted-mac": none,
};

for (const authentication of ["signature", "mac", "trusted-mac"] as const) {
  test(`a simulated client believes signatures only (${authentication})`, () => {
    const members = identities(authentication, 3, new Random(1));
    const believes = (claim: Claim) => members.isGenuineToClients(claim);
    assert.deepEqual(verdicts(believes, members.of(1).sign(digest)), expected[authentication]);
  });

  test(`a deployed client believes signatures only (${authentication})`, async (context) => {
    const folder = await newCluster(context, { replicaAuthentication: authentication });
    const verifier = new ReplicaVerifier(readConfiguration(folder));
    const key = readReplicaKeys(folder, 1).signingKey;
    const proof = key === null ? new Uint8Array(32) : sign(null, replicaProofInput(1, digest), key);
    const believes = (claim: Claim) => verifier.verify(claim);
    assert.deepEqual(verdicts(believes, proof), expected[authentication]);
  });
}

test("a damaged public key is told, and what to do about it", async (context) => {
  const folder = await newCluster(context, { replicaAuthentication: "signature" });
  const configuration = readConfiguration(folder);
  const replicaKeys = configuration.replicaKeys!.with(2, "AAAA");
  assert.throws(
    () => new ReplicaVerifier({ ...configuration, replicaKeys }),
    usage("CONFIGURATION_DAMAGED", "replica 2", "restore"),
  );
});
