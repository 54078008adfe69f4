// The thread that verifies client signatures for signature-verifier.ts.

import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { clientMacInput } from "../codec/index.js";
import {
  type Answer,
  digestBytes,
  entryBytes,
  type Job,
  type WorkerData,
} from "./signature-verifier.js";

const { clientKeys } = workerData as WorkerData;
const keys: (KeyObject | null | undefined)[] = [];

/** Made when first needed; null if the client has none. */
function keyOf(client: number): KeyObject | null {
  const known = keys[client];
  if (known !== undefined) return known;
  const text = clientKeys[client];
  const made =
    text === undefined
      ? null
      : createPublicKey({ key: Buffer.from(text, "base64"), format: "der", type: "spki" });
  keys[client] = made;
  return made;
}

function answerTo(job: Job): Answer {
  const view = new DataView(job.buffer, job.byteOffset, job.byteLength);
  const answer = new Uint8Array(job.length / entryBytes);
  for (let index = 0; index < answer.length; index++) {
    const start = index * entryBytes;
    const client = view.getUint32(start, true);
    const digest = job.subarray(start + 4, start + 4 + digestBytes);
    const signature = job.subarray(start + 4 + digestBytes, start + entryBytes);
    const key = keyOf(client);
    const input = clientMacInput(client, digest);
    answer[index] = key !== null && verify(null, input, key, signature) ? 1 : 0;
  }
  return answer;
}

parentPort?.on("message", (job: Job) => {
  parentPort?.postMessage(answerTo(job));
});
