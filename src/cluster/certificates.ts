// X.509 certificates of a cluster's own authority: ECDSA on P-256, for mutual TLS.

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";

/** Who a certificate is for, with its private key. Both in PEM. */
export interface Identity {
  readonly key: string;
  readonly certificate: string;
}

/** Issues certificates that a cluster's members check one another by. */
export interface Authority extends Identity {
  /**
   * For both ends of TLS; `names` are host names and IP addresses, beside the common name itself.
   */
  issue(commonName: string, names: readonly string[]): Identity;
}

const validityYears = 10;
/** So that a machine whose clock is behind can use a new certificate. */
const clockSkewMs = 24 * 3600 * 1000;
const commonNameAttribute = "2.5.4.3";
const ecdsaWithSha256 = "1.2.840.10045.4.3.2";

/** A new authority, self-signed; its certificates are valid for ten years from `at`. */
export function createAuthority(commonName: string, at = new Date()): Authority {
  const keys = newKeys();
  const keyIdentifier = randomBytes(20);
  const authorityKeyIdentifier = new AuthorityKeyIdentifier({
    keyIdentifier: new KeyIdentifier(keyIdentifier),
  });
  const certify = (subject: string, publicKey: KeyObject, extensions: Extension[]) =>
    certificate(keys.privateKey, commonName, at, subject, publicKey, extensions);
  return {
    key: privatePem(keys.privateKey),
    certificate: certify(commonName, keys.publicKey, [
      extension(id_ce_basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 })),
      extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign)),
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyIdentifier), false),
    ]),
    issue(subject, names) {
      const { privateKey, publicKey } = newKeys();
      const leaf = certify(subject, publicKey, [
        extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature)),
        extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth, id_kp_clientAuth])),
        extension(id_ce_authorityKeyIdentifier, authorityKeyIdentifier, false),
        extension(id_ce_subjectAltName, alternativeNames([subject, ...names]), false),
      ]);
      return { key: privatePem(privateKey), certificate: leaf };
    },
  };
}

const newKeys = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

const privatePem = (key: KeyObject) => key.export({ type: "pkcs8", format: "pem" }).toString();

function certificate(
  issuerKey: KeyObject,
  issuer: string,
  at: Date,
  subject: string,
  publicKey: KeyObject,
  extensions: Extension[],
): string {
  const algorithm = new AlgorithmIdentifier({ algorithm: ecdsaWithSha256 });
  const notAfter = new Date(at);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + validityYears);
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: algorithm,
    issuer: distinguishedName(issuer),
    validity: new Validity({ notBefore: new Date(at.getTime() - clockSkewMs), notAfter }),
    subject: distinguishedName(subject),
    subjectPublicKeyInfo: AsnConvert.parse(
      publicKey.export({ type: "spki", format: "der" }),
      SubjectPublicKeyInfo,
    ),
    extensions: new Extensions(extensions),
  });
  const toSign = new Uint8Array(AsnConvert.serialize(tbsCertificate));
  const signatureValue = Uint8Array.from(sign("sha256", toSign, issuerKey)).buffer;
  const signed = new Certificate({ tbsCertificate, signatureAlgorithm: algorithm, signatureValue });
  return pem(AsnConvert.serialize(signed));
}

/** Positive, and never the same twice. */
function serialNumber(): ArrayBuffer {
  const serial = Uint8Array.from(randomBytes(16));
  serial[0] = 0x40 | (serial[0]! & 0x3f);
  return serial.buffer;
}

function distinguishedName(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName });
  const attribute = new AttributeTypeAndValue({ type: commonNameAttribute, value });
  return new Name([new RelativeDistinguishedName([attribute])]);
}

function alternativeNames(names: readonly string[]): SubjectAlternativeName {
  return new SubjectAlternativeName(
    names.map(
      (name) => new GeneralName(isIP(name) === 0 ? { dNSName: name } : { iPAddress: name }),
    ),
  );
}

function extension(extnID: string, value: object, critical = true): Extension {
  return new Extension({
    extnID,
    critical,
    extnValue: new OctetString(AsnConvert.serialize(value)),
  });
}

function pem(der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
