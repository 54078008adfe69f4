// What one client holds: how it connects, and how it proves that a bundle is its own.

import { createHmac, createPrivateKey, sign } from "node:crypto";
import * as z from "zod";
import { clientMacInput } from "../codec/index.js";
import { type ClientAuthentication, type ClientId, UsageError } from "../core/index.js";
import { readConfiguration } from "./configuration.js";
import { clientName, clientPath, damaged, readSecret, secretBytes } from "./files.js";
import { checkIdentity } from "./identity.js";

/** A client's secrets, ready for use. */
export interface ClientCredential {
  readonly client: ClientId;
  /** PEM. */
  readonly tlsKey: string;
  /** PEM, with the name `client-<client>`. */
  readonly tlsCertificate: string;
  /**
   * The authenticator over a bundle's digest, as the configuration's `clientAuthentication` wants.
   */
  seal(digest: Uint8Array): Uint8Array;
}

const hexSecret = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits");

/** A credential file: one of the three keys beside the identity. */
export const credentialSchema = z.strictObject({
  client: z.int().min(0),
  tlsKey: z.string(),
  tlsCertificate: z.string(),
  /** For "trusted-mac". */
  trustedKey: hexSecret.optional(),
  /** For "signature": Ed25519, PEM. */
  signingKey: z.string().optional(),
  /** For "mac": one key for each replica. */
  macKeys: z.array(hexSecret).optional(),
});

export type CredentialFile = z.infer<typeof credentialSchema>;

/**
 * Reads and checks a client's credential. Throws `UsageError` with code CLIENT_UNKNOWN,
 * KEY_MISSING, KEY_UNREADABLE or KEY_DAMAGED and a message with the remedy, or what
 * `readConfiguration` throws.
 */
export function readClientCredential(folder: string, client: ClientId): ClientCredential {
  const { clients, clientAuthentication, authority, n } = readConfiguration(folder);
  if (!Number.isInteger(client) || client < 0 || client >= clients) {
    const last = clients - 1;
    const message = `there is no client ${client} in ${folder}: its clients are 0 to ${last}.`;
    throw new UsageError("CLIENT_UNKNOWN", message, { client, clients });
  }
  const path = clientPath(folder, client);
  const file = parseFile(path, readSecret(path));
  const { tlsKey, tlsCertificate } = file;
  const stored = { certificate: tlsCertificate, certificatePath: path, key: tlsKey, keyPath: path };
  checkIdentity(stored, clientName(client), authority);
  const seal = sealing(path, file, clientAuthentication, n);
  return { client, tlsKey, tlsCertificate, seal: (digest) => seal(clientMacInput(client, digest)) };
}

function parseFile(path: string, text: string): CredentialFile {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw damaged(path, "is not JSON");
  }
  const parsed = credentialSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw damaged(path, `has a wrong field ${issue.path.join(".")}: ${issue.message}`);
}

/** How this client authenticates the input of a MAC or signature. */
function sealing(
  path: string,
  file: CredentialFile,
  authentication: ClientAuthentication,
  n: number,
): (input: Uint8Array) => Uint8Array {
  switch (authentication) {
    case "trusted-mac": {
      if (file.trustedKey === undefined) throw damaged(path, "lacks the field trustedKey");
      const key = Buffer.from(file.trustedKey, "hex");
      return (input) => hmac(key, input);
    }
    case "signature": {
      if (file.signingKey === undefined) throw damaged(path, "lacks the field signingKey");
      const key = signingKey(path, file.signingKey);
      return (input) => sign(null, input, key);
    }
    case "mac": {
      const keys = (file.macKeys ?? []).map((key) => Buffer.from(key, "hex"));
      if (keys.length !== n) throw damaged(path, `must have ${n} entries in macKeys`);
      return (input) => {
        const macs = new Uint8Array(n * secretBytes);
        keys.forEach((key, replica) => macs.set(hmac(key, input), replica * secretBytes));
        return macs;
      };
    }
  }
}

const hmac = (key: Uint8Array, input: Uint8Array): Uint8Array =>
  createHmac("sha256", key).update(input).digest();

function signingKey(path: string, pem: string) {
  try {
    return createPrivateKey(pem);
  } catch {
    throw damaged(path, "does not hold a PEM private key as signingKey");
  }
}
