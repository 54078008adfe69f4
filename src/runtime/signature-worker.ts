// The thread that verifies signatures for signature-verifier.ts.

import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { clientMacInput, replicaProofInput } from "../codec/index.js";
import {
  type Answer,
  digestBytes,
  entry,
  entryBytes,
  type Job,
  type Role,
  roles,
  signatureBytes,
  type WorkerData,
} from "./signature-verifier.js";

const { keys } = workerData as WorkerData;
const inputs = { client: clientMacInput, replica: replicaProofInput };
const known: Record<Role, (KeyObject | null | undefined)[]> = { client: [], replica: [] };

/** Made when first needed; null if there is no such signer. */
function keyOf(role: Role, signer: number): KeyObject | null {
  const before = known[role][signer];
  if (before !== undefined) return before;
  const text = keys[role][signer];
  const made =
    text === undefined
      ? null
      : createPublicKey({ key: Buffer.from(text, "base64"), format: "der", type: "spki" });
  known[role][signer] = made;
  return made;
}

function answerTo(job: Job): Answer {
  const view = new DataView(job.buffer, job.byteOffset, job.byteLength);
  const answer = new Uint8Array(job.length / entryBytes);
  for (let index = 0; index < answer.length; index++) {
    const start = index * entryBytes;
    const part = (at: number, length: number) => job.subarray(start + at, start + at + length);
    const role = roles[job[start + entry.role]!]!;
    const signer = view.getUint32(start + entry.signer, true);
    const key = keyOf(role, signer);
    const input = inputs[role](signer, part(entry.digest, digestBytes));
    const signature = part(entry.signature, signatureBytes);
    answer[index] = key !== null && verify(null, input, key, signature) ? 1 : 0;
  }
  return answer;
}

parentPort?.on("message", (job: Job) => {
  parentPort?.postMessage(answerTo(job));
});
