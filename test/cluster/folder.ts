// A cluster folder for tests, made anew for each and removed after it.

import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { clientKeyInput } from "../../src/codec/index.js";
import { type InitialiseOptions, initialise } from "../../src/cluster/index.js";

export const options: InitialiseOptions = {
  n: 3,
  f: 1,
  protocol: "hybster",
  faultModel: "hybrid",
  service: "kv",
  clientAuthentication: "trusted-mac",
  replicaAuthentication: null,
  clients: 3,
  basePort: 7400,
  durable: true,
  trustedMeasurement: "0123456789abcdef".repeat(4),
  freshness: "storage",
  firstBootToken: (secret, instance) => secret.map((byte) => byte ^ (instance + 1)),
  clientKey: (secret, client) =>
    createHmac("sha256", secret).update(clientKeyInput(client)).digest(),
};

/** A place for a cluster that does not exist yet, in a folder that the test has to itself. */
export function emptyPlace(context: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), "troth-cluster-"));
  context.after(() => rmSync(parent, { recursive: true, force: true }));
  return join(parent, "data");
}

export async function newCluster(
  context: TestContext,
  more: Partial<InitialiseOptions> = {},
): Promise<string> {
  const folder = emptyPlace(context);
  await initialise(folder, { ...options, ...more });
  return folder;
}

/** For `assert.throws`: a usage error with this code, whose message has all these words. */
export function usage(code: string, ...words: string[]) {
  return (error: unknown): boolean => {
    const { code: got, message } = error as { code?: string; message: string };
    return got === code && words.every((word) => message.includes(word));
  };
}
