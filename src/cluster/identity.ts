// Whether a certificate and key from a file can be used for TLS in a cluster.

import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { damaged } from "./files.js";

/** A certificate and its key, in PEM, and the files they come from. */
export interface StoredIdentity {
  readonly certificate: string;
  readonly certificatePath: string;
  readonly key: string;
  readonly keyPath: string;
}

/**
 * Checks that the certificate is for `commonName`, was issued by the cluster's authority, is valid
 * now and belongs to the key. Throws `UsageError` KEY_DAMAGED naming the file and what is wrong
 * with it.
 */
export function checkIdentity(stored: StoredIdentity, commonName: string, authority: string): void {
  const { certificatePath, keyPath } = stored;
  const certificate = parse(certificatePath, "a PEM certificate", () => {
    return new X509Certificate(stored.certificate);
  });
  const key = parse(keyPath, "a PEM private key", () => createPrivateKey(stored.key));
  if (certificate.subject !== `CN=${commonName}`) {
    throw damaged(certificatePath, `is for ${certificate.subject}, not for CN=${commonName}`);
  }
  if (!certificate.verify(new X509Certificate(authority).publicKey)) {
    throw damaged(certificatePath, "was not issued by the authority in cluster.json");
  }
  if (Date.parse(certificate.validTo) < Date.now()) {
    throw damaged(certificatePath, `expired on ${certificate.validTo}`);
  }
  if (!belongs(certificate, key)) throw damaged(keyPath, `does not belong to ${certificatePath}`);
}

/**
 * The private key in a file, PEM, if its public half is the one that the configuration publishes:
 * base64 of its SPKI in DER. Throws `UsageError` KEY_DAMAGED otherwise.
 */
export function readSigningKey(path: string, pem: string, published: string): KeyObject {
  const key = parse(path, "a PEM private key", () => createPrivateKey(pem));
  const own = createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64");
  if (own !== published) throw damaged(path, "does not belong to its public key in cluster.json");
  return key;
}

const belongs = (certificate: X509Certificate, key: KeyObject) => certificate.checkPrivateKey(key);

function parse<T>(path: string, what: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw damaged(path, `does not hold ${what}`);
  }
}
