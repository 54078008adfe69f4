// What it costs to prove a statement and to check one, of four replicas, on one thread:
// `npm run bench:proofs`.

import { generateKeyPairSync, randomBytes, verify } from "node:crypto";
import { replicaProofInput } from "../build/src/codec/index.js";
import { replicaAuthentications } from "../build/src/core/index.js";
import { replicaProofs } from "../build/src/runtime/replica-proofs.js";
import { openTrustedModule } from "../build/src/trusted/index.js";

const n = 4;
const forMs = 500;
const groupSecret = randomBytes(32);
const group = { n, f: 1, freshness: "storage" };
const signers = Array.from({ length: n }, () => generateKeyPairSync("ed25519"));
const macKeys = Array.from({ length: n }, () => randomBytes(32)).fill(randomBytes(32));
/** On this thread, and never from memory. */
const signatures = {
  verify: (_role, signer, digest, signature) =>
    verify(null, replicaProofInput(signer, digest), signers[signer].publicKey, signature),
};

/** Of the processor, so that a busy machine tells the same. */
function microseconds(action) {
  let [times, spent] = [0, 0];
  for (const before = process.cpuUsage(); spent < forMs * 1000; times += 50) {
    for (let i = 0; i < 50; i++)
      if (action() === false) throw new Error("a right proof is refused");
    const { user, system } = process.cpuUsage(before);
    spent = user + system;
  }
  return `${(spent / times).toFixed(1)} µs`;
}

for (const authentication of replicaAuthentications) {
  const [speaker, receiver] = [0, 1].map((replica) => {
    const options = { groupSecret, instance: replica, group, measurement: null, firstBoot: null };
    const { privateKey: signingKey } = signers[replica];
    const counter = openTrustedModule(options);
    const own = { replica, n, authentication, signingKey, signatures, macKeys, counter };
    return replicaProofs(own);
  });
  const digest = randomBytes(32);
  const claim = { kind: "replica", replica: 0, digest };
  const signed = { ...claim, proof: speaker.sign(digest), isTransferable: true };
  const direct = { ...claim, proof: speaker.authenticate(digest), isTransferable: false };
  console.log(
    `${authentication}: sign ${microseconds(() => speaker.sign(digest))}, ` +
      `check ${microseconds(() => receiver.verify(signed))}; ` +
      `authenticate ${microseconds(() => speaker.authenticate(digest))}, ` +
      `check ${microseconds(() => receiver.verify(direct))}`,
  );
}
