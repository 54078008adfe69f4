// How TLS is set up, the same at both ends: version 1.3 only, both sides prove who they are.

import { constants } from "node:crypto";
import type { LinkIdentity } from "./link.js";

/**
 * The kernel probes an idle connection after so long, then every second, and gives up after ten.
 */
const keepAliveInitialDelay = 10_000;

export function tlsOptions({ key, certificate, authority }: LinkIdentity) {
  return {
    key,
    cert: certificate,
    ca: authority,
    minVersion: "TLSv1.3",
    // One suite, and the fastest: both ends are always Troth.
    ciphers: "TLS_AES_128_GCM_SHA256",
    // A resumed session would outlive what was checked when it began.
    secureOptions: constants.SSL_OP_NO_TICKET,
    requestCert: true,
    rejectUnauthorized: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay,
  } as const;
}
